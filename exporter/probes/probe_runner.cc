#include "exporter/probes/probe_runner.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "exporter/base/setting_words.h"
#include "exporter/metrics/histogram.h"

namespace dbpool::exporter {

PoolProgress progress_of(const PoolStats& stats) noexcept {
  const auto& failures = stats.acquire_failures;
  const std::uint64_t failed =
      std::accumulate(failures.begin(), failures.end(), std::uint64_t{0});
  return {stats.opened, stats.acquires - failed};
}

ProbeRunner::ProbeRunner(std::unique_ptr<Probe> probe, ProbeSchedule schedule,
                         ProbeChange on_change,
                         std::function<PoolProgress()> progress,
                         std::optional<ProbeStats> before)
    : probe_(std::move(probe)),
      schedule_(schedule),
      on_change_(std::move(on_change)),
      progress_(std::move(progress)),
      stats_(std::move(before).value_or(ProbeStats{})) {
  assert(schedule_.interval > Duration::zero());
  stats_.failures.resize(probe_->reasons().size());
}

ProbeRunner::~ProbeRunner() { abandon(); }

void ProbeRunner::start() {
  const std::lock_guard lock(mutex_);
  running_ = true;
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

ProbeStats ProbeRunner::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void ProbeRunner::request_stop() noexcept { thread_.request_stop(); }

void ProbeRunner::abandon() noexcept {
  request_stop();
  abandoned_.request_stop();
}

bool ProbeRunner::wait_stopped(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return !running_; });
}

void ProbeRunner::loop(const std::stop_token& stop) {
  TimePoint next = Clock::now() + schedule_.first_after;
  sleep_until(next, stop);
  while (!stop.stop_requested()) {
    run_once(stop);
    const auto missed = (Clock::now() - next) / schedule_.interval;
    next += (missed + 1) * schedule_.interval;
    sleep_until(next, stop);
  }
  const std::lock_guard lock(mutex_);
  running_ = false;
  changed_.notify_all();
}

void ProbeRunner::sleep_until(TimePoint when, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, stop, when, [] { return false; });
}

void ProbeRunner::run_once(const std::stop_token& stop) {
  const TimePoint started = Clock::now();
  ProbeResult result = probe_->run(schedule_.timeout, abandoned_.get_token());
  if (!result) {
    std::string& message = result.error().message;
    message = in_setting_words(std::move(message));
  }
  // The shutdown may be why it failed.
  if (stop.stop_requested()) return;
  const bool was_failing = !stats().succeeded.value_or(true);
  count(result, started, progress_());
  if (!result && !was_failing) on_change_(probe_->name(), &result.error());
  if (result && was_failing) on_change_(probe_->name(), nullptr);
}

void ProbeRunner::count(const ProbeResult& result, TimePoint started,
                        PoolProgress pool) {
  const std::lock_guard lock(mutex_);
  count_run(*probe_, result, started, stats_);
  stats_.pool = pool;
}

void count_run(const Probe& probe, const ProbeResult& result, TimePoint started,
               ProbeStats& stats) {
  const TimePoint now = Clock::now();
  ++stats.total;
  ++stats.duration.counts[bucket_of(now - started)];
  stats.duration.sum += now - started;
  stats.succeeded = result.has_value();
  stats.finished_at = now;
  if (result) {
    stats.last_success = std::chrono::system_clock::now();
    return;
  }
  const auto reasons = probe.reasons();
  auto found = std::ranges::find(reasons, result.error().reason);
  if (found == reasons.end()) found = std::ranges::find(reasons, "other");
  assert(found != reasons.end());
  ++stats.failures[static_cast<std::size_t>(found - reasons.begin())];
  stats.last_failure = static_cast<const Error&>(result.error());
}

}  // namespace dbpool::exporter
