#include "pool/src/query_statistics.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "dbpool/utf8.h"
#include "pool/src/brain/latency_histogram.h"

namespace dbpool::detail {
namespace {

constexpr std::string_view kUnnamed = "unnamed";
constexpr std::string_view kOther = "other";
constexpr std::size_t kMaxNameBytes = 100;
constexpr std::size_t kShards = 16;

struct Entry {
  std::uint64_t total = 0;
  std::array<std::uint64_t, kStatementFailureCount> failures = {};
  LatencyHistogram duration;
};
using Entries = std::map<std::string, Entry, std::less<>>;

std::string_view label_of(std::string_view name) {
  if (name.empty()) return kUnnamed;
  if (name.size() > kMaxNameBytes || !is_utf8(name)) return kOther;
  return name;
}

}  // namespace

class QueryStatistics::Impl {
 public:
  explicit Impl(std::uint32_t max_names) : max_names_(max_names) {}

  void record(std::string_view label, Duration duration,
              std::optional<StatementFailure> failure) {
    if (!try_record(label, duration, failure)) {
      try_record(kOther, duration, failure);
    }
  }

  std::vector<QueryStats> snapshot() const {
    std::vector<QueryStats> all;
    for (const Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [name, entry] : shard.entries) {
        all.push_back({.name = name,
                       .total = entry.total,
                       .failures = entry.failures,
                       .duration = entry.duration.snapshot()});
      }
    }
    std::ranges::sort(all, {}, &QueryStats::name);
    return all;
  }

 private:
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    Entries entries;  // guarded by mutex
  };

  // False if the name is new and there are max_names already.
  bool try_record(std::string_view label, Duration duration,
                  std::optional<StatementFailure> failure) {
    Shard& shard = shards_[std::hash<std::string_view>()(label) % kShards];
    const std::lock_guard lock(shard.mutex);
    auto found = shard.entries.find(label);
    if (found == shard.entries.end()) {
      if (!may_add(label)) return false;
      found = shard.entries.emplace(label, Entry()).first;
    }
    Entry& entry = found->second;
    ++entry.total;
    if (failure) ++entry.failures[static_cast<std::size_t>(*failure)];
    entry.duration.observe(duration);
    return true;
  }

  // The two names of the library's own take no place.
  bool may_add(std::string_view label) {
    if (label == kUnnamed || label == kOther) return true;
    std::uint32_t names = names_.load(std::memory_order_relaxed);
    do {
      if (names >= max_names_) return false;
    } while (!names_.compare_exchange_weak(names, names + 1,
                                           std::memory_order_relaxed));
    return true;
  }

  const std::uint32_t max_names_;
  std::atomic<std::uint32_t> names_{0};
  std::array<Shard, kShards> shards_;
};

QueryStatistics::QueryStatistics(std::uint32_t max_names)
    : impl_(std::make_unique<Impl>(max_names)) {}

QueryStatistics::~QueryStatistics() = default;

void QueryStatistics::record(std::string_view name, Duration duration,
                             std::optional<StatementFailure> failure) {
  impl_->record(label_of(name), duration, failure);
}

std::vector<QueryStats> QueryStatistics::snapshot() const {
  return impl_->snapshot();
}

}  // namespace dbpool::detail
