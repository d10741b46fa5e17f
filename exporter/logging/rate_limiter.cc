#include "exporter/logging/rate_limiter.h"

#include <algorithm>
#include <cassert>

namespace dbpool::exporter {

RateLimiter::RateLimiter(Duration interval, std::size_t max_keys,
                         std::uint32_t burst)
    : interval_(interval), max_keys_(max_keys), burst_(burst) {
  assert(max_keys_ > 0 && burst_ > 0);
}

std::optional<std::uint64_t> RateLimiter::admit(std::string_view key,
                                                TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    make_room();
    entries_.emplace(key, Entry{now});
    return 0;
  }
  Entry& entry = found->second;
  if (now - entry.since >= interval_) {
    const std::uint64_t held_back = entry.held_back;
    entry = {now};
    return held_back;
  }
  if (entry.admitted < burst_) {
    ++entry.admitted;
    return 0;
  }
  ++entry.held_back;
  return std::nullopt;
}

void RateLimiter::make_room() {
  if (entries_.size() < max_keys_) return;
  entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                  [](const auto& a, const auto& b) {
                                    return a.second.since < b.second.since;
                                  }));
}

}  // namespace dbpool::exporter
