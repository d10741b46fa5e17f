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
