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
  return std::max({*options.statement_timeout, settings.probes.select.timeout,
                   settings.probes.server.timeout,
                   settings.diagnosis.timeout}) +
         options.cancel_grace;
}

PoolSettings completed(PoolSettings settings) {
  settings.options.server_statement_timeout =
      server_statement_timeout(settings);
  return settings;
}

std::shared_ptr<ServerSession> session_of(
    const PoolSettings& settings, const std::shared_ptr<EventLog>& events) {
  ConnectOptions options;
  options.sink = events;
  options.pool_name = settings.options.name;
  options.server_statement_timeout = settings.options.server_statement_timeout;
  return std::make_shared<ServerSession>(*settings.database, options);
}

}  // namespace

MonitoredPool::MonitoredPool(PoolSettings settings, Logger& log)
    : settings_(completed(std::move(settings))),
      log_(log),
      events_(std::make_shared<EventLog>(
          log, EventLogOptions{settings_.log_queries, settings_.log_connections,
                               &*settings_.database})),
      server_session_(session_of(settings_, events_)) {}

tl::expected<std::unique_ptr<MonitoredPool>, std::string> MonitoredPool::create(
    PoolSettings settings, std::shared_ptr<ReportNumbers> numbers,
    Logger& log) {
  std::unique_ptr<MonitoredPool> made(
      new MonitoredPool(std::move(settings), log));
  // Else it is opened when somebody asks for a report.
  if (made->settings_.probes.server.interval ||
      made->settings_.diagnosis.threshold) {
    made->server_session_->open_ahead(made->settings_.probes.server.timeout);
  }
  if (auto done = made->make_pool(); !done) {
    return tl::make_unexpected(std::move(done.error()));
  }
  made->make_probes();
  made->make_workload();
  made->make_watch(std::move(numbers));
  return made;
}

// Without its floor at first: the session beside it comes before.
tl::expected<void, std::string> MonitoredPool::make_pool() {
  PoolOptions options = settings_.options;
  options.min_connections = 0;
  auto pool = Pool::create(*settings_.database, options, events_);
  if (!pool) return tl::make_unexpected(std::move(pool.error().message));
  pool_ = std::make_unique<Pool>(*std::move(pool));
  metrics_ = std::make_unique<prometheus::PoolMetrics>(
      [this] { return pool_->stats(); }, prometheus::PoolKind::kCanary);
  sampler_ = std::make_unique<Ticker>(kRecentSampleInterval, [this] {
    recent_acquires_.sample(pool_->stats_without_queries());
  });
  log_.info("pool started", {{"pool", name()},
                             {"database", settings_.database->description()},
                             {"max", settings_.options.max_connections},
                             {"min", settings_.options.min_connections}});
  return {};
}

void MonitoredPool::make_probes() {
  const ProbeSettings& given = settings_.probes;
  const ProbeOptions options{schedule(given.connect), schedule(given.select),
                             given.select_sql, schedule(given.server)};
  const ProbeChange on_change = [this](std::string_view probe,
                                       const Error* error) {
    if (error == nullptr) {
      log_.info("probe succeeds again", {{"pool", name()}, {"probe", probe}});
      return;
    }
    log_.warn("probe fails", {{"pool", name()},
                              {"probe", probe},
                              {"reason", probe_reason(*error)},
                              {"error", error->message}});
  };
  probes_ =
      std::make_unique<Probes>(*pool_, options, server_session_, on_change);
}

void MonitoredPool::make_watch(std::shared_ptr<ReportNumbers> numbers) {
  watch_ = std::make_unique<ExhaustionWatch>(
      *pool_, server_session_,
      DiagnosisOptions{settings_.diagnosis.threshold,
                       settings_.diagnosis.timeout},
      [this] {
        PoolHealth now = health();
        return now.status == HealthStatus::kDown ? std::move(now.reason)
                                                 : std::string();
      },
      std::move(numbers), log_);
}

void MonitoredPool::make_workload() {
  if (!settings_.workload) return;
  workload_ = std::make_unique<Workload>(
      *pool_, *settings_.workload,
      [events = events_](std::string_view workload, const Error& error) {
        events->acquire_failed(workload, error);
      },
      [events = events_](std::string_view workload, std::string_view problem) {
        events->script_failed(workload, problem);
      });
}

void MonitoredPool::start(TimePoint head_start) {
  server_session_->wait_ahead(
      std::max(head_start - Clock::now(), Duration::zero()));
  // Both were valid when the pool was made.
  (void)pool_->resize(settings_.options.min_connections,
                      settings_.options.max_connections);
  probes_->start();
  watch_->start();
  if (workload_) workload_->start();
}

CloseReport MonitoredPool::stop() {
  watch_->request_stop();
  stop_probes();
  if (workload_) workload_->stop();
  log_leases_out();
  CloseReport report = pool_->close(Clock::now() + settings_.drain_timeout);
  if (workload_) {
    workload_->cancel();
    workload_->wait(Clock::now() + kStragglerGrace);
  }
  return report;
}

// Before the drain, which would wait for their leases and name them as left.
void MonitoredPool::stop_probes() {
  probes_->request_stop();
  if (probes_->wait_stopped(Clock::now() + kProbeGrace)) return;
  probes_->abandon();
  probes_->wait_stopped(Clock::now() + kStragglerGrace);
}

std::optional<std::string_view> MonitoredPool::wait_stopped(
    TimePoint deadline) {
  const bool probes_ended = probes_->wait_stopped(deadline);
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
            {{"pool", name()},
             {"leases", out},
             {"timeout_seconds",
              std::chrono::duration<double>(settings_.drain_timeout).count()}});
}

PoolHealth MonitoredPool::health() const {
  HealthFacts facts;
  facts.connect = probes_->connect();
  facts.select = probes_->select();
  facts.server = probes_->server();
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
  metrics_->tell(sink);
  probes_->tell(sink);
  watch_->tell(sink);
  if (workload_) workload_->tell(sink);
}

}  // namespace dbpool::exporter
