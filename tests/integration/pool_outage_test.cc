// Bad days: a database that is absent, full, restarted or killed.
#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "tests/integration/pool_fixture.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using testing::HasSubstr;

std::string refused_url(int port) {
  return "postgresql://app@127.0.0.1:" + std::to_string(port) + "/postgres";
}

PostgresOptions stopped() {
  PostgresOptions options;
  options.start = false;
  return options;
}

// Acquires until it works; for servers that come back.
// A lease that serves: a server that goes down may take a connection yet and
// end it at once.
std::optional<Lease> acquire_eventually(Pool& pool) {
  std::optional<Lease> lease;
  eventually(kPatience, [&] {
    auto next = pool.acquire();
    if (!next || !(*next)->execute("SELECT 1")) return false;
    lease = std::move(*next);
    return true;
  });
  return lease;
}

TEST(PoolOutageTest, WithoutADatabaseAnAcquireFailsFastWithTheCause) {
  PoolOptions options = quiet_options(2);
  options.backoff_initial = minutes(10);
  options.backoff_max = minutes(10);
  Pool pool = make_pool(refused_url(free_port()), options);
  // No deadline: only the pool's own verdict ends these.
  auto first = pool.acquire(TimePoint::max());
  auto second = pool.acquire(TimePoint::max());
  ASSERT_FALSE(first);
  ASSERT_FALSE(second);
  EXPECT_EQ(first.error().acquire_failure, AcquireFailure::kBackendDown);
  EXPECT_EQ(second.error().acquire_failure, AcquireFailure::kBackendDown);
  EXPECT_THAT(second.error().message, HasSubstr("last opening error"));
  EXPECT_THAT(second.error().message, HasSubstr("refused"));
  const PoolStats stats = pool.stats();
  EXPECT_TRUE(stats.backing_off);
  EXPECT_TRUE(stats.last_failure.seen);
  EXPECT_EQ(stats.last_failure.reason, ConnectFailure::kRefused);
  EXPECT_THAT(stats.last_failure.message, HasSubstr("127.0.0.1"));
  EXPECT_EQ(at(stats.connect_failures, ConnectFailure::kRefused), 1u);
  EXPECT_EQ(stats.exhausted_time.count(), 0);
}

TEST(PoolOutageTest, APasswordAppearsInNoError) {
  auto sink = std::make_shared<RecordingSink>();
  Postgres& server = shared_postgres();
  Pool pool = make_pool("postgresql://app:xyzzy-secret@127.0.0.1:" +
                            std::to_string(server.port()) + "/postgres",
                        quiet_options(1), sink);
  auto lease = pool.acquire();
  ASSERT_FALSE(lease);
  EXPECT_GE(at(pool.stats().connect_failures, ConnectFailure::kAuth), 1u);
  EXPECT_THAT(lease.error().message, testing::Not(HasSubstr("xyzzy")));
  // The sink is told after those who wait.
  ASSERT_TRUE(
      eventually(kPatience, [&] { return !sink->record().failures.empty(); }));
  for (const std::string& text : sink->record().failures) {
    EXPECT_THAT(text, testing::Not(HasSubstr("xyzzy")));
  }
}

TEST(PoolOutageTest, ASilentServerIsReportedAsOpening) {
  const int port = free_port();
  const UniqueFd silent = listen_on(port);
  Pool pool = make_pool(refused_url(port), quiet_options(1));
  auto late = pool.acquire(in(milliseconds(100)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().acquire_failure, AcquireFailure::kTimeoutOpening);
  EXPECT_EQ(at(pool.stats().connections, ConnectionState::kOpening), 1u);
}

TEST(PoolOutageTest, ASilentServerAfterAFailureIsReportedAsBackendDown) {
  PoolOptions options = quiet_options(1);
  options.backoff_initial = options.backoff_max = milliseconds(1);
  const int port = free_port();
  Pool pool = make_pool(refused_url(port), options);
  ASSERT_FALSE(pool.acquire());
  const UniqueFd silent = listen_on(port, 64);
  std::optional<AcquireFailure> failure;
  EXPECT_TRUE(eventually(kPatience, [&] {
    failure = pool.acquire(in(milliseconds(1))).error().acquire_failure;
    return failure == AcquireFailure::kTimeoutBackendDown;
  })) << to_string(failure.value());
}

// A postmaster that is stopped takes connections and never answers. No request
// here has a deadline, and no retry comes to its end while they are made.
TEST(PoolOutageTest, IntoABlackHoleRequestsFailWhileARetryHangs) {
  Postgres server(stopped());
  PoolOptions options = quiet_options(2);
  options.open_timeout = minutes(10);
  options.backoff_initial = options.backoff_max = milliseconds(1);
  Pool pool = make_pool(server.url(), options);
  ASSERT_FALSE(pool.acquire());
  server.start();
  server.pause();
  for (int i = 0; i < 20; ++i) {
    auto failed = pool.acquire(TimePoint::max());
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().acquire_failure, AcquireFailure::kBackendDown);
  }
  EXPECT_EQ(at(pool.stats().connect_failures, ConnectFailure::kTimeout), 0u);
  EXPECT_EQ(at(pool.stats().connections, ConnectionState::kOpening), 1u);
  server.resume();
  std::optional<Lease> lease = acquire_eventually(pool);
  ASSERT_TRUE(lease);
  EXPECT_EQ(select_one(*lease), 1);
  EXPECT_EQ(at(pool.stats().connect_failures, ConnectFailure::kTimeout), 0u);
}

TEST(PoolOutageTest, APoolRecoversByItselfWhenTheDatabaseComesUp) {
  Postgres server(stopped());
  PoolOptions options = quiet_options(3);
  options.min_connections = 2;
  const Pool pool = make_pool(server.url(), options);
  ASSERT_TRUE(
      eventually(kPatience, [&] { return pool.stats().last_failure.seen; }));
  server.start();
  // Nobody asks for a connection: the floor alone brings it back.
  EXPECT_TRUE(eventually(kPatience, [&] {
    return at(pool.stats().connections, ConnectionState::kIdle) == 2;
  }));
  EXPECT_FALSE(pool.stats().backing_off);
}

TEST(PoolOutageTest, WithoutAFloorAnAcquireBringsThePoolBack) {
  Postgres server(stopped());
  Pool pool = make_pool(server.url(), quiet_options(1));
  auto down = pool.acquire();
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().acquire_failure, AcquireFailure::kBackendDown);
  server.start();
  std::optional<Lease> lease = acquire_eventually(pool);
  ASSERT_TRUE(lease);
  EXPECT_EQ(select_one(*lease), 1);
}

TEST(PoolOutageTest, APoolSurvivesARestartInMidRun) {
  Postgres server;
  PoolOptions options = quiet_options(4);
  options.min_connections = 2;
  Pool pool = make_pool(server.url(), options);
  std::atomic<bool> stop = false;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        auto lease = pool.acquire();
        if (lease && (*lease)->execute("SELECT 1")) ++done;
      }
    });
  }
  EXPECT_TRUE(eventually(kPatience, [&] { return done > 100; }));
  server.restart(StopMode::kImmediate);
  const int before = done;
  EXPECT_TRUE(eventually(kPatience, [&] { return done > before + 100; }));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(eventually(kPatience, [&] {
    const PoolStats stats = pool.stats();
    return stats.total >= 2 &&
           at(stats.connections, ConnectionState::kIdle) == stats.total;
  }));
  EXPECT_GE(at(pool.stats().closed_by_reason, CloseReason::kBroken), 1u);
}

TEST(PoolOutageTest, ABackendKilledUnderALeaseIsReplaced) {
  Postgres server;
  Pool pool = make_pool(server.url(), quiet_options(1));
  Lease lease = must_acquire(pool);
  // Takes the whole cluster through its crash recovery.
  ASSERT_EQ(::kill(lease->backend_pid(), SIGKILL), 0);
  auto rows = lease->execute("SELECT 1");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().statement_failure, StatementFailure::kConnectionLost);
  lease.release();
  std::optional<Lease> next = acquire_eventually(pool);
  ASSERT_TRUE(next);
  EXPECT_EQ(select_one(*next), 1);
}

TEST(PoolOutageTest, AFullServerIsToldApartFromAFullPool) {
  PostgresOptions two_slots;
  two_slots.config = {"max_connections = 5",
                      "superuser_reserved_connections = 3"};
  const Postgres server(two_slots);
  PoolOptions options = quiet_options(5);
  options.backoff_initial = options.backoff_max = milliseconds(200);
  Pool pool = make_pool(server.tcp_url(), options);
  Lease one = must_acquire(pool);
  Lease two = must_acquire(pool);

  // While it has connections, a request waits for them …
  std::thread waiter([&] { EXPECT_TRUE(pool.acquire()); });
  EXPECT_TRUE(eventually(kPatience, [&] {
    return at(pool.stats().waiting, WaitReason::kServerSlots) == 1;
  }));
  // … and a pool without any says at once what is the matter.
  Pool empty = make_pool(server.tcp_url(), quiet_options(1));
  auto refused = empty.acquire(TimePoint::max());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().acquire_failure, AcquireFailure::kServerSlots);
  EXPECT_THAT(refused.error().message, HasSubstr("too_many_connections"));
  two.release();
  waiter.join();
  EXPECT_EQ(pool.stats().exhausted_time.count(), 0);
}

TEST(PoolOutageTest, AFullPoolIsNotReportedAsAFullServer) {
  Pool pool = make_pool(shared_postgres().url(), quiet_options(1));
  const Lease lease = must_acquire(pool);
  EXPECT_EQ(pool.acquire(in(milliseconds(20))).error().acquire_failure,
            AcquireFailure::kTimeoutCapacity);
  EXPECT_GT(pool.stats().exhausted_time.count(), 0);
}

}  // namespace
}  // namespace dbpool::test
