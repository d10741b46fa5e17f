// usage: dbpool_faults_crowd [--clients=N] [--connections=N] [--minutes=N]
//
// Many clients (10 000) that want one of few connections (10) of a private
// PostgreSQL, again and again, for a while (10 minutes). Ends with 1 when one
// waited far longer than the others, when fewer were served as time went on,
// or when memory grew.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/pool.h"
#include "tests/bench/must.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"

namespace dbpool::test {
namespace {

using bench::must;

// Of a window: the longest wait to their mean, in a queue that is served in
// order and whose pace varies; its requests to those of the median window; and
// memory to that of the first.
constexpr double kMostUnequal = 3;
constexpr double kLeastServed = 0.5;
constexpr double kMostMemory = 1.1;

struct Options {
  int clients = 10'000;
  int connections = 10;
  int minutes = 10;
};

struct Window {
  std::uint64_t served = 0;
  double waited = 0;   // seconds, all of them
  double longest = 0;  // seconds
  std::int64_t memory = 0;

  double mean() const { return waited / static_cast<double>(served); }
};

class Crowd {
 public:
  Crowd(const Options& options, Pool& pool) : options_(options), pool_(pool) {}

  std::vector<Window> run() {
    const auto rethrow = [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    };
    for (int i = 0; i < options_.clients; ++i) {
      asio::co_spawn(loop_, be_served(), rethrow);
    }
    asio::co_spawn(loop_, watch(), rethrow);
    loop_.run();
    return windows_;
  }

 private:
  asio::awaitable<void> be_served() {
    while (!over_) {
      const TimePoint asked = Clock::now();
      Lease lease = must(co_await pool_.async_acquire({}, asio::use_awaitable));
      const std::chrono::duration<double> waited = Clock::now() - asked;
      if (over_) co_return;
      must(co_await lease->async_execute("SELECT 1", {}, asio::use_awaitable));
      ++window_.served;
      window_.waited += waited.count();
      window_.longest = std::max(window_.longest, waited.count());
    }
  }

  // The first window, in which the queue is still growing, is left out.
  asio::awaitable<void> watch() {
    asio::steady_timer timer(loop_);
    for (int i = 0; i <= 2 * options_.minutes; ++i) {
      timer.expires_after(std::chrono::seconds(30));
      co_await timer.async_wait(asio::use_awaitable);
      window_.memory = static_cast<std::int64_t>(memory_of(::getpid()));
      if (i > 0) keep(i);
      window_ = {};
    }
    over_ = true;
  }

  void keep(int number) {
    if (window_.served == 0) throw std::runtime_error("nobody was served");
    windows_.push_back(window_);
    std::printf("| %d | %.0f | %.3f | %.3f | %.2f | %.1f |\n", number,
                static_cast<double>(window_.served) / 30, window_.mean(),
                window_.longest, window_.longest / window_.mean(),
                static_cast<double>(window_.memory) / 1048576);
    std::fflush(stdout);
  }

  const Options options_;
  Pool& pool_;
  asio::io_context loop_{1};
  bool over_ = false;
  Window window_;
  std::vector<Window> windows_;
};

bool is_kept(const std::vector<Window>& windows) {
  std::vector<std::uint64_t> served;
  for (const Window& window : windows) served.push_back(window.served);
  std::ranges::sort(served);
  const auto median = static_cast<double>(served[served.size() / 2]);
  bool kept = true;
  const auto demand = [&kept](bool holds, const char* what) {
    if (!holds) std::printf("\nbroken: %s", what);
    kept = kept && holds;
  };
  for (const Window& window : windows) {
    demand(window.longest <= kMostUnequal * window.mean(),
           "somebody waited far longer than the others");
    demand(static_cast<double>(window.served) >= kLeastServed * median,
           "fewer were served");
  }
  demand(static_cast<double>(windows.back().memory) <=
             kMostMemory * static_cast<double>(windows.front().memory),
         "memory grew");
  std::puts(kept ? "\nAll promises were kept.\n" : "\n");
  return kept;
}

int run(const Options& options) {
  const Postgres postgres;
  PoolOptions wanted;
  wanted.max_connections = static_cast<std::uint32_t>(options.connections);
  wanted.min_connections = wanted.max_connections;
  wanted.acquire_timeout = std::chrono::minutes(10);
  wanted.max_waiting_requests = 1'000'000;
  Pool pool =
      must(Pool::create(must(ConnectionString::parse(postgres.url())), wanted));
  std::printf("%d clients on %d connections\n\n", options.clients,
              options.connections);
  std::puts(
      "| half minute | served/s | mean wait, s | longest, s | longest : mean | "
      "memory, MiB |\n|---|---|---|---|---|---|");
  return is_kept(Crowd(options, pool).run()) ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool take(Options& options, std::string_view word) {
  const std::size_t at = std::min(word.find('='), word.size());
  const std::string_view name = word.substr(0, at);
  const std::string_view text = word.substr(std::min(at + 1, word.size()));
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1) {
    return false;
  }
  if (name == "--clients") {
    options.clients = value;
  } else if (name == "--connections") {
    options.connections = value;
  } else if (name == "--minutes") {
    options.minutes = value;
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace dbpool::test

int main(int count, char** words) {
  dbpool::test::Options options;
  for (int i = 1; i < count; ++i) {
    if (dbpool::test::take(options, words[i])) continue;
    std::fprintf(stderr,
                 "usage: %s [--clients=N] [--connections=N] [--minutes=N], N "
                 "from 1\n",
                 words[0]);
    return 2;
  }
  try {
    return dbpool::test::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
