#include "exporter/logging/rate_limiter.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dbpool::exporter {

RateLimiter::RateLimiter(Duration interval, std::size_t max_keys)
    : interval_(interval), max_keys_(max_keys) {
  assert(max_keys_ > 0);
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
  if (now - entry.admitted < interval_) {
    ++entry.held_back;
    return std::nullopt;
  }
  entry.admitted = now;
  return std::exchange(entry.held_back, 0);
}

void RateLimiter::make_room() {
  if (entries_.size() < max_keys_) return;
  entries_.erase(std::min_element(
      entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
        return a.second.admitted < b.second.admitted;
      }));
}

}  // namespace dbpool::exporter
