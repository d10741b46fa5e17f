// The HTTP side of App: its addresses, its pages, and who asks for them.
#include <chrono>
#include <mutex>
#include <string>
#include <utility>

#include "exporter/app.h"
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

namespace dbpool::exporter {

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

}  // namespace dbpool::exporter
