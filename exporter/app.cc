#include "exporter/app.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/build_info.h"
#include "exporter/http/addresses.h"
#include "exporter/http/config_handler.h"
#include "exporter/http/debug_pools_handler.h"
#include "exporter/http/gzip.h"
#include "exporter/http/health_handler.h"
#include "exporter/http/lifecycle_handlers.h"
#include "exporter/http/probe_handler.h"
#include "exporter/http/stats_handler.h"
#include "exporter/live/landing_page.h"
#include "exporter/live/live_routes.h"
#include "exporter/metrics/config_reload.h"
#include "exporter/metrics/process_metrics.h"

namespace dbpool::exporter {

namespace {

// All of a shutdown but the drain: probes, workload, server and stragglers.
constexpr Duration kEndGrace = std::chrono::seconds(15);

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

App::App(Settings settings, LoadSettings load, Logger& log, Signals& signals)
    : settings_(std::move(settings)),
      load_(std::move(load)),
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

int App::check() {
  log_notices(settings_);
  if (const Failure failure = open_web_config()) return *failure;
  print_line("the settings are good");
  return kExitClean;
}

void App::log_start() {
  const BuildInfo build = build_info();
  log_.info("starting dbpool_exporter",
            {{"version", build.version},
             {"revision", build.revision},
             {"profile", to_string(settings_.profile)}});
  log_settings({}, settings_.effective);
  for (const PoolSettings& pool : settings_.pools) {
    log_settings({{"pool", pool.options.name}}, pool.effective);
  }
  for (const ModuleSettings& module : settings_.modules) {
    log_settings({{"module", module.name()}}, module.pool.effective);
  }
  log_notices(settings_);
}

void App::log_notices(const Settings& settings) {
  for (const Notice& notice : settings.notices) {
    log_.log(notice.level, notice.text, {});
  }
}

void App::log_settings(std::vector<LogField> fields,
                       const std::vector<EffectiveSetting>& effective) {
  std::vector<std::string> keys;
  keys.reserve(effective.size());  // the fields refer to them
  for (const EffectiveSetting& setting : effective) {
    keys.push_back(log_key(setting.name));
    fields.push_back({keys.back(), setting.value});
  }
  log_.log(LogLevel::kInfo, "settings in force", fields);
}

App::Failure App::start() {
  reloader_ = std::make_unique<Reloader>([this] { return reload(); }, log_);
  page_->add(
      std::make_shared<ConfigReloadMetrics>([this] { return last_reload(); }));
  if (const Failure failure = open_web_config()) return failure;
  if (const Failure failure = check_addresses()) return failure;
  if (const Failure failure = start_demo_database()) return failure;
  if (const Failure failure = make_pools()) return failure;
  // The other half of the requests at once is for all other pages.
  targets_ = std::make_shared<Targets>(settings_.web.max_requests / 2, log_);
  targets_->set_modules(settings_.modules);
  page_->add(pools_);
  page_->add(targets_);
  page_->add(std::make_shared<BuildInfoMetrics>());
  page_->add(std::make_shared<ProcessMetrics>());
  live_feed_ = std::make_shared<LiveFeed>(
      [this] {
        return pools_->each([](const MonitoredPool& pool) {
          return LiveFeed::Sampled{pool.stats(),
                                   pool.pool().options().acquire_timeout};
        });
      },
      [this] { return pools_->each(&MonitoredPool::live); });
  live_feed_->start();
  if (const Failure failure = start_server()) return failure;
  start_load();
  stats_log_ = std::make_unique<StatsLog>(log_, [this] {
    return pools_->each(
        [](const auto& each) { return each.pool().stats_without_queries(); });
  });
  ready_ = true;
  feed_watchdog();
  manager_.ready();
  signals_.set_on_hangup([this] { reloader_->ask(); });
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
  settings_.pools.front().database = *std::move(target);
  settings_.pools.front().workload = demo_workload();
  return std::nullopt;
}

App::Failure App::make_pools() {
  std::vector<PoolSet::PoolPtr> pools;
  for (const PoolSettings& settings : settings_.pools) {
    auto pool = MonitoredPool::create(settings, report_numbers_, log_);
    if (!pool) {
      log_.error(pool.error());
      return kExitUsage;
    }
    pools.push_back(*std::move(pool));
  }
  pools_->set(std::move(pools));
  show(settings_);
  return std::nullopt;
}

void App::start_load() {
  const TimePoint head_start = Clock::now() + kHeadStart;
  const auto pools = pools_->all();
  for (const auto& pool : pools) pool->start(head_start);
  if (!settings_.demo) return;
  MonitoredPool& pool = *pools.front();
  demo_load_ =
      std::make_unique<DemoLoad>(pool.pool(), *pool.workload(), print_line);
  demo_load_->start();
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

// By what users need of it: the HTTP side and the pools' locks.
void App::feed_watchdog() {
  const auto period = manager_.watchdog_period();
  if (!period) return;
  // Two may fail before the manager loses patience.
  const Duration interval = *period / 3;
  watchdog_ = std::make_unique<Ticker>(interval, [this, interval] {
    for (const auto& pool : pools_->all()) {
      (void)pool->pool().stats_without_queries();
    }
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
  const auto ask = [this] { return pools_->each(&MonitoredPool::health); };
  Route metrics = metrics_route(settings_.web.telemetry_path, page_);
  Route probe = probe_route(targets_);
  if (settings_.web.enable_compression) {
    metrics = in_gzip(std::move(metrics));
    probe = in_gzip(std::move(probe));
  }
  std::vector<Route> routes = {
      std::move(metrics),
      landing_route(settings_.web.telemetry_path, ask),
      health_route(ask),
      config_route([this] {
        const std::lock_guard lock(mutex_);
        return config_page_;
      }),
      stats_route([this] { return pools_->each(&MonitoredPool::stats); }),
      debug_pools_route(
          [this] { return pools_->each(&MonitoredPool::holders); },
          [this] { return pools_->reports(); }),
      take_report_route(
          [this](auto pool) { return pools_->ask_for_reports(pool); }),
      live_json_route(live_feed_),
      live_stream_route(live_feed_),
      std::move(probe),
      probe_results_route(targets_),
      healthy_route(),
      ready_route([this] { return ready_.load(); })};
  if (settings_.web.enable_lifecycle) {
    routes.push_back(reload_route([this] { return reloader_->reload(); }));
  } else {
    for (Route& none : no_reload_routes()) routes.push_back(std::move(none));
  }
  for (Route& asset : asset_routes()) routes.push_back(std::move(asset));
  return routes;
}

int App::stop() {
  log_.info("shutting down", {{"signal", signal_name(signals_.stop_signal())}});
  ready_ = false;
  signals_.set_on_hangup({});
  reloader_->stop();
  manager_.stopping(longest_drain() + kEndGrace);
  stats_log_.reset();
  targets_->stop();
  if (demo_load_) demo_load_->stop();
  const std::size_t left = drain_pools();
  watchdog_.reset();
  server_->stop();
  if (demo_database_) demo_database_->stop();
  log_.info(left == 0 ? "shut down" : "shut down with leases left",
            {{"leases_left", left}});
  const int code = left == 0 ? kExitClean : kExitUnclean;
  leave_if_something_hangs(code);
  return code;
}

// All at once: each has its own deadline from now on. How many leases are left.
std::size_t App::drain_pools() {
  std::vector<std::future<CloseReport>> reports;
  for (const auto& pool : pools_->all()) {
    reports.push_back(
        std::async(std::launch::async, [pool] { return pool->stop(); }));
  }
  for (Retired& pool : retired_) reports.push_back(std::move(pool.report));
  std::size_t left = 0;
  for (auto& report : reports) left += report.get().left.size();
  return left;
}

Duration App::longest_drain() const {
  Duration longest{0};
  for (const auto& pool : pools_->all()) {
    longest = std::max(longest, pool->drain_timeout());
  }
  return longest;
}

// Its thread cannot be ended from outside; the process can.
void App::leave_if_something_hangs(int code) {
  const TimePoint until = Clock::now() + kStragglerGrace;
  std::optional<std::string_view> hanging;
  auto pools = pools_->all();
  for (const Retired& each : retired_) {
    if (auto pool = each.pool.lock()) pools.push_back(std::move(pool));
  }
  for (const auto& pool : pools) {
    if (const auto what = pool->wait_stopped(until)) hanging = what;
  }
  if (!hanging) return;
  log_.warn(std::string(*hanging) + " is still under way and is left behind");
  log_.flush();
  std::_Exit(code);
}

}  // namespace dbpool::exporter
