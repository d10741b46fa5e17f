#include "tests/verdicts/callers.h"

#include <chrono>
#include <random>
#include <utility>

namespace dbpool::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

Callers::Callers(Pool& pool, int number, std::uint32_t seed) : pool_(pool) {
  for (int i = 0; i < number; ++i) {
    regulars_.emplace_back(
        [this, seed](const std::stop_token& stop) { call(stop, seed, true); });
    ++seed;
  }
}

Callers::~Callers() {
  give_back();
  disperse();
  for (std::jthread& caller : regulars_) caller.request_stop();
}

void Callers::crowd(int number, std::uint32_t seed) {
  for (int i = 0; i < number; ++i) {
    crowd_.emplace_back(
        [this, seed](const std::stop_token& stop) { call(stop, seed, false); });
    ++seed;
  }
}

void Callers::disperse() {
  for (std::jthread& caller : crowd_) caller.request_stop();
  crowd_.clear();
}

void Callers::leak(int number) {
  leaker_ = std::jthread([this, number](const std::stop_token& stop) {
    std::vector<Lease> kept;
    while (std::cmp_less(kept.size(), number) && !stop.stop_requested()) {
      AcquireOptions options(Tag("leaker"));
      options.stop = stop;
      auto lease = pool_.acquire(options);
      if (lease) kept.push_back(*std::move(lease));
    }
    pause(std::chrono::hours(1), stop);
  });
}

void Callers::give_back() { leaker_ = {}; }

void Callers::call(const std::stop_token& stop, std::uint32_t seed,
                   bool pauses) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> spread(50, 150);
  while (!stop.stop_requested()) {
    if (pauses) pause(milliseconds(spread(random)), stop);
    request(stop, !pauses);
  }
}

// What fails is the pool's to count.
void Callers::request(const std::stop_token& stop, bool is_crowd) {
  AcquireOptions options(Tag("caller"));
  options.stop = stop;
  auto lease = pool_.acquire(options);
  if (!lease) return;
  ExecuteOptions statement;
  statement.stop = stop;
  if (thinking_) {
    think(*lease, stop);
  } else if (slow_) {
    static_cast<void>((*lease)->execute("SELECT pg_sleep(2)", {}, statement));
  } else if (is_crowd) {
    static_cast<void>((*lease)->execute(
        "SELECT count(*), pg_sleep(0.1) FROM stock", {}, statement));
  } else {
    static_cast<void>((*lease)->execute(
        "SELECT count(*), pg_sleep(0.01) FROM stock", {}, statement));
  }
}

void Callers::think(Lease& lease, const std::stop_token& stop) {
  if (!lease->execute("BEGIN") || !lease->execute("SELECT 1")) return;
  pause(milliseconds(1500), stop);
  static_cast<void>(lease->execute("COMMIT"));
}

void Callers::pause(Duration time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  never_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace dbpool::test
