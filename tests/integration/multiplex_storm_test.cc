// Does anybody get what belongs to somebody else? Many callers on shared
// connections, each with its own nonces, while statements fail and time out,
// callers give up, backends are killed and leases come and go.
#include <gtest/gtest.h>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

constexpr int kCallers = 100;
constexpr int kCallsOfEach = 30;
constexpr std::uint32_t kConnections = 4;

struct Tally {
  std::atomic<int> calls = 0;
  std::atomic<int> answers = 0;
  std::atomic<int> results = 0;
  std::atomic<int> wrong = 0;  // somebody else's, or none that is explained
};

// One after the other: statements that succeed, fail, take too long, or are
// given up.
class Caller : public std::enable_shared_from_this<Caller> {
 public:
  Caller(Pool& pool, asio::io_context& context, int number, Tally& tally)
      : pool_(pool),
        strand_(asio::make_strand(context)),
        random_(static_cast<unsigned>(number)),
        number_(number),
        tally_(tally) {}

  void start() {
    asio::post(strand_, [self = shared_from_this()] { self->call(); });
  }

 private:
  void call() {
    if (calls_++ == kCallsOfEach) return;
    const int die = static_cast<int>(random_() % 100);
    const std::string nonce =
        std::to_string(number_) + ":" + std::to_string(calls_);
    ++tally_.calls;
    if (die < 70) {
      run("SELECT $1::text", nonce, nonce, {});
    } else if (die < 80) {
      run("SELECT $1::text, 1 / 0", nonce, {}, {});
    } else if (die < 84) {
      ExecuteOptions hasty;
      hasty.timeout = milliseconds(1);
      run("SELECT $1::text FROM pg_sleep(0.01)", nonce, nonce, hasty);
    } else if (die < 88) {
      run("SELECT $1::text, pg_terminate_backend(pg_backend_pid())", nonce, {},
          {});
    } else {
      run("SELECT $1::text FROM pg_sleep(0.002)", nonce, nonce, {});
      asio::post(strand_, [self = shared_from_this()] {
        self->signal_.emit(asio::cancellation_type::total);
      });
    }
  }

  // `expected` is empty where no result can come.
  void run(const char* sql, const std::string& nonce, std::string expected,
           const ExecuteOptions& options) {
    pool_.async_execute(
        sql, {nonce}, options,
        asio::bind_cancellation_slot(
            signal_.slot(),
            asio::bind_executor(
                strand_, [self = shared_from_this(),
                          wanted = std::move(expected)](Expected<Rows> rows) {
                  self->judge(rows, wanted);
                  self->call();
                })));
  }

  void judge(const Expected<Rows>& rows, const std::string& expected) {
    ++tally_.answers;
    if (!rows) {
      if (rows.error().kind == ErrorKind::kUsage) ++tally_.wrong;
      return;
    }
    ++tally_.results;
    if (expected.empty() || rows->get<std::string>(0, 0) != expected) {
      ++tally_.wrong;
    }
  }

  Pool& pool_;
  const asio::strand<asio::io_context::executor_type> strand_;
  asio::cancellation_signal signal_;
  std::mt19937 random_;
  const int number_;
  int calls_ = 0;
  Tally& tally_;
};

class MultiplexStormTest : public PoolTest {
 protected:
  // Leases among the storm, each alone on its connection.
  static void use_leases(Pool& pool, const std::atomic<bool>& stop,
                         Tally& tally) {
    for (int i = 0; !stop; ++i) {
      auto lease = pool.acquire();
      if (!lease) continue;
      for (int step = 0; step < 3; ++step) {
        const auto rows = (*lease)->execute("SELECT $1::int", {i + step});
        if (!rows || rows->get<int>(0, 0) != i + step) ++tally.wrong;
      }
    }
  }
};

TEST_F(MultiplexStormTest, EveryCallerGetsItsOwnResultOrAnError) {
  PoolOptions options = quiet_options(kConnections);
  options.pipeline_depth = 8;
  options.close_timeout = seconds(1);
  Pool pool = this->pool(options);
  Tally tally;
  asio::io_context context;
  for (int i = 0; i < kCallers; ++i) {
    std::make_shared<Caller>(pool, context, i, tally)->start();
  }
  std::atomic<bool> stop = false;
  std::thread leases([&] { use_leases(pool, stop, tally); });
  std::vector<std::thread> runners;
  for (int i = 0; i < 2; ++i) {
    runners.emplace_back([&] { context.run(); });
  }
  for (std::thread& runner : runners) runner.join();
  stop = true;
  leases.join();
  EXPECT_EQ(tally.calls, kCallers * kCallsOfEach);
  EXPECT_EQ(tally.answers, tally.calls);
  EXPECT_EQ(tally.wrong, 0);
  EXPECT_GT(tally.results, tally.calls / 4);
  EXPECT_TRUE(pool.close(in(kPatience)).clean());
  const MultiplexStats stats = pool.stats().multiplex;
  EXPECT_EQ(stats.answered, static_cast<std::uint64_t>(tally.calls));
  EXPECT_EQ(stats.in_flight + stats.waiting + stats.carriers, 0u);
}

}  // namespace
}  // namespace dbpool::test
