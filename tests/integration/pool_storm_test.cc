// Many threads at once; at the end every identity must hold.
#include <atomic>
#include <numeric>
#include <random>
#include <thread>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

class PoolStormTest : public PoolTest {};

struct Tally {
  std::atomic<std::uint64_t> granted = 0;
  std::atomic<std::uint64_t> failed = 0;
  std::atomic<std::uint64_t> dirty = 0;
  std::atomic<std::uint32_t> held = 0;
  std::atomic<std::uint32_t> most_held = 0;
};

// One borrower's life: short and long deadlines, clean and dirty returns.
void borrow(Pool& pool, Tally& tally, unsigned seed, int rounds) {
  std::mt19937 random(seed);
  for (int i = 0; i < rounds; ++i) {
    const unsigned dice = random() % 16;
    AcquireOptions options;
    if (dice < 4) options.deadline = in(milliseconds(dice));
    auto lease = pool.acquire(options);
    if (!lease) {
      ++tally.failed;
      continue;
    }
    ++tally.granted;
    const std::uint32_t held = ++tally.held;
    std::uint32_t most = tally.most_held;
    while (held > most && !tally.most_held.compare_exchange_weak(most, held)) {
    }
    if (dice == 15) {
      EXPECT_TRUE((*lease)->execute("BEGIN"));
      ++tally.dirty;
    } else if (dice >= 8) {
      EXPECT_EQ(select_one(*lease), 1);
    }
    --tally.held;
  }
}

TEST_F(PoolStormTest, SixtyFourThreadsLoseNothing) {
  constexpr int kThreads = 64;
  constexpr int kRounds = 100;
  PoolOptions options = quiet_options(4);
  options.min_connections = 2;
  options.max_uses = 50;
  options.check_after_idle = milliseconds(1);
  Pool pool = this->pool(options);
  Tally tally;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { borrow(pool, tally, i, kRounds); });
  }
  for (std::thread& thread : threads) thread.join();

  const PoolStats stats = pool.stats();
  EXPECT_LE(tally.most_held, 4u);
  EXPECT_EQ(stats.acquires, std::uint64_t{kThreads} * kRounds);
  EXPECT_EQ(stats.acquires, tally.granted + tally.failed);
  EXPECT_EQ(stats.wait_granted.count(), tally.granted);
  EXPECT_EQ(stats.wait_failed.count(), tally.failed);
  EXPECT_EQ(stats.lease_duration.count(), tally.granted);
  EXPECT_EQ(std::accumulate(stats.acquire_failures.begin(),
                            stats.acquire_failures.end(), std::uint64_t{0}),
            tally.failed);
  EXPECT_EQ(stats.dirty_returns, tally.dirty);
  EXPECT_EQ(stats.waiting_total, 0u);
  EXPECT_EQ(at(stats.connections, ConnectionState::kActive), 0u);

  EXPECT_TRUE(pool.close(in(kPatience)).clean());
  const PoolStats end = pool.stats();
  EXPECT_EQ(end.total, 0u);
  EXPECT_EQ(std::accumulate(end.closed_by_reason.begin(),
                            end.closed_by_reason.end(), std::uint64_t{0}),
            end.opened);
  EXPECT_EQ(backends(), 0);
}

TEST_F(PoolStormTest, OneConnectionServesAllInTurn) {
  Pool pool = this->pool(quiet_options(1));
  std::atomic<int> inside = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        Lease lease = must_acquire(pool);
        EXPECT_EQ(++inside, 1);
        EXPECT_EQ(select_one(lease), 1);
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.opened, 1u);
  EXPECT_EQ(stats.acquires, 16u * 50u);
}

}  // namespace
}  // namespace dbpool::test
