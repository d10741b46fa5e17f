#include "exporter/live/live_feed.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "dbpool/version.h"
#include "exporter/base/utf8.h"

namespace dbpool::exporter {

namespace {

using Json = nlohmann::ordered_json;

std::int64_t milliseconds_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void add_history(Json& json, const History& history, std::uint64_t after) {
  json["queryNames"] = Json::array();
  for (const std::string& name : history.query_names()) {
    json["queryNames"].push_back(to_utf8(name));
  }
  json["samples"] = Json::array();
  for (const Sample& sample : history.since(after)) {
    json["samples"].push_back(sample_json(sample));
  }
}

}  // namespace

LiveFeed::LiveFeed(TakeSample sample, Asked ask)
    : sample_(std::move(sample)),
      ask_(std::move(ask)),
      run_(std::to_string(milliseconds_now()) + "-") {}

void LiveFeed::start() {
  take_sample();
  ticker_.emplace(kHistoryInterval, [this] { take_sample(); });
}

void LiveFeed::take_sample() {
  const std::vector<Sampled> pools = sample_();
  const TimePoint now = Clock::now();
  const auto wall = std::chrono::system_clock::now();
  const std::lock_guard lock(mutex_);
  ++latest_;
  std::erase_if(histories_, [&pools](const auto& history) {
    return std::ranges::none_of(pools, [&history](const Sampled& pool) {
      return pool.stats.name == history.first;
    });
  });
  for (const auto& [stats, acquire_timeout] : pools) {
    histories_[stats.name].add(stats, acquire_timeout, latest_, now, wall);
  }
  sampled_.notify_all();
}

LiveFeed::Document LiveFeed::document(std::string_view cursor) const {
  const std::uint64_t after = number_of(cursor);
  const std::vector<LivePool> shown = ask_();
  Json pools = Json::array();
  for (const LivePool& pool : shown) {
    pools.push_back(live_pool_json(pool, std::chrono::system_clock::now()));
  }
  Document document;
  {
    const std::lock_guard lock(mutex_);
    document.latest = latest_;
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto history = histories_.find(shown[i].health.stats.name);
      if (history == histories_.end()) continue;
      add_history(pools[i], history->second, after);
    }
  }
  document.cursor = run_ + std::to_string(document.latest);
  const Json json = {{"version", version()},
                     {"cursor", document.cursor},
                     {"time", milliseconds_now()},
                     {"pools", std::move(pools)}};
  document.json = json.dump();
  return document;
}

bool LiveFeed::wait_for_sample(std::uint64_t after,
                               const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return sampled_.wait(lock, stop, [&] { return latest_ > after; });
}

// 0 for a cursor of another process, or for none.
std::uint64_t LiveFeed::number_of(std::string_view cursor) const {
  if (!cursor.starts_with(run_)) return 0;
  cursor.remove_prefix(run_.size());
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(cursor.data(), cursor.data() + cursor.size(), number);
  const bool is_whole =
      error == std::errc() && end == cursor.data() + cursor.size();
  const std::lock_guard lock(mutex_);
  return is_whole && number <= latest_ ? number : 0;
}

}  // namespace dbpool::exporter
