#include "exporter/ticker.h"

#include <utility>

namespace dbpool::exporter {

Ticker::Ticker(Duration interval, std::function<void()> tick)
    : interval_(interval),
      tick_(std::move(tick)),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

void Ticker::loop(const std::stop_token& stop) {
  for (TimePoint next = Clock::now() + interval_;; next += interval_) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, stop, next, [] { return false; });
    }
    if (stop.stop_requested()) return;
    tick_();
  }
}

}  // namespace dbpool::exporter
