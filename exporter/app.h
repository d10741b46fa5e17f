// App: the wiring of the program, its start and its shutdown.
//
//   settings ─▶ [demo's database] ─▶ pools ─▶ HTTP ─▶ load
//            ─▶ … a signal … ─▶ shutdown
//
// Exit codes: 0 all leases came back; 1 leases were left, or the demo's
// database does not start; 2 a mistake in the settings or in the file of
// --web.config.file, or an address that cannot be listened on; 128 + n a second
// SIGTERM or SIGINT, a second or more after the first (signals.h).
#ifndef DBPOOL_EXPORTER_APP_H_
#define DBPOOL_EXPORTER_APP_H_

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/signals.h"
#include "exporter/base/ticker.h"
#include "exporter/demo/demo_database.h"
#include "exporter/demo/demo_load.h"
#include "exporter/http/metrics_handler.h"
#include "exporter/http/server.h"
#include "exporter/live/live_feed.h"
#include "exporter/logging/logger.h"
#include "exporter/logging/stats_log.h"
#include "exporter/pool_set.h"
#include "exporter/reloader.h"
#include "exporter/service_manager.h"
#include "exporter/settings/settings.h"
#include "exporter/targets/targets.h"
#include "exporter/web_config/web_guard.h"

namespace dbpool::exporter {

inline constexpr int kExitClean = 0;
inline constexpr int kExitUnclean = 1;
inline constexpr int kExitUsage = 2;

// Thread-safety: one thread makes it, runs it and destroys it.
class App {
 public:
  // Reads the settings anew, as the start did; called from another thread.
  using LoadSettings = std::function<tl::expected<Settings, EarlyExit>()>;

  // `log` and `signals` must outlive it.
  App(Settings settings, LoadSettings load, Logger& log, Signals& signals);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Starts everything, blocks until SIGTERM or SIGINT, and shuts down in
  // order. The exit code; whatever went wrong has been logged.
  int run();

  // For --config.check: reads the file of --web.config.file too, and starts
  // nothing. The exit code; mistakes have been logged.
  int check();

 private:
  // What is still under way this long after everything else has stopped is
  // left behind.
  static constexpr Duration kStragglerGrace = std::chrono::seconds(1);
  // How long all that wants connections waits at the start for the server
  // session to be first at the database. Scrapes are answered meanwhile.
  static constexpr Duration kHeadStart = std::chrono::seconds(1);

  // One that the settings do not have any more, and how its drain ended.
  struct Retired {
    std::weak_ptr<MonitoredPool> pool;  // gone when nothing of it is left
    std::future<CloseReport> report;
  };

  // What went wrong at the start: the exit code.
  using Failure = std::optional<int>;

  void log_start();
  void log_notices(const Settings& settings);
  void log_settings(std::vector<LogField> fields,
                    const std::vector<EffectiveSetting>& effective);
  Failure start();
  Failure check_addresses();
  Failure open_web_config();
  Failure start_demo_database();
  Failure make_pools();
  Failure start_server();
  void start_load();
  void feed_watchdog();
  std::vector<Route> routes();
  Reloader::Mistakes reload();
  Reloader::Mistakes put_in_force(Settings next);
  void log_outdated(const Settings& next);
  void show(const Settings& given);
  void retire(const std::vector<PoolSet::PoolPtr>& pools);
  ReloadStatus last_reload() const;
  int stop();
  std::size_t drain_pools();
  Duration longest_drain() const;
  void leave_if_something_hangs(int code);

  // Constant after construction.
  Settings settings_;  // of the start; of the demo's database, too
  const LoadSettings load_;
  Logger& log_;
  Signals& signals_;
  const ServiceManager manager_;

  std::atomic<bool> ready_ = false;

  mutable std::mutex mutex_;
  std::string config_page_;  // of what is in force; guarded by mutex_

  // Set by start(), in this order; destroyed in reverse: what uses the pools
  // goes before them, and the server, which shows it all, goes first.
  std::unique_ptr<DemoDatabase> demo_database_;
  const std::shared_ptr<ReportNumbers> report_numbers_ =
      std::make_shared<ReportNumbers>();
  const std::shared_ptr<PoolSet> pools_ = std::make_shared<PoolSet>();
  std::shared_ptr<Targets> targets_;
  std::unique_ptr<DemoLoad> demo_load_;
  std::unique_ptr<StatsLog> stats_log_;
  std::shared_ptr<LiveFeed> live_feed_;
  // Shares what it shows, so it goes before the pool as well.
  const std::shared_ptr<MetricsPage> page_ = std::make_shared<MetricsPage>();
  std::unique_ptr<WebGuard> web_guard_;  // null without --web.config.file
  std::unique_ptr<Server> server_;
  // The reloader's until it is gone: pools that are drained, or were.
  std::vector<Retired> retired_;
  std::unique_ptr<Ticker> watchdog_;  // null where nobody wants to hear of it
  std::unique_ptr<Reloader> reloader_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_APP_H_
