#include "exporter/base/ticker.h"

#include <utility>

namespace dbpool::exporter {

Ticker::Ticker(Duration interval, std::function<void()> tick)
    : interval_(interval),
      tick_(std::move(tick)),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

void Ticker::loop(const std::stop_token& stop) {
  TimePoint next = Clock::now() + interval_;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, stop, next, [] { return false; });
    }
    if (stop.stop_requested()) return;
    tick_();
    const auto missed = (Clock::now() - next) / interval_;
    next += (missed + 1) * interval_;
  }
}

}  // namespace dbpool::exporter
