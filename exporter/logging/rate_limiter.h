#ifndef DBPOOL_EXPORTER_LOGGING_RATE_LIMITER_H_
#define DBPOOL_EXPORTER_LOGGING_RATE_LIMITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "dbpool/options.h"

namespace dbpool::exporter {

// Lets one event for each key through in an interval (or `burst`), and counts
// the rest.
// Remembers at most `max_keys` keys: a new one takes the place of the one
// that was let through longest ago.
//
// Thread-safety: any thread.
class RateLimiter {
 public:
  explicit RateLimiter(Duration interval = std::chrono::seconds(10),
                       std::size_t max_keys = 128, std::uint32_t burst = 1);

  // nullopt: hold this one back. Otherwise let it through; the number is how
  // many were held back in the interval before this one; told once.
  std::optional<std::uint64_t> admit(std::string_view key, TimePoint now);

 private:
  struct Entry {
    TimePoint since;             // of the interval
    std::uint32_t admitted = 1;  // in it
    std::uint64_t held_back = 0;
  };

  void make_room();

  // Constant after construction.
  const Duration interval_;
  const std::size_t max_keys_;
  const std::uint32_t burst_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_RATE_LIMITER_H_
