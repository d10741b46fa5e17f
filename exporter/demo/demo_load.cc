#include "exporter/demo/demo_load.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <utility>

#include "exporter/demo/state_line.h"

namespace dbpool::exporter {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(250);
constexpr Duration kLineInterval = std::chrono::seconds(3);
constexpr Duration kShortestLineInterval = std::chrono::milliseconds(300);

// A duration of the swing, at `speed`.
Duration scaled(Duration duration, double speed) {
  return std::chrono::duration_cast<Duration>(duration / speed);
}

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::localtime_r(&now, &parts);
  std::array<char, 16> text = {};
  std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
  return text.data();
}

}  // namespace

DemoLoad::DemoLoad(const Pool& pool, Workload& workload,
                   std::function<void(std::string_view)> print, double speed)
    : pool_(pool),
      workload_(workload),
      print_(std::move(print)),
      speed_(speed) {}

void DemoLoad::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void DemoLoad::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void DemoLoad::run(const std::stop_token& stop) {
  const TimePoint start = Clock::now();
  const Duration tick = scaled(kTick, speed_);
  const Duration line_interval =
      std::max(scaled(kLineInterval, speed_), kShortestLineInterval);
  TimePoint last_line = start;
  PoolStats before = pool_.stats_without_queries();
  double rate = -1;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const TimePoint now = Clock::now();
    const SwingPhase& phase = swing_at(now - start, speed_);
    if (phase.rate != rate) workload_.set_rate(rate = phase.rate);
    if (now - last_line >= line_interval) {
      PoolStats stats = pool_.stats_without_queries();
      print_(local_time() + "  " + state_line(before, stats, now - last_line));
      before = std::move(stats);
      last_line = now;
    }
    stopped_.wait_for(lock, stop, tick, [] { return false; });
  }
}

}  // namespace dbpool::exporter
