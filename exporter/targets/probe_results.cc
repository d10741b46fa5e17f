#include "exporter/targets/probe_results.h"

#include <utility>

namespace dbpool::exporter {

std::string_view to_string(ProbeOutcome outcome) noexcept {
  static constexpr std::array<std::string_view, kProbeOutcomeCount> kNames = {
      "success", "failed", "down", "refused", "busy"};
  return kNames[static_cast<std::size_t>(outcome)];
}

void ProbeResults::add(ProbeEntry entry) {
  const std::lock_guard lock(mutex_);
  entries_.push_front(std::move(entry));
  if (entries_.size() > kMost) entries_.pop_back();
}

std::vector<ProbeEntry> ProbeResults::all() const {
  const std::lock_guard lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

}  // namespace dbpool::exporter
