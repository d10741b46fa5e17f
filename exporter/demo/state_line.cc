#include "exporter/demo/state_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "exporter/metrics/quantile.h"

namespace dbpool::exporter {
namespace {

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::uint32_t waiting(const PoolStats& stats, WaitReason reason) {
  return stats.waiting[static_cast<std::size_t>(reason)];
}

std::uint32_t active(const PoolStats& stats) {
  return stats.connections[static_cast<std::size_t>(ConnectionState::kActive)];
}

std::string printed(const char* format, double value) {
  std::array<char, 64> text = {};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string words(Duration duration) {
  const double seconds = in_seconds(duration);
  if (seconds < 1) return printed("%.4g ms", seconds * 1e3);
  return printed("%.1f s", seconds);
}

// "34 waiting (capacity 30, opening 4), oldest 1.2 s", or "none waiting".
std::string queue_words(const PoolStats& stats) {
  if (stats.waiting_total == 0) return "none waiting";
  std::string reasons;
  for (std::size_t i = 0; i < kWaitReasonCount; ++i) {
    if (stats.waiting[i] == 0) continue;
    if (!reasons.empty()) reasons += ", ";
    reasons += to_string(static_cast<WaitReason>(i));
    if (stats.waiting[i] != stats.waiting_total) {
      reasons += " " + std::to_string(stats.waiting[i]);
    }
  }
  return std::to_string(stats.waiting_total) + " waiting (" + reasons +
         "), oldest " + words(stats.oldest_waiting_age);
}

std::string failure_words(const PoolStats& before, const PoolStats& now) {
  std::uint64_t total = 0;
  std::string reasons;
  for (std::size_t i = 0; i < kAcquireFailureCount; ++i) {
    const auto failed = now.acquire_failures[i] - before.acquire_failures[i];
    if (failed == 0) continue;
    total += failed;
    if (!reasons.empty()) reasons += ", ";
    reasons += to_string(static_cast<AcquireFailure>(i));
  }
  if (total == 0) return {};
  return ", " + std::to_string(total) + " failed (" + reasons + ")";
}

std::string wait_words(const PoolStats& before, const PoolStats& now) {
  HistogramSnapshot waits = difference(now.wait_granted, before.wait_granted);
  add_to(waits, difference(now.wait_failed, before.wait_failed));
  const auto bucket = quantile_bucket(waits, 0.99);
  if (!bucket) return {};
  if (*bucket == kLatencyBoundsNs.size()) return ", p99 > 60 s";
  return ", p99 ≤ " +
         words(std::chrono::nanoseconds(kLatencyBoundsNs[*bucket]));
}

}  // namespace

std::string_view state_word(const PoolStats& stats) {
  if (stats.closed) return "closed";
  const bool nothing_lives =
      stats.total == 0 && stats.backing_off && stats.last_failure.seen;
  if (waiting(stats, WaitReason::kServerSlots) > 0) return "no slots";
  if (waiting(stats, WaitReason::kBackendDown) > 0 || nothing_lives) {
    return "down";
  }
  if (waiting(stats, WaitReason::kCapacity) > 0) return "exhausted";
  if (waiting(stats, WaitReason::kOpening) > 0) return "opening";
  return active(stats) * 2 >= stats.max_connections ? "busy" : "calm";
}

std::string state_line(const PoolStats& before, const PoolStats& now,
                       Duration elapsed) {
  std::string line(state_word(now));
  line.resize(11, ' ');
  line += std::to_string(active(now)) + "/" +
          std::to_string(now.max_connections) + " active, " + queue_words(now) +
          " — ";
  const double exhausted =
      in_seconds(now.exhausted_time) - in_seconds(before.exhausted_time);
  if (exhausted > 0) {
    const double share = std::min(1.0, exhausted / in_seconds(elapsed));
    line += printed("exhausted %.0f %%, ", std::ceil(share * 100));
  }
  line += printed("%.0f acquires/s",
                  static_cast<double>(now.acquires - before.acquires) /
                      in_seconds(elapsed));
  return line + wait_words(before, now) + failure_words(before, now);
}

}  // namespace dbpool::exporter
