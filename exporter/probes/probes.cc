#include "exporter/probes/probes.h"

#include <utility>

#include "exporter/families.h"
#include "exporter/metric_names.h"
#include "exporter/probes/connect_probe.h"
#include "exporter/probes/select_probe.h"

namespace dbpool::exporter {

namespace {

using metrics::add;
using metrics::Family;
using metrics::Labels;
using metrics::make_family;
using metrics::with;

double unix_seconds(std::chrono::system_clock::time_point time) {
  return metrics::seconds(time.time_since_epoch());
}

// The families that all probes share.
struct ProbeFamilies {
  Family total = make_family(metrics::kProbes);
  Family failures = make_family(metrics::kProbeFailures);
  Family success = make_family(metrics::kProbeSuccess);
  Family last_success = make_family(metrics::kProbeLastSuccess);
  Family duration = make_family(metrics::kProbeDuration);

  void add_probe(const std::string& pool, const ProbeRunner& runner) {
    const ProbeStats stats = runner.stats();
    const Labels labels =
        with(with({}, "pool", pool), "probe", runner.probe().name());
    add(total, labels, static_cast<double>(stats.total));
    const auto reasons = runner.probe().reasons();
    for (std::size_t i = 0; i < reasons.size(); ++i) {
      add(failures, with(labels, "reason", reasons[i]),
          static_cast<double>(stats.failures[i]));
    }
    if (stats.succeeded) add(success, labels, *stats.succeeded ? 1 : 0);
    if (stats.last_success) {
      add(last_success, labels, unix_seconds(*stats.last_success));
    }
    add(duration, labels, stats.duration);
  }
};

}  // namespace

Probes::Probes(Pool& pool, const ProbeOptions& options,
               std::unique_ptr<ServerProbe> server,
               const ProbeChange& on_change)
    : pool_name_(pool.options().name), server_probe_(server.get()) {
  const auto runner = [&](std::unique_ptr<Probe> probe,
                          const ProbeSchedule& schedule) {
    return std::make_unique<ProbeRunner>(
        std::move(probe), schedule, on_change,
        [&pool] { return progress_of(pool.stats()); });
  };
  if (options.server) server_ = runner(std::move(server), *options.server);
  if (options.connect) {
    connect_ =
        runner(std::make_unique<ConnectProbe>(
                   pool.target(), pool.options().server_statement_timeout),
               *options.connect);
  }
  if (options.select) {
    select_ = runner(std::make_unique<SelectProbe>(pool, options.select_sql),
                     *options.select);
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

bool Probes::wait_stopped(TimePoint deadline) {
  bool all = true;
  for (ProbeRunner* runner : runners()) {
    all = runner->wait_stopped(deadline) && all;
  }
  return all;
}

std::vector<::prometheus::MetricFamily> Probes::Collect() const {
  ProbeFamilies of;
  for (const ProbeRunner* runner : runners()) of.add_probe(pool_name_, *runner);
  std::vector<Family> families;
  for (Family* family :
       {&of.total, &of.failures, &of.success, &of.last_success, &of.duration}) {
    if (!family->metric.empty()) families.push_back(std::move(*family));
  }
  if (const auto stats = connect(); stats && stats->succeeded) {
    add(families.emplace_back(make_family(metrics::kUp)),
        with({}, "pool", pool_name_), *stats->succeeded ? 1 : 0);
  }
  add_server(families);
  return families;
}

void Probes::add_server(
    std::vector<::prometheus::MetricFamily>& families) const {
  if (server_probe_ == nullptr) return;
  const auto slots = server_probe_->slots();
  if (!slots) return;
  const Labels labels = with({}, "pool", pool_name_);
  add(families.emplace_back(make_family(metrics::kServerMaxConnections)),
      labels, slots->max_connections);
  add(families.emplace_back(make_family(metrics::kServerReservedConnections)),
      labels, slots->reserved_connections);
  Family& states =
      families.emplace_back(make_family(metrics::kServerConnections));
  for (std::size_t i = 0; i < kServerStates.size(); ++i) {
    add(states, with(labels, "state", kServerStates[i]),
        static_cast<double>(slots->connections[i]));
  }
}

}  // namespace dbpool::exporter
