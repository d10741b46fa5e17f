// What a caller does not wait for any more, on its own thread: an opening, a
// place in the queue, a statement, while the server does not answer.
#include <gtest/gtest.h>

#include <stop_token>
#include <string>
#include <thread>

#include "tests/integration/pool_fixture.h"
#include "tests/integration/statement_fixture.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

TEST(StopTest, AnOpeningIsAbandoned) {
  const int port = free_port();
  const UniqueFd silent = listen_on(port);
  std::stop_source stop;
  ConnectOptions options = patient_options();
  options.timeout = minutes(5);
  options.stop = stop.get_token();
  std::jthread stopper([&] { stop.request_stop(); });
  const auto connected =
      connect(ConnectionString::parse("host=127.0.0.1 user=app port=" +
                                      std::to_string(port))
                  .value(),
              options);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, ErrorKind::kCancelled);
}

class StopPoolTest : public PoolTest {};

TEST_F(StopPoolTest, APlaceInTheQueueIsGivenUp) {
  Pool pool = this->pool(quiet_options(1));
  const Lease held = must_acquire(pool);
  std::stop_source stop;
  AcquireOptions options(in(minutes(5)));
  options.stop = stop.get_token();
  std::jthread stopper([&] {
    EXPECT_TRUE(
        eventually(kPatience, [&] { return pool.stats().waiting_total == 1; }));
    stop.request_stop();
  });
  const auto lease = pool.acquire(options);
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().acquire_failure, AcquireFailure::kCancelled);
  EXPECT_EQ(pool.acquire(options).error().acquire_failure,
            AcquireFailure::kCancelled)
      << "asked to stop before";
}

class StopStatementTest : public ::testing::Test {
 protected:
  ~StopStatementTest() override { server_.resume(); }

  Postgres server_;
};

TEST_F(StopStatementTest, AStatementIsAbandonedWithItsConnection) {
  const auto connection = open_connection(server_.url());
  const auto watching = open_connection(server_.url());
  server_.pause();  // nobody takes a cancel
  std::stop_source stop;
  ExecuteOptions options;
  options.prepare = false;
  options.stop = stop.get_token();
  std::jthread stopper([&] {
    EXPECT_TRUE(eventually(kPatience, [&] {
      return text_of(*watching,
                     "SELECT count(*) FROM pg_stat_activity WHERE state = "
                     "'active' AND query = 'SELECT pg_sleep(600)'") == "1";
    }));
    stop.request_stop();
  });
  const Error error =
      error_of(connection->execute("SELECT pg_sleep(600)", {}, options));
  EXPECT_EQ(error.kind, ErrorKind::kCancelled) << error.message;
  EXPECT_EQ(error.outcome, Outcome::kInDoubt);
  EXPECT_TRUE(connection->is_broken());
}

TEST_F(StopStatementTest, OneThatWasToStopBeforeIsNotSent) {
  const auto connection = open_connection(server_.url());
  std::stop_source stop;
  stop.request_stop();
  ExecuteOptions options;
  options.stop = stop.get_token();
  const Error error = error_of(connection->execute("SELECT 1", {}, options));
  EXPECT_EQ(error.kind, ErrorKind::kCancelled) << error.message;
  EXPECT_EQ(error.outcome, Outcome::kNotSent);
  EXPECT_FALSE(connection->is_broken());
  EXPECT_EQ(text_of(*connection, "SELECT 1"), "1");
}

}  // namespace
}  // namespace dbpool::test
