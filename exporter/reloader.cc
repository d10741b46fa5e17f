#include "exporter/reloader.h"

#include <chrono>
#include <utility>

namespace dbpool::exporter {

Reloader::Reloader(Reload reload, Logger& log)
    : reload_(std::move(reload)),
      log_(log),
      last_success_(std::chrono::system_clock::now()) {
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

void Reloader::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

void Reloader::ask() {
  const std::lock_guard lock(mutex_);
  ++asked_;
  changed_.notify_all();
}

Reloader::Mistakes Reloader::reload() {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++asked_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return ended_ >= mine || stopped_; });
  if (ended_ < mine) return {"the program is ending"};
  return mistakes_;
}

ReloadStatus Reloader::last() const {
  const std::lock_guard lock(mutex_);
  return {mistakes_.empty(), last_success_};
}

void Reloader::loop(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return asked_ > ended_; })) {
    if (stop.stop_requested()) return;
    const std::uint64_t asked = asked_;
    lock.unlock();
    Mistakes mistakes = reload_();
    for (const std::string& line : mistakes) {
      log_.error("the settings are not reloaded", {{"error", line}});
    }
    if (mistakes.empty()) log_.info("the settings are reloaded");
    lock.lock();
    mistakes_ = std::move(mistakes);
    if (mistakes_.empty()) last_success_ = std::chrono::system_clock::now();
    ended_ = asked;
    changed_.notify_all();
  }
}

}  // namespace dbpool::exporter
