// dbpool::connect(): one connection without a pool.

#include "dbpool/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "dbpool/resolve.h"
#include "tests/integration/opening_fixture.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;

TEST(Connect, GivesAConnectionThatRunsStatements) {
  const auto connected = connect(*target(over_tcp(shared_postgres().port())));
  ASSERT_TRUE(connected) << connected.error().message;
  Connection& connection = *connected->connection;
  const auto rows = connection.execute("SELECT 6 * 7");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows->get<int>(0, 0), 42);
  EXPECT_GT(connection.backend_pid(), 0);
  EXPECT_GT(connected->total, Duration{0});
  EXPECT_TRUE(connected->phases[static_cast<std::size_t>(ConnectPhase::kAuth)]);
}

TEST(Connect, AFailureIsAValue) {
  const auto connected =
      connect(*target(planted("127.0.0.1", shared_postgres().port())));
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, ErrorKind::kConnect);
  EXPECT_EQ(connected.error().connect_failure, ConnectFailure::kAuth);
}

TEST(Connect, ATimeoutThatIsNoneIsUsage) {
  const ConnectOptions options{.timeout = Duration{0}};
  const auto connected = connect(ConnectionString(), options);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(connected.error().message, HasSubstr("timeout"));
}

TEST(Connect, TheSessionEndsWithTheConnection) {
  auto connected = connect(*target(over_tcp(shared_postgres().port())));
  ASSERT_TRUE(connected) << connected.error().message;
  const std::string pid = std::to_string(connected->connection->backend_pid());
  const std::string count =
      "SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid;
  EXPECT_EQ(shared_postgres().sql_value(count), "1");
  connected->connection.reset();
  EXPECT_TRUE(eventually(std::chrono::seconds(60), [&count] {
    return shared_postgres().sql_value(count) == "0";
  }));
}

TEST(Resolve, GivesTheAddressesOfANameOrSaysWhyThereAreNone) {
  const TimePoint later = Clock::now() + std::chrono::seconds(60);
  EXPECT_EQ(resolve("10.1.2.3", later), std::vector<std::string>{"10.1.2.3"});
  const auto here = resolve("localhost", later);
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_THAT(*here, ::testing::Contains(::testing::AnyOf("127.0.0.1", "::1")));
  for (const TimePoint deadline : {later, TimePoint{}}) {
    const auto nowhere = resolve("no.such.name.invalid", deadline);
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().connect_failure, ConnectFailure::kResolve);
    EXPECT_THAT(nowhere.error().message, HasSubstr("no.such.name.invalid"));
  }
}

}  // namespace
}  // namespace dbpool::test
