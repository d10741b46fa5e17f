#include "tests/bench/peers/meter.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/process_figures.h"

namespace dbpool::bench {
namespace {

using Seconds = std::chrono::duration<double>;

void print(std::uint64_t operations, const WaitHistogram& waits,
           Seconds elapsed, Seconds cpu) {
  const auto count = static_cast<double>(operations);
  std::string wait = "null";
  if (!waits.empty()) {
    wait = '[' + std::to_string(waits.quantile_us(0.5)) + ',' +
           std::to_string(waits.quantile_us(0.99)) + ',' +
           std::to_string(waits.max_us()) + ']';
  }
  std::printf(
      "{\"per_second\":%.1f,\"cpu_ms_per_1000\":%.6f,\"wait_us\":%s,"
      "\"peak_memory_kib\":%ld}\n",
      count / elapsed.count(), cpu.count() / count * 1e6, wait.c_str(),
      memory_of(::getpid()).peak_kib);
}

}  // namespace

double environment_number(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " unset");
  return std::strtod(value, nullptr);
}

Task::Task()
    : clients(static_cast<int>(environment_number("BENCH_CLIENTS"))),
      connections(static_cast<int>(environment_number("BENCH_CONNECTIONS"))),
      queries(environment_number("BENCH_QUERIES") > 0),
      warm_up(environment_number("BENCH_WARM_UP")),
      length(environment_number("BENCH_SECONDS")) {}

std::size_t WaitHistogram::bucket_of(std::uint64_t us) noexcept {
  if (us < kLinear) return static_cast<std::size_t>(us);
  const auto power = static_cast<unsigned>(std::bit_width(us)) - 1;
  const std::uint64_t bucket =
      kLinear + (power - 10) * kSteps + (us >> (power - 6)) % kSteps;
  return std::min<std::size_t>(bucket, kBuckets - 1);
}

double WaitHistogram::bound_of(std::size_t bucket) noexcept {
  if (bucket < kLinear) return static_cast<double>(bucket);
  const std::uint64_t power = (bucket - kLinear) / kSteps + 10;
  const std::uint64_t step = kSteps + (bucket - kLinear) % kSteps;
  return static_cast<double>(step << (power - 6));
}

void WaitHistogram::add(std::chrono::nanoseconds wait) noexcept {
  ++counts_[bucket_of(static_cast<std::uint64_t>(wait.count()) / 1000)];
  ++count_;
  max_ = std::max(max_, wait);
}

void WaitHistogram::merge(const WaitHistogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

double WaitHistogram::quantile_us(double share) const noexcept {
  const auto rank =
      static_cast<std::uint64_t>(share * static_cast<double>(count_));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen > rank) return bound_of(i);
  }
  return max_us();
}

double WaitHistogram::max_us() const noexcept {
  return static_cast<double>(max_.count()) * 1e-3;
}

void measure(const Task& task, int threads,
             const std::function<void(int, Tally&)>& work) {
  std::atomic<Phase> phase{Phase::kWarmUp};
  std::deque<Tally> tallies;
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    Tally& tally = tallies.emplace_back(phase);
    workers.emplace_back([&work, &tally, i] { work(i, tally); });
  }
  std::this_thread::sleep_for(task.warm_up);
  const Seconds cpu_before = cpu_time_of(::getpid());
  const auto start = std::chrono::steady_clock::now();
  phase = Phase::kMeasured;
  std::this_thread::sleep_for(task.length);
  phase = Phase::kOver;
  const Seconds elapsed = std::chrono::steady_clock::now() - start;
  const Seconds cpu = cpu_time_of(::getpid()) - cpu_before;

  std::uint64_t operations = 0;
  WaitHistogram waits;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers[i].join();
    operations += tallies[i].operations();
    waits.merge(tallies[i].waits());
  }
  print(operations, waits, elapsed, cpu);
}

}  // namespace dbpool::bench
