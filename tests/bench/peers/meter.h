// What the contenders that are written in C++ have in common: what they are
// told, what they measure, and the line that they print.
#ifndef DBPOOL_TESTS_BENCH_PEERS_METER_H_
#define DBPOOL_TESTS_BENCH_PEERS_METER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace dbpool::bench {

// What a variable of the environment says; throws std::runtime_error if it is
// not set.
double environment_number(const char* name);

// What the driver says in the environment, beside libpq's PGHOST, PGPORT,
// PGUSER and PGDATABASE. All contenders of whatever language read these.
struct Task {
  Task();

  int clients;      // BENCH_CLIENTS
  int connections;  // BENCH_CONNECTIONS
  bool queries;     // BENCH_QUERIES=0: acquire and release only
  std::chrono::duration<double> warm_up;  // BENCH_WARM_UP, in seconds
  std::chrono::duration<double> length;   // BENCH_SECONDS
};

// Waits in buckets of 1 µs below 1 ms, then of 1/64 of a power of two: small
// enough for each thread to have its own.
class WaitHistogram {
 public:
  void add(std::chrono::nanoseconds wait) noexcept;
  void merge(const WaitHistogram& other) noexcept;
  bool empty() const noexcept { return count_ == 0; }
  double quantile_us(double share) const noexcept;
  double max_us() const noexcept;

 private:
  static constexpr std::uint64_t kLinear = 1024;
  static constexpr std::uint64_t kSteps = 64;
  static constexpr std::size_t kBuckets = kLinear + 20 * kSteps;
  static std::size_t bucket_of(std::uint64_t us) noexcept;
  static double bound_of(std::size_t bucket) noexcept;

  std::array<std::uint32_t, kBuckets> counts_ = {};
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

enum class Phase : std::uint8_t { kWarmUp, kMeasured, kOver };

// What one thread did. Each has its own, so that counting costs no sharing.
class alignas(64) Tally {
 public:
  explicit Tally(const std::atomic<Phase>& phase) : phase_(&phase) {}

  bool running() const noexcept { return phase() != Phase::kOver; }
  // An operation is finished; with how long it waited, where it may wait.
  void done() noexcept {
    if (phase() == Phase::kMeasured) ++operations_;
  }
  void done(std::chrono::nanoseconds wait) noexcept {
    if (phase() != Phase::kMeasured) return;
    ++operations_;
    waits_.add(wait);
  }

  std::uint64_t operations() const noexcept { return operations_; }
  const WaitHistogram& waits() const noexcept { return waits_; }

 private:
  Phase phase() const noexcept {
    return phase_->load(std::memory_order_relaxed);
  }

  const std::atomic<Phase>* phase_;
  std::uint64_t operations_ = 0;
  WaitHistogram waits_;
};

// Runs `work` on so many threads, each with its number and its tally, for the
// task's time, and prints what came of it. `work` prepares itself, operates
// while its tally is running, and returns.
void measure(const Task& task, int threads,
             const std::function<void(int thread, Tally& tally)>& work);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_PEERS_METER_H_
