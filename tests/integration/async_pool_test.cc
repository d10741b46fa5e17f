// Borrowing without blocking: coroutines, callbacks, cancellation, crowds.
#include <gmock/gmock.h>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

int count_threads() {
  std::ifstream status("/proc/self/status");
  std::string key;
  while (status >> key) {
    if (key != "Threads:") continue;
    int count = 0;
    status >> count;
    return count;
  }
  return -1;
}

class AsyncPoolTest : public PoolTest {
 protected:
  // An acquire whose result lands in `result`, on `context_`.
  template <typename Result>
  auto into(Result& result) {
    return asio::bind_executor(context_, [&result](Expected<Lease> lease) {
      result = std::move(lease);
    });
  }

  // Runs handlers until `holds`.
  bool run_until(const std::function<bool()>& holds) {
    return eventually(kPatience, [&] {
      context_.restart();
      context_.poll();
      return holds();
    });
  }

  asio::io_context context_;
};

asio::awaitable<int> answer(Pool& pool) {
  auto lease = co_await pool.async_acquire({}, asio::use_awaitable);
  if (!lease) co_return -1;
  auto rows = co_await (*lease)->async_execute("SELECT $1::int", {42},
                                               asio::use_awaitable);
  if (!rows) co_return -2;
  co_return rows->template get<int>(0, 0).value();
}

TEST_F(AsyncPoolTest, ACoroutineBorrowsAndExecutes) {
  Pool pool = this->pool(quiet_options(1));
  auto result = asio::co_spawn(context_, answer(pool), asio::use_future);
  context_.run();
  EXPECT_EQ(result.get(), 42);
  EXPECT_EQ(at(pool.stats().connections, ConnectionState::kIdle), 1u);
}

TEST_F(AsyncPoolTest, AFutureNeedsNoExecutor) {
  Pool pool = this->pool(quiet_options(1));
  auto lease = pool.async_acquire({}, asio::use_future).get();
  ASSERT_TRUE(lease) << lease.error().message;
  EXPECT_EQ(select_one(*lease), 1);
}

TEST_F(AsyncPoolTest, CompletionNeverRunsInsideTheCall) {
  Pool pool = this->pool(quiet_options(1));
  must_acquire(pool).release();  // one is idle: the grant is immediate
  std::optional<Expected<Lease>> result;
  context_.post([&] {
    pool.async_acquire({}, into(result));
    EXPECT_FALSE(result);
  });
  context_.run();
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result);
}

TEST_F(AsyncPoolTest, TenThousandWaitersCostNoThreadAndKeepTheirOrder) {
  constexpr std::uint32_t kWaiters = 10'000;
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  const int threads = count_threads();
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < kWaiters; ++i) {
    pool.async_acquire(
        {}, asio::bind_executor(context_, [&order, i](Expected<Lease> granted) {
          if (granted) order.push_back(i);
        }));
  }
  EXPECT_EQ(pool.stats().waiting_total, kWaiters);
  EXPECT_EQ(count_threads(), threads);
  auto refused = pool.acquire();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().acquire_failure, AcquireFailure::kQueueFull);
  lease.release();
  context_.run();
  ASSERT_EQ(order.size(), kWaiters);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.waiting_peak, kWaiters);
  EXPECT_EQ(stats.opened, 1u);
  EXPECT_EQ(at(stats.connections, ConnectionState::kIdle), 1u);
}

TEST_F(AsyncPoolTest, ADeadlineEndsTheWait) {
  Pool pool = this->pool(quiet_options(1));
  const Lease lease = must_acquire(pool);
  std::optional<Expected<Lease>> late;
  pool.async_acquire(in(milliseconds(20)), into(late));
  context_.run();
  ASSERT_TRUE(late);
  ASSERT_FALSE(*late);
  EXPECT_EQ(late->error().acquire_failure, AcquireFailure::kTimeoutCapacity);
}

TEST_F(AsyncPoolTest, ACancelledAcquireLeavesTheQueue) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  asio::cancellation_signal signal;
  std::optional<Expected<Lease>> cancelled;
  std::optional<Expected<Lease>> next;
  pool.async_acquire(
      {}, asio::bind_cancellation_slot(signal.slot(), into(cancelled)));
  pool.async_acquire({}, into(next));
  ASSERT_EQ(pool.stats().waiting_total, 2u);
  signal.emit(asio::cancellation_type::total);
  EXPECT_EQ(pool.stats().waiting_total, 1u);
  lease.release();
  context_.run();
  ASSERT_TRUE(cancelled);
  ASSERT_FALSE(*cancelled);
  EXPECT_EQ(cancelled->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(cancelled->error().acquire_failure, AcquireFailure::kCancelled);
  ASSERT_TRUE(next);
  EXPECT_TRUE(*next);
  EXPECT_EQ(at(pool.stats().acquire_failures, AcquireFailure::kCancelled), 1u);
  signal.emit(asio::cancellation_type::terminal);  // too late: nothing happens
}

TEST_F(AsyncPoolTest, CancelsThatRaceGrantsLoseNoConnection) {
  Pool pool = this->pool(quiet_options(2));
  std::vector<std::thread> runners;
  auto work = asio::make_work_guard(context_);
  for (int i = 0; i < 2; ++i) {
    runners.emplace_back([&] { context_.run(); });
  }
  constexpr int kRounds = 2'000;
  std::atomic<int> granted = 0;
  std::atomic<int> failed = 0;
  for (int i = 0; i < kRounds; ++i) {
    const auto signal = std::make_shared<asio::cancellation_signal>();
    const auto strand = asio::make_strand(context_);
    // Slots and signals belong to one strand, as Asio demands.
    asio::post(strand, [&, signal, strand] {
      pool.async_acquire(
          {}, asio::bind_cancellation_slot(
                  signal->slot(),
                  asio::bind_executor(strand, [&, signal](Expected<Lease> got) {
                    ++(got ? granted : failed);
                  })));
    });
    asio::post(strand,
               [signal] { signal->emit(asio::cancellation_type::total); });
  }
  EXPECT_TRUE(
      eventually(kPatience, [&] { return granted + failed == kRounds; }));
  work.reset();
  for (std::thread& runner : runners) runner.join();
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.acquires, static_cast<std::uint64_t>(kRounds));
  EXPECT_EQ(at(stats.acquire_failures, AcquireFailure::kCancelled),
            static_cast<std::uint64_t>(failed));
  EXPECT_EQ(at(stats.connections, ConnectionState::kActive), 0u);
}

TEST_F(AsyncPoolTest, ClosingFailsThoseThatWait) {
  Pool pool = this->pool(quiet_options(1));
  const Lease lease = must_acquire(pool);
  std::optional<Expected<Lease>> result;
  pool.async_acquire({}, into(result));
  pool.close(Clock::now());
  context_.run();
  ASSERT_TRUE(result);
  ASSERT_FALSE(*result);
  EXPECT_EQ(result->error().acquire_failure, AcquireFailure::kClosed);
}

TEST_F(AsyncPoolTest, RequestsLeaveTheQueueWithTheirContext) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  bool called = false;
  const auto held = std::make_shared<int>();
  {
    asio::io_context context;
    for (int i = 0; i < 10; ++i) {
      pool.async_acquire(
          {}, asio::bind_executor(context, [&called, held](Expected<Lease>) {
            called = true;
          }));
    }
    EXPECT_EQ(pool.stats().waiting_total, 10u);
  }
  EXPECT_EQ(pool.stats().waiting_total, 0u);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(called);
  lease.release();
  EXPECT_TRUE(pool.acquire());
}

TEST_F(AsyncPoolTest, ALeaseForAHandlerThatNeverRunsGoesBack) {
  Pool pool = this->pool(quiet_options(1));
  {
    asio::io_context context;
    Lease lease = must_acquire(pool);
    pool.async_acquire({}, asio::bind_executor(context, [](Expected<Lease>) {
                         FAIL() << "the context never ran";
                       }));
    lease.release();  // granted and posted, but nobody runs the context
    EXPECT_EQ(at(pool.stats().connections, ConnectionState::kActive), 1u);
  }
  EXPECT_EQ(at(pool.stats().connections, ConnectionState::kIdle), 1u);
  EXPECT_TRUE(pool.acquire());
}

}  // namespace
}  // namespace dbpool::test
