// LiveDiagnosis: the verdict on a pool, each second, and how many connections
// its load needs.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_LIVE_DIAGNOSIS_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_LIVE_DIAGNOSIS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "dbpool/pool.h"
#include "exporter/diagnosis/load.h"
#include "exporter/diagnosis/server_session.h"
#include "exporter/diagnosis/verdict.h"
#include "exporter/diagnosis/verdict_filter.h"
#include "exporter/diagnosis/words.h"
#include "exporter/logging/logger.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

struct DiagnosisOptions {
  // From when a wait is reported, and a holder may be old; nullopt: reports
  // are taken on demand only, and the verdict does without the database's
  // side.
  std::optional<Duration> threshold;
  Duration timeout{0};  // of the questions to the database
};

struct LiveVerdict {
  Verdict verdict;
  std::chrono::system_clock::time_point since;  // of its cause
  // The last minute's load, in connections; since the end of what inflates it.
  std::optional<double> offered_load;
  // What keeps 99 % of waits under 100 ms, no more than the database grants;
  // only while the cause is none or too_small, since others inflate the load.
  std::optional<std::uint32_t> recommended_max;
  std::string bound;  // what of the database binds it, if something does
  // What the database last said of the leases that were out, and when it was
  // asked; null: nothing yet.
  std::shared_ptr<const DatabaseView> database;
  std::chrono::system_clock::time_point asked_at;
};

// The verdict in force, for those who may outlive the diagnosis; after its end
// the last one. Any thread.
using PresentVerdict = std::function<Verdict()>;

// Why the database is down, as /health tells it; empty: it is not. Any thread.
using DownReason = std::function<std::string()>;

// Thread-safety: set_options(), look() and gather() belong to one thread; every
// other member function is safe from any thread.
class LiveDiagnosis final : public metrics::Source {
 public:
  // `pool` and `log` must outlive it.
  LiveDiagnosis(const Pool& pool, std::shared_ptr<ServerSession> session,
                DiagnosisOptions options, DownReason down, Logger& log);

  // For the looks and reports to come.
  void set_options(DiagnosisOptions options) { options_ = options; }

  // To be called each second. Blocks until the database has answered, a second
  // at most, and only while requests wait for too long or the database was
  // down, or once a minute; or until `stop`.
  void look(const std::stop_token& stop);

  // All that is known now, for a report; it counts for the verdict as a look
  // does. Blocks until the database has answered, or the timeout.
  DiagnosisFacts gather(const std::stop_token& stop);

  LiveVerdict now() const;
  PresentVerdict present_verdict() const;

  void tell(metrics::Sink& sink) const override;

 private:
  DiagnosisFacts take_facts(TimePoint at);
  void ask_database(DiagnosisFacts& facts, Duration at_most,
                    const std::stop_token& stop);
  void note_limits(const DiagnosisFacts& facts, TimePoint at);
  // Judges, and publishes what is in force then; `at`: when it was asked.
  void conclude(const DiagnosisFacts& facts,
                std::chrono::system_clock::time_point at);
  void publish(const DiagnosisFacts& facts, const Sizing& sizing, bool changed,
               std::chrono::system_clock::time_point at);
  void log_change(const Verdict& before, const Verdict& verdict,
                  Duration lasted, bool is_served) const;

  // Constant after construction.
  const Pool& pool_;
  const std::shared_ptr<ServerSession> session_;
  const DownReason down_;
  Logger& log_;

  // The looking thread's.
  DiagnosisOptions options_;
  LoadHistory history_;
  std::optional<TimePoint> strained_since_;
  VerdictFilter filter_;
  std::optional<Ceiling> ceiling_;
  std::optional<TimePoint> limits_at_;  // when they were asked for

  struct Published {
    std::mutex mutex;
    LiveVerdict now;  // guarded by mutex
  };
  const std::shared_ptr<Published> published_ = std::make_shared<Published>();
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_LIVE_DIAGNOSIS_H_
