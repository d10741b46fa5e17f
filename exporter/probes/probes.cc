#include "exporter/probes/probes.h"

#include <utility>

#include "exporter/metric_names.h"
#include "exporter/probes/connect_probe.h"
#include "exporter/probes/select_probe.h"

namespace dbpool::exporter {

namespace {

double unix_seconds(std::chrono::system_clock::time_point time) {
  return metrics::seconds(time.time_since_epoch());
}

}  // namespace

Probes::Probes(Pool& pool, const ProbeOptions& options,
               std::shared_ptr<ServerSession> session,
               const ProbeChange& on_change, const Probes* before)
    : pool_name_(pool.name()) {
  const auto runner = [&](std::unique_ptr<Probe> probe,
                          const ProbeSchedule& schedule, Runner Probes::*same) {
    return std::make_unique<ProbeRunner>(
        std::move(probe), schedule, on_change,
        [&pool] { return progress_of(pool.stats_without_queries()); },
        before == nullptr ? std::nullopt : stats_of(before->*same));
  };
  if (options.server) {
    auto server = std::make_unique<ServerProbe>(std::move(session));
    server_probe_ = server.get();
    server_ = runner(std::move(server), *options.server, &Probes::server_);
  }
  if (options.connect) {
    connect_ =
        runner(std::make_unique<ConnectProbe>(
                   pool.target(), pool.options().server_statement_timeout),
               *options.connect, &Probes::connect_);
  }
  if (options.select) {
    select_ = runner(std::make_unique<SelectProbe>(pool, options.select_sql),
                     *options.select, &Probes::select_);
  }
}

void Probes::start() {
  for (const Runner* runner : {&connect_, &select_, &server_}) {
    if (*runner) (*runner)->start();
  }
}

std::optional<ProbeStats> Probes::stats_of(const Runner& runner) {
  if (!runner) return std::nullopt;
  return runner->stats();
}

std::vector<ProbeRunner*> Probes::runners() const {
  std::vector<ProbeRunner*> result;
  for (const Runner* runner : {&connect_, &select_, &server_}) {
    if (*runner) result.push_back(runner->get());
  }
  return result;
}

void Probes::request_stop() noexcept {
  for (const Runner* runner : {&connect_, &select_, &server_}) {
    if (*runner) (*runner)->request_stop();
  }
}

void Probes::abandon() noexcept {
  for (const Runner* runner : {&connect_, &select_, &server_}) {
    if (*runner) (*runner)->abandon();
  }
}

bool Probes::wait_stopped(TimePoint deadline) {
  bool all = true;
  for (ProbeRunner* runner : runners()) {
    all = runner->wait_stopped(deadline) && all;
  }
  return all;
}

void Probes::tell(metrics::Sink& sink) const {
  for (const ProbeRunner* runner : runners()) tell_probe(sink, *runner);
  if (const auto stats = connect(); stats && stats->succeeded) {
    sink.add(metrics::kUp, {{"pool", pool_name_}}, *stats->succeeded ? 1 : 0);
  }
  tell_server(sink);
}

void Probes::tell_probe(metrics::Sink& sink, const ProbeRunner& runner) const {
  const ProbeStats stats = runner.stats();
  const metrics::Label pool{"pool", pool_name_};
  const metrics::Label probe{"probe", runner.probe().name()};
  sink.add(metrics::kProbes, {pool, probe}, static_cast<double>(stats.total));
  const auto reasons = runner.probe().reasons();
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    sink.add(metrics::kProbeFailures, {pool, probe, {"reason", reasons[i]}},
             static_cast<double>(stats.failures[i]));
  }
  if (stats.succeeded) {
    sink.add(metrics::kProbeSuccess, {pool, probe}, *stats.succeeded ? 1 : 0);
  }
  if (stats.last_success) {
    sink.add(metrics::kProbeLastSuccess, {pool, probe},
             unix_seconds(*stats.last_success));
  }
  sink.add(metrics::kProbeDuration, {pool, probe}, stats.duration);
}

void Probes::tell_server(metrics::Sink& sink) const {
  if (server_probe_ == nullptr) return;
  const auto slots = server_probe_->slots();
  if (!slots) return;
  const metrics::Label pool{"pool", pool_name_};
  sink.add(metrics::kServerMaxConnections, {pool}, slots->max_connections);
  sink.add(metrics::kServerReservedConnections, {pool},
           slots->reserved_connections);
  for (std::size_t i = 0; i < kServerStates.size(); ++i) {
    sink.add(metrics::kServerConnections, {pool, {"state", kServerStates[i]}},
             static_cast<double>(slots->connections[i]));
  }
}

}  // namespace dbpool::exporter
