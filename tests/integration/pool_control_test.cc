// Limits that change, the end of a pool, and what outlives it.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

using testing::HasSubstr;

class PoolControlTest : public PoolTest {};

TEST_F(PoolControlTest, ResizingUpServesTheQueue) {
  Pool pool = this->pool(quiet_options(1));
  const Lease lease = must_acquire(pool);
  std::atomic<bool> done = false;
  std::thread waiter([&] {
    Lease second = must_acquire(pool);
    done = select_one(second) == 1;
  });
  EXPECT_TRUE(
      eventually(kPatience, [&] { return pool.stats().waiting_total == 1; }));
  EXPECT_TRUE(pool.resize(0, 2));
  waiter.join();
  EXPECT_TRUE(done);
  EXPECT_EQ(pool.stats().max_connections, 2u);
}

TEST_F(PoolControlTest, ResizingUpFillsTheNewFloor) {
  Pool pool = this->pool(quiet_options(1));
  ASSERT_TRUE(pool.resize(50, 60));
  EXPECT_TRUE(eventually(kPatience, [&] {
    return at(pool.stats().connections, ConnectionState::kIdle) == 50;
  }));
}

TEST_F(PoolControlTest, ResizingDownClosesLeasedConnectionsWhenTheyComeBack) {
  Pool pool = this->pool(quiet_options(3));
  std::vector<Lease> leases;
  for (int i = 0; i < 3; ++i) leases.push_back(must_acquire(pool));
  ASSERT_TRUE(pool.resize(0, 1));
  EXPECT_EQ(pool.stats().total, 3u);
  for (Lease& lease : leases) EXPECT_EQ(select_one(lease), 1);
  leases.clear();
  EXPECT_TRUE(eventually(kPatience, [&] { return pool.stats().total == 1; }));
  EXPECT_EQ(at(pool.stats().closed_by_reason, CloseReason::kResize), 2u);
}

TEST_F(PoolControlTest, ResizingOutOfRangeIsRefused) {
  Pool pool = this->pool(quiet_options(2));
  auto refused = pool.resize(3, 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(refused.error().message, HasSubstr("min_connections"));
  EXPECT_EQ(pool.stats().max_connections, 2u);
}

TEST_F(PoolControlTest, ResizingUnderLoadLosesNobody) {
  Pool pool = this->pool(quiet_options(4));
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        Lease lease = must_acquire(pool);
        EXPECT_EQ(select_one(lease), 1);
      }
    });
  }
  for (int round = 0; round < 30; ++round) {
    EXPECT_TRUE(pool.resize(0, 1));
    EXPECT_TRUE(eventually(kPatience, [&] { return pool.stats().total <= 1; }));
    EXPECT_TRUE(pool.resize(3, 6));
    EXPECT_TRUE(eventually(kPatience, [&] { return pool.stats().total >= 3; }));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const PoolStats stats = pool.stats();
  EXPECT_LE(stats.total, 6u);
  EXPECT_EQ(at(stats.connections, ConnectionState::kActive), 0u);
  EXPECT_EQ(stats.wait_granted.count(), stats.acquires);
}

TEST_F(PoolControlTest, ClosingFailsWaitersAtOnceAndLeasesNoMore) {
  Pool pool = this->pool(quiet_options(1));
  const Lease lease = must_acquire(pool);
  std::optional<AcquireFailure> failure;
  std::thread waiter([&] {
    auto second = pool.acquire(TimePoint::max());
    if (!second) failure = second.error().acquire_failure;
  });
  EXPECT_TRUE(
      eventually(kPatience, [&] { return pool.stats().waiting_total == 1; }));
  EXPECT_FALSE(pool.close(Clock::now()).clean());
  waiter.join();
  EXPECT_EQ(failure, AcquireFailure::kClosed);
  EXPECT_TRUE(pool.stats().closed);
  auto refused = pool.acquire();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().acquire_failure, AcquireFailure::kClosed);
}

TEST_F(PoolControlTest, ClosingWaitsForLeasesUntilTheyAreBack) {
  Pool pool = this->pool(quiet_options(2));
  Lease lease = must_acquire(pool);
  must_acquire(pool).release();
  std::thread holder([&] {
    ASSERT_TRUE(eventually(kPatience, [&] { return pool.stats().closed; }));
    EXPECT_EQ(select_one(lease), 1);  // still usable
    lease.release();
  });
  const CloseReport report = pool.close(in(kPatience));
  holder.join();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(pool.stats().total, 0u);
  EXPECT_EQ(at(pool.stats().closed_by_reason, CloseReason::kDrain), 2u);
  EXPECT_EQ(backends(), 0);  // close() waited for the server's end, too
}

TEST_F(PoolControlTest, ClosingReportsTheLeasesThatWereLeft) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool, AcquireOptions(Tag("stubborn")));
  const CloseReport report = pool.close(in(milliseconds(50)));
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_EQ(report.left[0].tag, "stubborn");
  EXPECT_THAT(report.left[0].file, HasSubstr("pool_fixture.h"));
  EXPECT_GT(report.left[0].line, 0u);
  EXPECT_EQ(report.left[0].backend_pid, lease->backend_pid());
  EXPECT_GE(report.left[0].age, milliseconds(50));
  ASSERT_EQ(sink_->record().abandoned.size(), 1u);
  EXPECT_EQ(sink_->record().abandoned[0].tag, "stubborn");
  lease.release();
  EXPECT_TRUE(pool.close(in(kPatience)).clean());  // a second call waits again
}

TEST_F(PoolControlTest, ADirtyLeaseOfAClosedPoolIsRolledBackByTheServer) {
  server_.sql("CREATE TABLE t (v int)", database_);
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  ASSERT_TRUE(lease->execute("BEGIN"));
  ASSERT_TRUE(lease->execute("INSERT INTO t VALUES (1)"));
  EXPECT_FALSE(pool.close(Clock::now()).clean());
  lease.release();
  EXPECT_TRUE(pool.close(in(kPatience)).clean());
  EXPECT_EQ(server_.sql_value("SELECT count(*) FROM t", database_), "0");
}

TEST_F(PoolControlTest, ALeaseMayOutliveItsPool) {
  Lease lease;
  {
    Pool pool = this->pool(quiet_options(2));
    lease = must_acquire(pool);
    must_acquire(pool).release();
  }
  EXPECT_EQ(select_one(lease), 1);
  EXPECT_EQ(backends(), 1);
  lease.release();
  EXPECT_TRUE(eventually(kPatience, [&] { return backends() == 0; }));
}

TEST_F(PoolControlTest, APoolMayEndWhileItOpens) {
  for (int i = 0; i < 20; ++i) {
    PoolOptions options = quiet_options(8);
    options.min_connections = 8;
    const Pool pool = this->pool(options);
  }
  EXPECT_TRUE(eventually(kPatience, [&] { return backends() == 0; }));
}

TEST_F(PoolControlTest, MovingAPoolOverAnotherClosesThatOne) {
  Pool pool = this->pool(quiet_options(1));
  must_acquire(pool).release();
  pool = this->pool(quiet_options(2));
  EXPECT_EQ(pool.stats().max_connections, 2u);
  EXPECT_TRUE(eventually(kPatience, [&] { return backends() == 0; }));
  EXPECT_TRUE(pool.acquire());
}

}  // namespace
}  // namespace dbpool::test
