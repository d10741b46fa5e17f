#include "exporter/monitored_pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "exporter/health.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

namespace {

// Most probes under way have their answer by then, and their session can be
// ended as it should; what lasts longer is abandoned.
constexpr Duration kProbeGrace = std::chrono::milliseconds(200);

// What is still under way this long after everything else has stopped is
// left behind.
constexpr Duration kStragglerGrace = std::chrono::seconds(1);

std::optional<ProbeSchedule> schedule(const ProbeSetting& setting) {
  if (!setting.interval) return std::nullopt;
  return ProbeSchedule{*setting.interval, setting.timeout};
}

// What ends a statement on the server that no cancel reaches, for example
// since this process was killed: later than each deadline here, and later
// than the server's time to obey a cancel, so that the cancel comes first.
std::optional<Duration> server_statement_timeout(const PoolSettings& settings) {
  const PoolOptions& options = settings.options;
  if (!options.statement_timeout) return std::nullopt;
  Duration longest =
      std::max({*options.statement_timeout, settings.probes.select.timeout,
                settings.probes.server.timeout, settings.diagnosis.timeout});
  for (const CustomProbeOptions& probe : settings.custom_probes) {
    longest = std::max(longest, probe.timeout);
  }
  return longest + options.cancel_grace;
}

PoolSettings completed(PoolSettings settings) {
  settings.options.server_statement_timeout =
      server_statement_timeout(settings);
  return settings;
}

ConnectOptions session_options(const PoolSettings& settings,
                               const std::shared_ptr<EventLog>& events) {
  ConnectOptions options;
  options.sink = events;
  options.pool_name = settings.options.name;
  options.server_statement_timeout = settings.options.server_statement_timeout;
  return options;
}

EventLogOptions log_options(const PoolSettings& settings) {
  return {settings.log_queries, settings.log_connections,
          std::make_shared<ConnectionString>(*settings.database)};
}

DiagnosisOptions diagnosis_options(const PoolSettings& settings) {
  return {settings.diagnosis.threshold, settings.diagnosis.timeout};
}

}  // namespace

MonitoredPool::MonitoredPool(PoolSettings settings, Logger& log)
    : name_(settings.options.name),
      log_(log),
      events_(std::make_shared<EventLog>(log, log_options(settings))),
      server_session_(std::make_shared<ServerSession>(
          *settings.database, session_options(settings, events_))) {
  parts_.settings = std::make_shared<PoolSettings>(std::move(settings));
}

tl::expected<std::unique_ptr<MonitoredPool>, std::string> MonitoredPool::create(
    PoolSettings settings, std::shared_ptr<ReportNumbers> numbers,
    Logger& log) {
  std::unique_ptr<MonitoredPool> made(
      new MonitoredPool(completed(std::move(settings)), log));
  const auto given = made->parts_.settings;
  // Else it is opened when somebody asks for a report.
  if (given->probes.server.interval || given->diagnosis.threshold) {
    made->server_session_->open_ahead(given->probes.server.timeout);
  }
  if (auto done = made->make_pool(); !done) {
    return tl::make_unexpected(std::move(done.error()));
  }
  made->make_watch(std::move(numbers));
  made->parts_.probes = made->make_probes(*given, nullptr);
  made->parts_.workload = made->make_workload(*given, nullptr);
  return made;
}

// Without its floor at first: the session beside it comes before.
tl::expected<void, std::string> MonitoredPool::make_pool() {
  const PoolSettings& given = *parts_.settings;
  PoolOptions options = given.options;
  options.min_connections = 0;
  auto pool = Pool::create(*given.database, options, events_);
  if (!pool) return tl::make_unexpected(std::move(pool.error().message));
  pool_ = std::make_unique<Pool>(*std::move(pool));
  metrics_ = std::make_unique<prometheus::PoolMetrics>(
      [this] { return stats(); }, prometheus::PoolKind::kCanary);
  sampler_ = std::make_unique<Ticker>(kRecentSampleInterval, [this] {
    recent_acquires_.sample(pool_->stats_without_queries());
  });
  log_.info("pool started", {{"pool", name_},
                             {"database", given.database->description()},
                             {"max", given.options.max_connections},
                             {"min", given.options.min_connections}});
  return {};
}

std::shared_ptr<Probes> MonitoredPool::make_probes(const PoolSettings& settings,
                                                   const Probes* before) {
  const ProbeSettings& given = settings.probes;
  const ProbeOptions options{schedule(given.connect), schedule(given.select),
                             given.select_sql, schedule(given.server),
                             settings.custom_probes};
  const ProbeChange on_change = [this, verdict = watch_->present_verdict()](
                                    std::string_view probe,
                                    const ProbeFailure* failure) {
    if (failure == nullptr) {
      log_.info("probe succeeds again", {{"pool", name_}, {"probe", probe}});
    } else {
      events_->probe_failed(name_, probe, *failure, verdict());
    }
  };
  return std::make_shared<Probes>(*pool_, options, server_session_, on_change,
                                  before);
}

void MonitoredPool::make_watch(std::shared_ptr<ReportNumbers> numbers) {
  watch_ = std::make_unique<ExhaustionWatch>(
      *pool_, server_session_, diagnosis_options(*parts_.settings),
      [this] {
        PoolHealth now = health();
        return now.status == HealthStatus::kDown ? std::move(now.reason)
                                                 : std::string();
      },
      std::move(numbers), log_);
}

std::shared_ptr<Workload> MonitoredPool::make_workload(
    const PoolSettings& settings, const Workload* before) {
  if (!settings.workload) return nullptr;
  return std::make_shared<Workload>(
      *pool_, *settings.workload,
      [events = events_, pool = name_, verdict = watch_->present_verdict()](
          std::string_view workload, const Error& error) {
        events->acquire_failed(pool, workload, error, verdict());
      },
      [events = events_, pool = name_](std::string_view workload,
                                       std::string_view problem) {
        events->script_failed(pool, workload, problem);
      },
      before);
}

PoolStats MonitoredPool::stats() const {
  PoolStats stats = pool_->stats();
  stats.min_connections = parts().settings->options.min_connections;
  return stats;
}

MonitoredPool::Parts MonitoredPool::parts() const {
  const std::lock_guard lock(mutex_);
  return parts_;
}

void MonitoredPool::start(TimePoint head_start) {
  server_session_->wait_ahead(
      std::max(head_start - Clock::now(), Duration::zero()));
  const Parts now = parts();
  // Both were valid when the pool was made.
  (void)pool_->resize(now.settings->options.min_connections,
                      now.settings->options.max_connections);
  now.probes->start();
  watch_->start();
  if (now.workload) now.workload->start();
}

bool MonitoredPool::can_apply(const PoolSettings& settings) const {
  return settings.options.pipeline_depth == pool_->options().pipeline_depth;
}

std::string MonitoredPool::apply(PoolSettings settings) {
  settings = completed(std::move(settings));
  const auto before = parts().settings;
  std::string changes;
  const auto note = [&changes](std::string_view what) {
    changes.append(changes.empty() ? "" : ", ").append(what);
  };
  events_->set_options(log_options(settings));
  const bool is_other_database = *settings.database != *before->database;
  const bool is_other_session =
      is_other_database || settings.options.server_statement_timeout !=
                               before->options.server_statement_timeout;
  if (is_other_database) note("database");
  if (is_other_session) {
    server_session_->retarget(*settings.database,
                              session_options(settings, events_));
  }
  // Both have been found valid, and this is the process that made the pool.
  if (settings.options != before->options) {
    note("limits");
    (void)pool_->reconfigure(settings.options);
  }
  if (is_other_database) (void)pool_->retarget(*settings.database);
  watch_->set_options(diagnosis_options(settings));
  if (settings.diagnosis != before->diagnosis) note("diagnosis");
  const bool are_other_probes = settings.probes != before->probes ||
                                settings.custom_probes != before->custom_probes;
  if (are_other_probes) note("probes");
  if (are_other_probes || is_other_session) exchange_probes(settings);
  if (settings.workload != before->workload) {
    note("workload");
    exchange_workload(settings);
  }
  const std::lock_guard lock(mutex_);
  parts_.settings = std::make_shared<PoolSettings>(std::move(settings));
  return changes;
}

// Those that are under way are given up, uncounted; the new ones begin at once.
void MonitoredPool::exchange_probes(const PoolSettings& settings) {
  const auto before = parts().probes;
  before->abandon();
  before->wait_stopped(Clock::now() + kStragglerGrace);
  auto probes = make_probes(settings, before.get());
  probes->start();
  const std::lock_guard lock(mutex_);
  parts_.probes = std::move(probes);
}

void MonitoredPool::exchange_workload(const PoolSettings& settings) {
  std::erase_if(leaving_, [](const auto& workload) {
    return workload->wait(Clock::now());
  });
  auto before = parts().workload;
  auto workload = make_workload(settings, before.get());
  if (before) {
    before->finish();
    leaving_.push_back(std::move(before));
  }
  if (workload) workload->start();
  const std::lock_guard lock(mutex_);
  parts_.workload = std::move(workload);
}

CloseReport MonitoredPool::stop() {
  const Parts now = parts();
  watch_->request_stop();
  stop_probes();
  std::vector<std::shared_ptr<Workload>> workloads = leaving_;
  if (now.workload) workloads.push_back(now.workload);
  for (const auto& workload : workloads) workload->stop();
  log_leases_out();
  CloseReport report = pool_->close(Clock::now() + now.settings->drain_timeout);
  for (const auto& workload : workloads) workload->cancel();
  const TimePoint until = Clock::now() + kStragglerGrace;
  for (const auto& workload : workloads) workload->wait(until);
  return report;
}

// Before the drain, which would wait for their leases and name them as left.
void MonitoredPool::stop_probes() {
  const auto probes = parts().probes;
  probes->request_stop();
  if (probes->wait_stopped(Clock::now() + kProbeGrace)) return;
  probes->abandon();
  probes->wait_stopped(Clock::now() + kStragglerGrace);
}

std::optional<std::string_view> MonitoredPool::wait_stopped(
    TimePoint deadline) {
  const bool probes_ended = parts().probes->wait_stopped(deadline);
  if (!watch_->wait_stopped(deadline)) return "an exhaustion report";
  if (!probes_ended) return "a probe";
  return std::nullopt;
}

void MonitoredPool::log_leases_out() {
  const auto out =
      pool_->stats_without_queries()
          .connections[static_cast<std::size_t>(ConnectionState::kActive)];
  if (out == 0) return;
  log_.info("waiting for leases",
            {{"pool", name_},
             {"leases", out},
             {"timeout_seconds",
              std::chrono::duration<double>(drain_timeout()).count()}});
}

PoolHealth MonitoredPool::health() const {
  HealthFacts facts;
  const auto probes = parts().probes;
  facts.connect = probes->connect();
  facts.select = probes->select();
  facts.server = probes->server();
  facts.custom = probes->custom();
  facts.now = Clock::now();
  facts.stats = pool_->stats_without_queries();
  facts.recent = recent_acquires_.until(facts.stats);
  return judge_health(std::move(facts));
}

LivePool MonitoredPool::live() const {
  return {health(), watch_->verdict(), pool_->connections(), watch_->reports()};
}

PoolHolders MonitoredPool::holders() const {
  return {pool_->stats_without_queries(), pool_->connections(),
          watch_->verdict().verdict};
}

void MonitoredPool::tell(metrics::Sink& sink) const {
  const Parts now = parts();
  metrics_->tell(sink);
  now.probes->tell(sink);
  watch_->tell(sink);
  if (now.workload) now.workload->tell(sink);
}

}  // namespace dbpool::exporter
