// ProbeResults: what the last requests for /probe came to.
#ifndef DBPOOL_EXPORTER_TARGETS_PROBE_RESULTS_H_
#define DBPOOL_EXPORTER_TARGETS_PROBE_RESULTS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/options.h"

namespace dbpool::exporter {

// The label `outcome` of dbpool_exporter_probe_requests_total.
enum class ProbeOutcome : std::uint8_t {
  kSuccess,  // up, and no probe fails
  kFailed,   // up, and a probe fails
  kDown,     // dbpool_up 0
  kRefused,  // a bad target or module, or one that is not allowed
  kBusy,     // a bound was reached
};
inline constexpr std::size_t kProbeOutcomeCount = 5;
std::string_view to_string(ProbeOutcome outcome) noexcept;

struct ProbeEntry {
  std::chrono::system_clock::time_point when;
  std::string module;  // empty: none of that name
  std::string target;  // normalised; empty: could not be read
  ProbeOutcome outcome = ProbeOutcome::kRefused;
  Duration took{0};
  std::string why;  // of all but a success; one line, no secret
};

// Thread-safety: any thread.
class ProbeResults {
 public:
  static constexpr std::size_t kMost = 100;

  void add(ProbeEntry entry);
  // The newest first.
  std::vector<ProbeEntry> all() const;

 private:
  mutable std::mutex mutex_;
  std::deque<ProbeEntry> entries_;  // guarded by mutex_
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_PROBE_RESULTS_H_
