// Borrowing from a pool: order, deadlines, bounds and what the errors say.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PoolAcquireTest : public PoolTest {};

TEST_F(PoolAcquireTest, ALeaseRunsStatements) {
  Pool pool = this->pool(quiet_options(2));
  Lease lease = must_acquire(pool);
  auto rows = lease->execute({"answer", "SELECT $1::int + 1"}, {41});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->get<int>(0, 0).value(), 42);

  PoolStats stats = pool.stats();
  EXPECT_EQ(at(stats.connections, ConnectionState::kActive), 1u);
  EXPECT_EQ(stats.total, 1u);
  ASSERT_EQ(stats.queries.size(), 1u);
  EXPECT_EQ(stats.queries[0].name, "answer");
  EXPECT_EQ(stats.database, database_);

  lease.release();
  EXPECT_FALSE(lease);
  stats = pool.stats();
  EXPECT_EQ(at(stats.connections, ConnectionState::kIdle), 1u);
  EXPECT_EQ(stats.acquires, 1u);
  EXPECT_EQ(stats.lease_duration.count(), 1u);
}

TEST_F(PoolAcquireTest, OptionsOutOfRangeAreRefused) {
  PoolOptions options = quiet_options(0);
  auto pool = Pool::create(ConnectionString::parse(url()).value(), options);
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(pool.error().message, HasSubstr("max_connections"));
}

TEST_F(PoolAcquireTest, IdleConnectionsAreLentLastInFirstOut) {
  Pool pool = this->pool(quiet_options(2));
  Lease first = must_acquire(pool);
  Lease second = must_acquire(pool);
  const int last_returned = second->backend_pid();
  first.release();
  second.release();
  EXPECT_EQ(must_acquire(pool)->backend_pid(), last_returned);
  EXPECT_EQ(must_acquire(pool)->backend_pid(), last_returned);
}

TEST_F(PoolAcquireTest, WaitersAreServedFirstInFirstOut) {
  constexpr std::uint32_t kWaiters = 8;
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  std::mutex mutex;
  std::vector<std::uint32_t> order;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < kWaiters; ++i) {
    threads.emplace_back([&, i] {
      const Lease mine = must_acquire(pool);
      const std::lock_guard lock(mutex);
      order.push_back(i);
    });
    ASSERT_TRUE(eventually(
        kPatience, [&] { return pool.stats().waiting_total == i + 1; }));
  }
  EXPECT_EQ(at(pool.stats().waiting, WaitReason::kCapacity), kWaiters);
  EXPECT_TRUE(order.empty());
  lease.release();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.acquires_waited, kWaiters + 1);  // the first waited, too
  EXPECT_EQ(stats.waiting_peak, kWaiters);
  EXPECT_EQ(stats.opened, 1u);
}

TEST_F(PoolAcquireTest, ATimeoutNamesLimitsQueueAndHolder) {
  Pool pool = this->pool(quiet_options(1));
  const Lease lease = must_acquire(pool, AcquireOptions(Tag("checkout")));
  auto late = pool.acquire(in(milliseconds(30)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kAcquire);
  EXPECT_EQ(late.error().acquire_failure, AcquireFailure::kTimeoutCapacity);
  EXPECT_THAT(
      late.error().message,
      AllOf(HasSubstr("pool \"default\""), HasSubstr("(timeout_capacity)"),
            HasSubstr("1 of at most 1 connections"), HasSubstr("1 active"),
            HasSubstr("of at most 10000 requests wait"),
            HasSubstr("\"checkout\" at pool_fixture.h:"),
            HasSubstr("backend " + std::to_string(lease->backend_pid())),
            HasSubstr("raise PoolOptions::max_connections")));
  EXPECT_EQ(late.error().message.find('\n'), std::string::npos);
  const PoolStats stats = pool.stats();
  EXPECT_EQ(at(stats.acquire_failures, AcquireFailure::kTimeoutCapacity), 1u);
  EXPECT_EQ(stats.wait_failed.count(), 1u);
  EXPECT_EQ(stats.waiting_total, 0u);
}

TEST_F(PoolAcquireTest, APastDeadlineStillTakesAnIdleConnection) {
  Pool pool = this->pool(quiet_options(1));
  must_acquire(pool).release();
  EXPECT_TRUE(pool.acquire(long_ago()));
}

TEST_F(PoolAcquireTest, APastDeadlineFailsWhenNoneIsIdle) {
  Pool pool = this->pool(quiet_options(1));
  const Lease lease = must_acquire(pool);
  auto late = pool.acquire(long_ago());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().acquire_failure, AcquireFailure::kTimeoutCapacity);
}

TEST_F(PoolAcquireTest, AcquireFailsAtOnceWhenTheQueueIsFull) {
  PoolOptions options = quiet_options(1);
  options.max_waiting_requests = 1;
  Pool pool = this->pool(options);
  Lease lease = must_acquire(pool);
  std::thread waiter([&] { must_acquire(pool); });
  ASSERT_TRUE(
      eventually(kPatience, [&] { return pool.stats().waiting_total == 1; }));
  auto refused = pool.acquire(TimePoint::max());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().acquire_failure, AcquireFailure::kQueueFull);
  EXPECT_THAT(refused.error().message, HasSubstr("max_waiting_requests"));
  lease.release();
  waiter.join();
}

TEST_F(PoolAcquireTest, AMovedLeaseIsGivenBackOnce) {
  Pool pool = this->pool(quiet_options(2));
  Lease one = must_acquire(pool);
  Lease two = must_acquire(pool);
  Lease moved = std::move(one);
  moved = std::move(two);  // gives the first one back
  EXPECT_EQ(at(pool.stats().connections, ConnectionState::kActive), 1u);
  EXPECT_EQ(select_one(moved), 1);
  moved.release();
  moved.release();
  EXPECT_EQ(pool.stats().lease_duration.count(), 2u);
}

TEST_F(PoolAcquireTest, TheFirstWaiterGetsWhateverIsFreeFirst) {
  // An opening is under way for the second request, but a lease that comes
  // back earlier serves it.
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  const int pid = lease->backend_pid();
  std::atomic<int> got = 0;
  std::thread waiter([&] { got = must_acquire(pool)->backend_pid(); });
  ASSERT_TRUE(
      eventually(kPatience, [&] { return pool.stats().waiting_total == 1; }));
  lease.release();
  waiter.join();
  EXPECT_EQ(got, pid);
}

}  // namespace
}  // namespace dbpool::test
