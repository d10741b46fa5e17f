// ExhaustionWatch: takes an ExhaustionReport when somebody has waited for
// capacity for longer than a threshold, or when asked to.
//
// An exhaustion that lasts is reported again after 15 s, then after twice as
// long each time, up to 5 min; so is one that comes back within that time. The
// last kKeptReports are kept, and each is logged whole.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_WATCH_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_WATCH_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "dbpool/pool.h"
#include "exporter/diagnosis/exhaustion_report.h"
#include "exporter/diagnosis/server_session.h"
#include "exporter/logging/logger.h"
#include "exporter/metric_sink.h"

namespace dbpool::exporter {

inline constexpr std::size_t kKeptReports = 16;

struct WatchOptions {
  std::optional<Duration> threshold;  // nullopt: only when asked to
  Duration timeout{0};                // of the questions to the database
};

using ReportPtr = std::shared_ptr<const ExhaustionReport>;

// Thread-safety: start() and the destructor belong to the owner; every other
// member function is safe from any thread.
class ExhaustionWatch final : public metrics::Source {
 public:
  // Does nothing before start(). `pool` and `log` must outlive it.
  ExhaustionWatch(Pool& pool, std::shared_ptr<ServerSession> session,
                  WatchOptions options, Logger& log);
  // Blocks until a report under way is taken; see wait_stopped().
  ~ExhaustionWatch() override;

  void start();

  // Has a report taken soon, one for all who ask within a second. Does not
  // block.
  void ask();
  // The newest first.
  std::vector<ReportPtr> reports() const;

  // Begins no further report; does not block.
  void request_stop() noexcept;
  // Blocks until none is under way, or the deadline passed: then false.
  bool wait_stopped(TimePoint deadline);

  void tell(metrics::Sink& sink) const override;

 private:
  void loop(const std::stop_token& stop);
  bool wait_for_a_look(const std::stop_token& stop);
  bool is_exhausted(TimePoint now);
  bool is_due(TimePoint now);
  void take();
  void log(const ExhaustionReport& report) const;

  // Constant after construction.
  Pool& pool_;
  const std::shared_ptr<ServerSession> session_;
  const WatchOptions options_;
  Logger& log_;

  // The thread's.
  std::optional<TimePoint> exhausted_since_;  // as far as was looked
  TimePoint next_at_ = {};                    // no automatic report before
  Duration pause_{0};                         // after the last one
  TimePoint ask_again_at_ = {};               // none on demand before

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  std::deque<ReportPtr> reports_;  // the newest first
  std::uint64_t taken_ = 0;
  bool asked_ = false;
  bool running_ = false;

  std::jthread thread_;  // last: it uses all of the above; set by start()
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_WATCH_H_
