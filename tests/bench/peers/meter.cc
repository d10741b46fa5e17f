#include "tests/bench/peers/meter.h"

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace dbpool::bench {
namespace {

using Seconds = std::chrono::duration<double>;

double number(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " unset");
  return std::strtod(value, nullptr);
}

Seconds cpu_time() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
  };
  return Seconds(seconds(usage.ru_utime) + seconds(usage.ru_stime));
}

// Not ru_maxrss, which begins with that of the program before exec.
long peak_memory_kib() {
  std::ifstream status("/proc/self/status");
  std::string key;
  long value = 0;
  while (status >> key) {
    if (key == "VmHWM:" && status >> value) return value;
  }
  return 0;
}

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
      peak_memory_kib());
}

}  // namespace

Task::Task()
    : clients(static_cast<int>(number("BENCH_CLIENTS"))),
      connections(static_cast<int>(number("BENCH_CONNECTIONS"))),
      queries(number("BENCH_QUERIES") > 0),
      warm_up(number("BENCH_WARM_UP")),
      length(number("BENCH_SECONDS")) {}

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
  const Seconds cpu_before = cpu_time();
  const auto start = std::chrono::steady_clock::now();
  phase = Phase::kMeasured;
  std::this_thread::sleep_for(task.length);
  phase = Phase::kOver;
  const Seconds elapsed = std::chrono::steady_clock::now() - start;
  const Seconds cpu = cpu_time() - cpu_before;

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
