#include "exporter/app.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/build_info.h"
#include "exporter/config_reload.h"
#include "exporter/health.h"
#include "exporter/http/addresses.h"
#include "exporter/http/debug_pools_handler.h"
#include "exporter/http/lifecycle_handlers.h"
#include "exporter/http/stats_handler.h"
#include "exporter/live/landing_page.h"
#include "exporter/live/live_routes.h"
#include "exporter/pool_metrics.h"
#include "exporter/process_metrics.h"

namespace dbpool::exporter {

namespace {

// What is still under way this long after everything else has stopped is
// left behind.
constexpr Duration kStragglerGrace = std::chrono::seconds(1);

// All of a shutdown but the drain: probes, workload, server and stragglers.
constexpr Duration kEndGrace = std::chrono::seconds(15);

// Most probes under way have their answer by then, and their session can be
// ended as it should; what lasts longer is abandoned.
constexpr Duration kProbeGrace = std::chrono::milliseconds(200);

std::optional<ProbeSchedule> schedule(const ProbeSetting& setting) {
  if (!setting.interval) return std::nullopt;
  return ProbeSchedule{*setting.interval, setting.timeout};
}

// How long all that wants connections waits at the start for the server session
// to be first at the database. Scrapes are answered meanwhile.
constexpr Duration kHeadStart = std::chrono::seconds(1);

// What ends a statement on the server that no cancel reaches, for example
// since this process was killed: later than each deadline here, and later
// than the server's time to obey a cancel, so that the cancel comes first.
std::optional<Duration> server_statement_timeout(const Settings& settings) {
  const auto& pool = settings.pool;
  if (!pool.statement_timeout) return std::nullopt;
  return std::max({*pool.statement_timeout, settings.probes.select.timeout,
                   settings.probes.server.timeout,
                   settings.diagnosis.timeout}) +
         pool.cancel_grace;
}

// "--probe.select_1.sql" as a key of a log line: "probe.select_1.sql".
std::string log_key(std::string_view setting) {
  std::string key(
      setting.substr(std::min(setting.find_first_not_of('-'), setting.size())));
  std::ranges::replace(key, '-', '_');
  return key;
}

void print_line(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

}  // namespace

App::App(Settings settings, Logger& log, Signals& signals)
    : settings_(std::move(settings)),
      log_(log),
      signals_(signals),
      manager_(log) {}

App::~App() = default;

int App::run() {
  log_start();
  if (const Failure failure = start()) return *failure;
  signals_.wait_for_stop();
  return stop();
}

void App::log_start() {
  const BuildInfo build = build_info();
  log_.info("starting dbpool_exporter",
            {{"version", build.version},
             {"revision", build.revision},
             {"profile", to_string(settings_.profile)}});
  std::vector<std::string> keys;
  keys.reserve(settings_.effective.size());
  std::vector<LogField> fields;
  for (const EffectiveSetting& setting : settings_.effective) {
    keys.push_back(log_key(setting.name));
    fields.push_back({keys.back(), setting.value});
  }
  log_.log(LogLevel::kInfo, "settings in force", fields);
  for (const Notice& notice : settings_.notices) {
    log_.log(notice.level, notice.text, {});
  }
}

App::Failure App::start() {
  if (const Failure failure = open_web_config()) return failure;
  if (const Failure failure = check_addresses()) return failure;
  if (const Failure failure = start_demo_database()) return failure;
  const EventLogOptions log_options{
      settings_.log_queries, settings_.log_connections, &*settings_.database};
  events_ = std::make_shared<EventLog>(log_, log_options);
  open_server_session();
  if (const Failure failure = start_pool()) return failure;
  sampler_ = std::make_unique<Ticker>(kRecentSampleInterval, [this] {
    recent_acquires_.sample(pool_->stats_without_queries());
  });
  make_probes();
  make_watch();
  make_workload();
  live_feed_ =
      std::make_shared<LiveFeed>([this] { return std::vector{pool_->stats()}; },
                                 [this] { return live_pools(); });
  live_feed_->start();
  if (const Failure failure = start_server()) return failure;
  server_session_->wait_ahead(kHeadStart);
  if (const Failure failure = fill_floor()) return failure;
  probes_->start();
  watch_->start();
  if (workload_) workload_->start();
  if (demo_load_) demo_load_->start();
  stats_log_ = std::make_unique<StatsLog>(
      log_, [pool = pool_.get()] { return pool->stats_without_queries(); });
  ready_ = true;
  feed_watchdog();
  manager_.ready();
  return std::nullopt;
}

App::Failure App::open_web_config() {
  const std::string& file = settings_.web.config_file;
  if (file.empty()) return std::nullopt;
  auto guard = WebGuard::open(file, log_);
  std::string error = guard ? "" : guard.error();
  if (guard && (*guard)->listening_context() != nullptr &&
      !Server::can_do_tls()) {
    error = file +
            ": tls_server_config: this build cannot do TLS, since its civetweb "
            "loads another OpenSSL; expected none, or a build with "
            "DBPOOL_CIVETWEB=bundled";
  }
  if (!error.empty()) {
    log_.error("--web.config.file is no good", {{"error", error}});
    return kExitUsage;
  }
  web_guard_ = *std::move(guard);
  page_->add(std::make_shared<ConfigReloadMetrics>(
      [web = web_guard_.get()] { return web->last_reload(); }));
  return std::nullopt;
}

// Before anything is opened that a mistake here would make for nothing.
App::Failure App::check_addresses() {
  if (const auto resolved = resolve(settings_.web.listen); !resolved) {
    log_.error(resolved.error());
    return kExitUsage;
  }
  if (const auto error = why_not_listen(settings_.web.listen)) {
    log_.error(*error);
    return kExitUsage;
  }
  return std::nullopt;
}

App::Failure App::start_demo_database() {
  if (!settings_.demo) return std::nullopt;
  log_.info("starting a private PostgreSQL for the demo");
  auto database = DemoDatabase::start();
  if (!database) {
    log_.error(database.error().message);
    return kExitUnclean;
  }
  demo_database_ = *std::move(database);
  auto target = ConnectionString::parse(demo_database_->database_url());
  if (!target) {
    log_.error(target.error().message);
    return kExitUnclean;
  }
  settings_.database = *std::move(target);
  return std::nullopt;
}

void App::open_server_session() {
  ConnectOptions options;
  options.sink = events_;
  options.pool_name = settings_.pool.name;
  options.server_statement_timeout = server_statement_timeout(settings_);
  server_session_ =
      std::make_shared<ServerSession>(*settings_.database, options);
  // Else it is opened when somebody asks for a report.
  if (!settings_.probes.server.interval && !settings_.diagnosis.threshold) {
    return;
  }
  server_session_->open_ahead(settings_.probes.server.timeout);
}

// Without its floor at first: see kHeadStart.
App::Failure App::start_pool() {
  PoolOptions options = settings_.pool;
  options.min_connections = 0;
  options.server_statement_timeout = server_statement_timeout(settings_);
  auto pool = Pool::create(*settings_.database, options, events_);
  if (!pool) {
    log_.error(pool.error().message);
    return kExitUsage;
  }
  pool_ = std::make_unique<Pool>(*std::move(pool));
  page_->add(std::make_shared<prometheus::PoolMetrics>(
      [pool = pool_.get()] { return pool->stats(); },
      prometheus::PoolKind::kCanary));
  page_->add(std::make_shared<BuildInfoMetrics>());
  page_->add(std::make_shared<ProcessMetrics>());
  log_.info("pool started", {{"pool", settings_.pool.name},
                             {"database", settings_.database->description()},
                             {"max", settings_.pool.max_connections},
                             {"min", settings_.pool.min_connections}});
  return std::nullopt;
}

App::Failure App::fill_floor() {
  const auto filled = pool_->resize(settings_.pool.min_connections,
                                    settings_.pool.max_connections);
  if (filled) return std::nullopt;
  log_.error(filled.error().message);
  return kExitUsage;
}

void App::make_probes() {
  const ProbeSettings& given = settings_.probes;
  const ProbeOptions options{schedule(given.connect), schedule(given.select),
                             given.select_sql, schedule(given.server)};
  const ProbeChange on_change = [this](std::string_view probe,
                                       const Error* error) {
    if (error == nullptr) {
      log_.info("probe succeeds again", {{"probe", probe}});
      return;
    }
    log_.warn("probe fails", {{"probe", probe},
                              {"reason", probe_reason(*error)},
                              {"error", error->message}});
  };
  probes_ =
      std::make_shared<Probes>(*pool_, options, server_session_, on_change);
  page_->add(probes_);
}

void App::make_watch() {
  watch_ = std::make_shared<ExhaustionWatch>(
      *pool_, server_session_,
      DiagnosisOptions{settings_.diagnosis.threshold,
                       settings_.diagnosis.timeout},
      [this] {
        PoolHealth now = health().front();
        return now.status == HealthStatus::kDown ? std::move(now.reason)
                                                 : std::string();
      },
      log_);
  page_->add(watch_);
}

void App::make_workload() {
  std::optional<WorkloadOptions> options = settings_.workload;
  if (settings_.demo) options = demo_workload();
  if (!options) return;
  workload_ = std::make_shared<Workload>(
      *pool_, *options,
      [events = events_](std::string_view workload, const Error& error) {
        events->acquire_failed(workload, error);
      },
      [events = events_](std::string_view workload, std::string_view problem) {
        events->script_failed(workload, problem);
      });
  page_->add(workload_);
  if (settings_.demo) {
    demo_load_ = std::make_unique<DemoLoad>(*pool_, *workload_, print_line);
  }
}

App::Failure App::start_server() {
  ServerOptions options;
  options.listen = settings_.web.listen;
  options.guard = web_guard_.get();
  options.stream_threads = kMostStreams;
  Gate gate;
  if (web_guard_) {
    gate = [guard = web_guard_.get()](const Request& request, bool is_health) {
      return guard->refuse(request, is_health);
    };
  }
  auto router = std::make_unique<Router>(routes(), settings_.web.max_requests,
                                         log_, std::move(gate));
  page_->add(router->metrics());
  auto server = Server::start(options, std::move(router), log_);
  if (!server) {
    log_.error(server.error());
    return kExitUsage;
  }
  server_ = *std::move(server);
  const bool has_tls = web_guard_ && web_guard_->listening_context() != nullptr;
  for (const ListenAddress& address : server_->addresses()) {
    log_.info("listening", {{"address", to_string(address)}, {"tls", has_tls}});
  }
  return std::nullopt;
}

// By what users need of it: the HTTP side and the pool's lock.
void App::feed_watchdog() {
  const auto period = manager_.watchdog_period();
  if (!period) return;
  // Two may fail before the manager loses patience.
  const Duration interval = *period / 3;
  watchdog_ = std::make_unique<Ticker>(interval, [this, interval] {
    (void)pool_->stats_without_queries();
    if (server_->answers(
            std::chrono::ceil<std::chrono::milliseconds>(interval))) {
      manager_.lives();
    } else {
      log_.limited(LogLevel::kError, "watchdog",
                   "the HTTP server does not answer; the service manager is "
                   "not told that the program lives");
    }
  });
}

std::vector<Route> App::routes() {
  const auto ask = [this] { return health(); };
  std::vector<Route> routes = {
      landing_route(settings_.web.telemetry_path, ask),
      metrics_route(settings_.web.telemetry_path, page_),
      health_route(ask),
      stats_route([this] { return std::vector{pool_->stats()}; }),
      debug_pools_route(
          [this] {
            return std::vector{PoolHolders{pool_->stats_without_queries(),
                                           pool_->connections(),
                                           watch_->verdict().verdict}};
          },
          [this] { return watch_->reports(); }),
      take_report_route([this] { return watch_->ask(); }),
      live_json_route(live_feed_),
      live_stream_route(live_feed_),
      healthy_route(),
      ready_route([this] { return ready_.load(); })};
  for (Route& asset : asset_routes()) routes.push_back(std::move(asset));
  return routes;
}

std::vector<PoolHealth> App::health() const {
  HealthFacts facts;
  facts.connect = probes_->connect();
  facts.select = probes_->select();
  facts.server = probes_->server();
  facts.now = Clock::now();
  facts.stats = pool_->stats_without_queries();
  facts.recent = recent_acquires_.until(facts.stats);
  return {judge_health(std::move(facts))};
}

std::vector<LivePool> App::live_pools() const {
  return {{health().front(), watch_->verdict(), pool_->connections(),
           watch_->reports()}};
}

int App::stop() {
  log_.info("shutting down", {{"signal", signal_name(signals_.stop_signal())}});
  ready_ = false;
  manager_.stopping(settings_.drain_timeout + kEndGrace);
  stats_log_.reset();
  watch_->request_stop();
  stop_probes();
  if (demo_load_) demo_load_->stop();
  if (workload_) workload_->stop();
  log_leases_out();
  const CloseReport report =
      pool_->close(Clock::now() + settings_.drain_timeout);
  if (workload_) {
    workload_->cancel();
    workload_->wait(Clock::now() + kStragglerGrace);
  }
  watchdog_.reset();
  server_->stop();
  if (demo_database_) demo_database_->stop();
  log_.info(report.clean() ? "shut down" : "shut down with leases left",
            {{"leases_left", report.left.size()}});
  const int code = report.clean() ? kExitClean : kExitUnclean;
  leave_if_a_probe_hangs(code);
  return code;
}

// Before the drain, which would wait for their leases and name them as left.
void App::stop_probes() {
  probes_->request_stop();
  if (probes_->wait_stopped(Clock::now() + kProbeGrace)) return;
  probes_->abandon();
  probes_->wait_stopped(Clock::now() + kStragglerGrace);
}

void App::log_leases_out() {
  const auto out =
      pool_->stats_without_queries()
          .connections[static_cast<std::size_t>(ConnectionState::kActive)];
  if (out == 0) return;
  log_.info("waiting for leases",
            {{"leases", out},
             {"timeout_seconds",
              std::chrono::duration<double>(settings_.drain_timeout).count()}});
}

// Its thread cannot be ended from outside; the process can.
void App::leave_if_a_probe_hangs(int code) {
  const TimePoint until = Clock::now() + kStragglerGrace;
  const bool probes_ended = probes_->wait_stopped(until);
  if (watch_->wait_stopped(until) && probes_ended) return;
  log_.warn(probes_ended
                ? "an exhaustion report is still under way and is left behind"
                : "a probe is still under way and is left behind");
  log_.flush();
  std::_Exit(code);
}

}  // namespace dbpool::exporter
