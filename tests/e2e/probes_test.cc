// The probes themselves, in this process, against a real PostgreSQL.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "dbpool/connect.h"
#include "dbpool/pool.h"
#include "exporter/probes/connect_probe.h"
#include "exporter/probes/select_probe.h"
#include "exporter/probes/server_probe.h"
#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using exporter::ConnectProbe;
using exporter::kServerStates;
using exporter::Probe;
using exporter::probe_reason;
using exporter::SelectProbe;
using exporter::ServerProbe;
using exporter::ServerSession;
using exporter::ServerSlots;
using std::chrono::milliseconds;
using ::testing::Contains;

// Generous, except where the timeout itself is tested.
constexpr Duration kTimeout = std::chrono::seconds(30);

std::int64_t count(const ServerSlots& slots, std::string_view state) {
  for (std::size_t i = 0; i < kServerStates.size(); ++i) {
    if (kServerStates[i] == state) return slots.connections[i];
  }
  ADD_FAILURE() << "no state " << state;
  return -1;
}

// The reason of a failed run, which must be one that the probe declares.
std::string failure(Probe& probe, Duration timeout = kTimeout) {
  const auto result = probe.run(timeout, {});
  if (result) return "";
  const std::string_view reason = probe_reason(result.error());
  EXPECT_THAT(probe.reasons(), Contains(reason));
  return std::string(reason);
}

std::shared_ptr<ServerSession> server_session(ConnectionString target) {
  return std::make_shared<ServerSession>(std::move(target), ConnectOptions{});
}

class ProbesTest : public ::testing::Test {
 protected:
  ConnectionString target() const {
    return *ConnectionString::parse(planted_url(postgres_));
  }
  std::unique_ptr<Connection> session() const {
    auto connected = connect(target());
    EXPECT_TRUE(connected) << connected.error().message;
    return std::move(connected->connection);
  }
  std::unique_ptr<Connection> superuser_session() const {
    auto connected = connect(*ConnectionString::parse(postgres_.url()));
    EXPECT_TRUE(connected) << connected.error().message;
    return std::move(connected->connection);
  }
  int sessions() const {
    return std::stoi(postgres_.sql_value(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '" +
        std::string(kPlantedUser) + "'"));
  }

  const Postgres postgres_;
};

TEST_F(ProbesTest, TheServerProbeCountsSessionsByState) {
  create_planted_role(postgres_);
  const auto idle = session();
  const auto in_transaction = session();
  ASSERT_TRUE(in_transaction->execute("BEGIN"));
  const auto failed = session();
  ASSERT_TRUE(failed->execute("BEGIN"));
  ASSERT_FALSE(failed->execute("SELECT nothing"));
  const auto other = superuser_session();
  ServerProbe probe(server_session(target()));
  EXPECT_EQ(probe.slots(), std::nullopt);
  ASSERT_EQ(failure(probe), "");
  const auto slots = probe.slots();
  ASSERT_TRUE(slots);
  EXPECT_EQ(count(*slots, "active"), 1);  // the probe's own
  EXPECT_EQ(count(*slots, "idle"), 2);
  EXPECT_EQ(count(*slots, "idle in transaction"), 1);
  EXPECT_EQ(count(*slots, "idle in transaction (aborted)"), 1);
  EXPECT_EQ(count(*slots, "hidden"), 0);
  EXPECT_EQ(count(*slots, "other"), 0);
}

TEST_F(ProbesTest, WithoutPgMonitorTheSessionsOfOthersAreHidden) {
  create_planted_role(postgres_, false);
  const auto own = session();
  const auto first = superuser_session();
  const auto second = superuser_session();
  ServerProbe probe(server_session(target()));
  ASSERT_EQ(failure(probe), "");
  const auto slots = probe.slots();
  ASSERT_TRUE(slots);
  EXPECT_EQ(count(*slots, "active"), 1);
  EXPECT_EQ(count(*slots, "idle"), 1);
  EXPECT_EQ(count(*slots, "hidden"), 2);
}

TEST_F(ProbesTest, TheServerProbeReadsTheLimits) {
  create_planted_role(postgres_);
  ServerProbe probe(server_session(target()));
  ASSERT_EQ(failure(probe), "");
  EXPECT_EQ(std::to_string(probe.slots()->max_connections),
            postgres_.sql_value("SHOW max_connections"));
  EXPECT_EQ(std::to_string(probe.slots()->reserved_connections),
            postgres_.sql_value("SHOW superuser_reserved_connections"));
}

TEST_F(ProbesTest, TheServerProbeKeepsOneSessionAndReplacesALostOne) {
  create_planted_role(postgres_);
  ServerProbe probe(server_session(target()));
  ASSERT_EQ(failure(probe), "");
  ASSERT_EQ(failure(probe), "");
  EXPECT_EQ(sessions(), 1);
  postgres_.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename "
      "= '" +
      std::string(kPlantedUser) + "'");
  ASSERT_TRUE(eventually(kLiveness, [&] { return sessions() == 0; }));
  EXPECT_EQ(failure(probe), "");
  EXPECT_TRUE(probe.slots());
}

TEST_F(ProbesTest, AFailedServerProbeForgetsItsNumbers) {
  Postgres postgres;
  create_planted_role(postgres);
  ServerProbe probe(
      server_session(*ConnectionString::parse(planted_url(postgres))));
  ASSERT_EQ(failure(probe), "");
  postgres.stop();
  EXPECT_EQ(failure(probe), "refused");
  EXPECT_EQ(probe.slots(), std::nullopt);
}

TEST_F(ProbesTest, TheConnectProbeLeavesNoSession) {
  create_planted_role(postgres_);
  ConnectProbe probe(target());
  EXPECT_EQ(failure(probe), "");
  EXPECT_TRUE(eventually(kLiveness, [&] { return sessions() == 0; }));
}

TEST_F(ProbesTest, TheConnectProbeTellsWhyItFails) {
  ConnectProbe refused(*ConnectionString::parse(planted_url(free_port())));
  EXPECT_EQ(failure(refused), "refused");
  ConnectProbe unknown_role(target());
  EXPECT_EQ(failure(unknown_role), "auth");
  const int port = free_port();
  const UniqueFd silent = listen_on(port);
  ConnectProbe hanging(*ConnectionString::parse(planted_url(port)));
  EXPECT_EQ(failure(hanging, milliseconds(100)), "timeout");
}

class SelectProbeTest : public ProbesTest {
 protected:
  SelectProbeTest() {
    create_planted_role(postgres_);
    PoolOptions options;
    options.max_connections = 1;
    options.min_connections = 1;
    options.acquire_timeout = kTimeout;
    pool_.emplace(*Pool::create(target(), options));
  }

  std::optional<Pool> pool_;
};

TEST_F(SelectProbeTest, ItGoesThroughThePoolUnderItsName) {
  SelectProbe probe(*pool_, "SELECT 1");
  EXPECT_EQ(failure(probe), "");
  const PoolStats stats = pool_->stats();
  EXPECT_EQ(stats.acquires, 1U);
  ASSERT_EQ(stats.queries.size(), 1U);
  EXPECT_EQ(stats.queries[0].name, "probe_select_1");
}

TEST_F(SelectProbeTest, AnExhaustedPoolIsItsFailureToo) {
  const auto lease = pool_->acquire();
  ASSERT_TRUE(lease) << lease.error().message;
  SelectProbe probe(*pool_, "SELECT 1");
  EXPECT_EQ(failure(probe, milliseconds(50)), "timeout_capacity");
}

TEST_F(SelectProbeTest, ItWaitsForALeaseNoLongerThanARequestDoes) {
  PoolOptions impatient;
  impatient.max_connections = 1;
  impatient.min_connections = 1;
  impatient.acquire_timeout = milliseconds(50);
  auto pool = Pool::create(target(), impatient);
  ASSERT_TRUE(pool) << pool.error().message;
  pool_.emplace(*std::move(pool));
  const auto lease = pool_->acquire(AcquireOptions(Clock::now() + kTimeout));
  ASSERT_TRUE(lease) << lease.error().message;
  SelectProbe probe(*pool_, "SELECT 1");
  EXPECT_EQ(failure(probe, std::chrono::hours(1)), "timeout_capacity");
}

TEST_F(SelectProbeTest, AStatementThatFailsOrHangsIsToldApart) {
  SelectProbe wrong(*pool_, "SELECT nothing");
  EXPECT_EQ(failure(wrong), "server_error");
  SelectProbe hanging(*pool_, "SELECT pg_sleep(3600)");
  EXPECT_EQ(failure(hanging, milliseconds(300)), "statement_timeout");
  SelectProbe well(*pool_, "SELECT 1");
  EXPECT_EQ(failure(well), "");
}

TEST_F(SelectProbeTest, AClosedPoolIsToldAsClosed) {
  pool_->close(Clock::now());
  SelectProbe probe(*pool_, "SELECT 1");
  EXPECT_EQ(failure(probe), "closed");
}

}  // namespace
}  // namespace dbpool::test
