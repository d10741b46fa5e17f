// Ticker: calls a function at an interval, on a thread of its own.
#ifndef DBPOOL_EXPORTER_BASE_TICKER_H_
#define DBPOOL_EXPORTER_BASE_TICKER_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "dbpool/options.h"

namespace dbpool::exporter {

// From its construction, first after one interval, until it is destroyed;
// the destructor waits for a call under way. A call that comes late, after a
// long one or a stop of the process, is not made up for: the next one comes at
// the schedule's next point in time.
class Ticker {
 public:
  Ticker(Duration interval, std::function<void()> tick);

 private:
  void loop(const std::stop_token& stop);

  const Duration interval_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_TICKER_H_
