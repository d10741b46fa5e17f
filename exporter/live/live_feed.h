// LiveFeed: what the live page shows of all pools, second by second.
#ifndef DBPOOL_EXPORTER_LIVE_LIVE_FEED_H_
#define DBPOOL_EXPORTER_LIVE_LIVE_FEED_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/ticker.h"
#include "exporter/live/history.h"
#include "exporter/live/live_json.h"

namespace dbpool::exporter {

// Thread-safety: any thread.
class LiveFeed {
 public:
  struct Sampled {
    PoolStats stats;
    Duration acquire_timeout;  // the pool's
  };
  using TakeSample = std::function<std::vector<Sampled>()>;
  using Asked = std::function<std::vector<LivePool>()>;

  // `sample` is called for each sample, `ask` for each document; from any
  // thread, and must not block on the database.
  LiveFeed(TakeSample sample, Asked ask);

  // Takes a sample each kHistoryInterval from now on. Once.
  void start();
  // As start() has it done.
  void take_sample();

  struct Document {
    std::string json;
    std::uint64_t latest = 0;  // the last sample in it
    std::string cursor;        // where the next one begins
  };
  // {"version":…,"cursor":…,"time":…,
  //  "pools":[{…,"queryNames":[…],"samples":[…]}]}, on one line: how the pools
  //  are now,
  // and the samples after `cursor`; all that are kept when it is none of this
  // process.
  Document document(std::string_view cursor) const;

  // Blocks until there is a sample after that one: true; or until `stop`.
  bool wait_for_sample(std::uint64_t after, const std::stop_token& stop);

 private:
  std::uint64_t number_of(std::string_view cursor) const;

  // Constant after construction.
  const TakeSample sample_;
  const Asked ask_;
  const std::string run_;  // tells this process from one before it

  mutable std::mutex mutex_;
  std::condition_variable_any sampled_;
  // Guarded by mutex_.
  std::uint64_t latest_ = 0;
  std::map<std::string, History, std::less<>> histories_;  // by pool there is

  std::optional<Ticker> ticker_;  // last: it uses all of the above
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LIVE_LIVE_FEED_H_
