// What the pool's own thread does: the floor, timers, recycling, checks,
// clean-up and lost sessions.
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/pool_fixture.h"
#include "tests/support/process.h"

namespace dbpool::test {
namespace {

using testing::ElementsAre;
using testing::Pair;

class HousekeeperTest : public PoolTest {
 protected:
  static bool wait_for(const Pool& pool,
                       const std::function<bool(const PoolStats&)>& holds) {
    return eventually(kPatience, [&] { return holds(pool.stats()); });
  }
  static bool wait_for_idle(const Pool& pool, std::uint32_t count) {
    return wait_for(pool, [count](const PoolStats& stats) {
      return stats.total == count &&
             at(stats.connections, ConnectionState::kIdle) == count;
    });
  }
  static bool is_running(int backend_pid) {
    return ::kill(backend_pid, 0) == 0 || errno != ESRCH;
  }
};

TEST_F(HousekeeperTest, TheFloorIsFilledFromTheStart) {
  PoolOptions options = quiet_options(5);
  options.min_connections = 3;
  const Pool pool = this->pool(options);
  EXPECT_TRUE(wait_for_idle(pool, 3));
  EXPECT_TRUE(eventually(kPatience,
                         [&] { return sink_->record().opened.size() == 3; }));
  EXPECT_EQ(backends(), 3);
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.connect_duration.count(), 3u);
  EXPECT_EQ(at(stats.connect_phase, ConnectPhase::kAuth).count(), 3u);
}

TEST_F(HousekeeperTest, ASessionThatTheServerEndsIsReplacedAtOnce) {
  PoolOptions options = quiet_options(2);
  options.min_connections = 1;
  const Pool pool = this->pool(options);
  ASSERT_TRUE(
      eventually(kPatience, [&] { return !sink_->record().opened.empty(); }));
  const int lost = sink_->record().opened.at(0);
  terminate(lost);
  ASSERT_TRUE(wait_for(pool, [](const PoolStats& stats) {
    return stats.opened == 2 &&
           at(stats.connections, ConnectionState::kIdle) == 1;
  }));
  EXPECT_THAT(sink_->record().closed,
              ElementsAre(Pair(lost, CloseReason::kBroken)));
}

TEST_F(HousekeeperTest, ASessionLostUnderALeaseIsNotLentAgain) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  const int lost = lease->backend_pid();
  terminate(lost);
  auto rows = lease->execute("SELECT 1");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().kind, ErrorKind::kStatement);
  lease.release();
  Lease next = must_acquire(pool);
  EXPECT_NE(next->backend_pid(), lost);
  EXPECT_EQ(select_one(next), 1);
  EXPECT_EQ(at(pool.stats().closed_by_reason, CloseReason::kBroken), 1u);
}

TEST_F(HousekeeperTest, ALeaseThatNeverNoticedItsLossIsNotLentAgain) {
  Pool pool = this->pool(quiet_options(2));
  Lease lease = must_acquire(pool);
  const int lost = lease->backend_pid();
  const int idle = must_acquire(pool)->backend_pid();
  terminate(lost);
  ASSERT_TRUE(eventually(kPatience, [&] { return !is_running(lost); }));
  // Sessions are seen to end in their order, so that the pool knows of the
  // lease's once it has closed the other.
  terminate(idle);
  ASSERT_TRUE(wait_for(pool, [](const PoolStats& stats) {
    return at(stats.closed_by_reason, CloseReason::kBroken) == 1;
  }));
  lease.release();
  Lease next = must_acquire(pool);
  EXPECT_EQ(select_one(next), 1);
  EXPECT_EQ(at(pool.stats().closed_by_reason, CloseReason::kBroken), 2u);
}

TEST_F(HousekeeperTest, IdleConnectionsAboveTheFloorAreClosed) {
  PoolOptions options = quiet_options(4);
  options.min_connections = 1;
  options.idle_timeout = milliseconds(100);
  Pool pool = this->pool(options);
  std::vector<Lease> leases;
  for (int i = 0; i < 4; ++i) leases.push_back(must_acquire(pool));
  leases.clear();
  EXPECT_TRUE(wait_for_idle(pool, 1));
  EXPECT_EQ(at(pool.stats().closed_by_reason, CloseReason::kIdleTimeout), 3u);
  EXPECT_TRUE(eventually(kPatience, [&] { return backends() == 1; }));
}

TEST_F(HousekeeperTest, AConnectionIsRecycledAfterItsUses) {
  PoolOptions options = quiet_options(1);
  options.max_uses = 2;
  Pool pool = this->pool(options);
  const int first = must_acquire(pool)->backend_pid();
  EXPECT_EQ(must_acquire(pool)->backend_pid(), first);
  EXPECT_NE(must_acquire(pool)->backend_pid(), first);
  EXPECT_THAT(sink_->record().closed,
              ElementsAre(Pair(first, CloseReason::kMaxUses)));
}

// Sanitizers bring a heap of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(HousekeeperTest, WhatLargeResultsTookGoesBackToTheSystem) {
  constexpr std::size_t kLarge = std::size_t{100} << 20;
  constexpr std::size_t kEnough = std::size_t{16} << 20;
  Pool pool = this->pool(quiet_options(1));
  Lease warm = must_acquire(pool);
  EXPECT_EQ(select_one(warm), 1);
  warm.release();
  // One that is read, and one that is cut off.
  for (const std::size_t limit : {10 * kLarge, kLarge}) {
    const std::size_t before = memory_of(::getpid());
    std::vector<std::unique_ptr<std::string>> later;
    {
      Lease lease = must_acquire(pool);
      ExecuteOptions options;
      options.max_result_bytes = limit;
      const auto rows = lease->execute(
          "SELECT repeat('x', 1000) FROM generate_series(1, 110000)", {},
          options);
      EXPECT_EQ(rows.has_value(), limit > kLarge);
      EXPECT_GT(memory_of(::getpid()), before + kLarge / 2);
      // In use behind it: malloc would keep all that is before.
      for (int i = 0; i < 1000; ++i) {
        later.push_back(std::make_unique<std::string>(2000, 'x'));
      }
    }
    EXPECT_TRUE(eventually(
        kPatience,
        [before] { return memory_of(::getpid()) < before + kEnough; }))
        << memory_of(::getpid()) - before << " bytes are kept";
  }
}
#endif

TEST_F(HousekeeperTest, AConnectionIsRecycledByAgeButNotUnderALease) {
  PoolOptions options = quiet_options(2);
  options.min_connections = 2;
  options.max_lifetime = milliseconds(200);
  Pool pool = this->pool(options);
  Lease lease = must_acquire(pool);
  const int leased = lease->backend_pid();
  // The other one comes of age, is closed and replaced, again and again.
  ASSERT_TRUE(wait_for(pool, [](const PoolStats& stats) {
    return at(stats.closed_by_reason, CloseReason::kMaxLifetime) >= 3;
  }));
  EXPECT_EQ(select_one(lease), 1);
  for (const auto& [pid, reason] : sink_->record().closed) {
    EXPECT_NE(pid, leased);
  }
  lease.release();
  EXPECT_TRUE(eventually(kPatience, [&] {
    return testing::Value(
        sink_->record().closed,
        testing::Contains(Pair(leased, CloseReason::kMaxLifetime)));
  }));
}

TEST_F(HousekeeperTest, AnIdleConnectionIsCheckedBeforeItIsLent) {
  PoolOptions options = quiet_options(1);
  options.check_after_idle = Duration::zero();
  Pool pool = this->pool(options);
  const int pid = must_acquire(pool)->backend_pid();
  Lease lease = must_acquire(pool);
  EXPECT_EQ(lease->backend_pid(), pid);
  EXPECT_EQ(select_one(lease), 1);
  // The check was a round trip, so the second acquire had to wait for it.
  EXPECT_EQ(pool.stats().acquires_waited, 2u);
}

TEST_F(HousekeeperTest, AConnectionThatFailsItsCheckCostsTheCallerNothing) {
  PoolOptions options = quiet_options(1);
  options.check_after_idle = Duration::zero();
  options.check_timeout = milliseconds(100);
  options.close_timeout = milliseconds(100);
  Pool pool = this->pool(options);
  const int hung = must_acquire(pool)->backend_pid();
  // Nothing tells that this session is dead, but that it does not answer.
  ASSERT_EQ(::kill(hung, SIGSTOP), 0);
  auto lease = pool.acquire();
  EXPECT_EQ(::kill(hung, SIGCONT), 0);
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_NE((*lease)->backend_pid(), hung);
  EXPECT_EQ(select_one(*lease), 1);
  EXPECT_THAT(sink_->record().closed,
              ElementsAre(Pair(hung, CloseReason::kCheckFailed)));
}

TEST_F(HousekeeperTest, ADirtyReturnIsRolledBackAndCounted) {
  server_.sql("CREATE TABLE t (v int)", database_);
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool, AcquireOptions(Tag("forgetful")));
  const int pid = lease->backend_pid();
  ASSERT_TRUE(lease->execute("BEGIN"));
  ASSERT_TRUE(lease->execute("INSERT INTO t VALUES (1)"));
  lease.release();

  Lease next = must_acquire(pool);
  EXPECT_EQ(next->backend_pid(), pid);
  EXPECT_EQ(next->transaction_status(), TransactionStatus::kIdle);
  auto rows = next->execute("SELECT count(*) FROM t");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->get<int>(0, 0).value(), 0);
  EXPECT_EQ(pool.stats().dirty_returns, 1u);
  const auto dirty = sink_->record().dirty;
  ASSERT_EQ(dirty.size(), 1u);
  EXPECT_EQ(dirty[0].tag, "forgetful");
  EXPECT_EQ(dirty[0].backend_pid, pid);
}

TEST_F(HousekeeperTest, AnAbandonedStatementIsCancelledBeforeTheNextLease) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  const int pid = lease->backend_pid();
  std::optional<asio::io_context> context(std::in_place);
  bool called = false;
  lease->async_execute(
      "SELECT pg_sleep(3600)", {},
      asio::bind_executor(*context, [&](Expected<Rows>) { called = true; }));
  ASSERT_TRUE(eventually(kPatience, [&] {
    context->poll();
    return backends("state = 'active'") == 1;
  }));
  context.reset();  // whoever waited is gone, in the middle of it
  lease.release();

  Lease next = must_acquire(pool);
  EXPECT_FALSE(called);
  EXPECT_EQ(select_one(next), 1);
  EXPECT_EQ(next->backend_pid(), pid);
  EXPECT_EQ(backends("query LIKE '%pg_sleep%'"), 0);
  EXPECT_EQ(pool.stats().dirty_returns, 1u);
}

TEST_F(HousekeeperTest, ALeaseHeldTooLongIsReportedOnce) {
  PoolOptions options = quiet_options(2);
  options.leak_threshold = milliseconds(50);
  Pool pool = this->pool(options);
  Lease lease = must_acquire(pool, AcquireOptions(Tag("leaky")));
  ASSERT_TRUE(
      eventually(kPatience, [&] { return !sink_->record().leaks.empty(); }));
  EXPECT_EQ(pool.stats().overdue_leases, 1u);
  // A second leak is told; the first one not again.
  Lease other = must_acquire(pool, AcquireOptions(Tag("leaky too")));
  ASSERT_TRUE(
      eventually(kPatience, [&] { return sink_->record().leaks.size() >= 2; }));
  const auto leaks = sink_->record().leaks;
  ASSERT_EQ(leaks.size(), 2u);
  EXPECT_EQ(leaks[0].tag, "leaky");
  EXPECT_THAT(leaks[0].file, testing::HasSubstr("pool_fixture.h"));
  EXPECT_EQ(leaks[0].backend_pid, lease->backend_pid());
  EXPECT_EQ(leaks[1].tag, "leaky too");
  EXPECT_EQ(pool.stats().leaks_suspected, 2u);
  lease.release();
  other.release();
  EXPECT_EQ(pool.stats().overdue_leases, 0u);
}

TEST_F(HousekeeperTest, AConnectionThatTurnsReadOnlyIsReplaced) {
  Pool pool = this->pool(quiet_options(1));
  server_.sql("CREATE TABLE t (v int)", database_);
  Lease lease = must_acquire(pool);
  const int pid = lease->backend_pid();
  // What a session sees whose primary became a standby.
  ASSERT_TRUE(lease->execute("SET default_transaction_read_only = on"));
  auto rows = lease->execute("INSERT INTO t VALUES (1)");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().sqlstate, "25006");
  lease.release();
  EXPECT_NE(must_acquire(pool)->backend_pid(), pid);
}

}  // namespace
}  // namespace dbpool::test
