// ExhaustionWatch: takes an ExhaustionReport when somebody has waited for
// capacity for longer than a threshold, or when asked to.
//
// Where an acquire would time out before, half of its time is the threshold.
// An exhaustion that lasts is reported again after 15 s, then after twice as
// long each time, up to 5 min; so is one that comes back within that time; and
// once for each other cause that the verdict names meanwhile. The
// last kKeptReports are kept, and each is logged whole. Beside that it keeps
// the live verdict (LiveDiagnosis) up to date.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_WATCH_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_WATCH_H_

#include <atomic>
#include <bitset>
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
#include "exporter/diagnosis/live_diagnosis.h"
#include "exporter/diagnosis/server_session.h"
#include "exporter/logging/logger.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

inline constexpr std::size_t kKeptReports = 16;

using ReportPtr = std::shared_ptr<const ExhaustionReport>;

// Numbers the reports of all pools in one row. Thread-safety: any thread.
class ReportNumbers {
 public:
  std::uint64_t next() noexcept { return last_.fetch_add(1) + 1; }

 private:
  std::atomic<std::uint64_t> last_ = 0;
};

// Thread-safety: start() and the destructor belong to the owner; every other
// member function is safe from any thread.
class ExhaustionWatch final : public metrics::Source {
 public:
  // Does nothing before start(). `pool` and `log` must outlive it.
  ExhaustionWatch(const Pool& pool, std::shared_ptr<ServerSession> session,
                  DiagnosisOptions options, DownReason down,
                  std::shared_ptr<ReportNumbers> numbers, Logger& log);
  // Blocks until a report under way is taken; see wait_stopped().
  ~ExhaustionWatch() override;

  void start();

  // From the next look on.
  void set_options(DiagnosisOptions options);

  // Has a report taken soon, one for all who ask within a second; its number.
  // Does not block.
  std::uint64_t ask();
  // The newest first.
  std::vector<ReportPtr> reports() const;
  // As of the last second.
  LiveVerdict verdict() const { return live_.now(); }
  PresentVerdict present_verdict() const { return live_.present_verdict(); }

  // Begins no further report, and gives up what one under way asks of the
  // database; does not block.
  void request_stop() noexcept;
  // Blocks until none is under way, or the deadline passed: then false.
  bool wait_stopped(TimePoint deadline);

  void tell(metrics::Sink& sink) const override;

 private:
  void loop(const std::stop_token& stop);
  std::optional<std::uint64_t> wait_for_a_look(const std::stop_token& stop);
  void take_options();
  void look(const std::stop_token& stop);
  bool is_exhausted(TimePoint now);
  bool is_due(TimePoint now);
  bool is_news() const;
  void take(std::optional<std::uint64_t> number, const std::stop_token& stop);
  void log(const ExhaustionReport& report) const;

  // Constant after construction.
  const Pool& pool_;
  const std::shared_ptr<ReportNumbers> numbers_;
  Logger& log_;

  // The thread's, but for what it tells.
  DiagnosisOptions options_;
  LiveDiagnosis live_;
  TimePoint look_at_ = {};                    // the next look of live_
  std::optional<TimePoint> exhausted_since_;  // as far as was looked
  TimePoint next_at_ = {};                    // no automatic report before
  Duration pause_{0};                         // after the last one
  std::bitset<kCauseCount> told_;             // in this exhaustion
  TimePoint ask_again_at_ = {};               // none on demand before

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  std::deque<ReportPtr> reports_;  // the newest first
  std::uint64_t taken_ = 0;
  std::optional<DiagnosisOptions> next_options_;  // not in force yet
  std::optional<std::uint64_t> asked_;  // the number that was promised
  bool running_ = false;

  std::jthread thread_;  // last: it uses all of the above; set by start()
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_WATCH_H_
