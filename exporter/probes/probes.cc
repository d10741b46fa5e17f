#include "exporter/probes/probes.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "exporter/metrics/metric_names.h"
#include "exporter/probes/connect_probe.h"
#include "exporter/probes/probe_series.h"
#include "exporter/probes/select_probe.h"

namespace dbpool::exporter {

namespace {

// What a fleet's start leaves in step soon is not; and who looks at a fresh
// start soon sees all of it.
constexpr Duration kLatestFirstRun = std::chrono::seconds(5);

}  // namespace

Duration first_run_after(Duration interval, std::mt19937_64& random) {
  const Duration most = std::min(interval, kLatestFirstRun);
  return Duration(
      std::uniform_int_distribution<Duration::rep>(0, most.count())(random));
}

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
  for (const Runner* each : {&connect_, &select_, &server_}) {
    if (*each) runners_.push_back(each->get());
  }
  add_custom(pool, options.custom, on_change, before);
}

void Probes::add_custom(Pool& pool, const std::vector<CustomProbeOptions>& all,
                        const ProbeChange& on_change, const Probes* before) {
  std::mt19937_64 random(
      pool.options().random_seed.value_or(std::random_device()()));
  for (const CustomProbeOptions& options : all) {
    auto probe = std::make_unique<CustomProbe>(pool, options);
    custom_probes_.push_back(probe.get());
    custom_.push_back(std::make_unique<ProbeRunner>(
        std::move(probe),
        ProbeSchedule{options.interval, options.timeout,
                      first_run_after(options.interval, random)},
        on_change,
        [&pool] { return progress_of(pool.stats_without_queries()); },
        before == nullptr ? std::nullopt : before->custom(options.name)));
    runners_.push_back(custom_.back().get());
  }
}

void Probes::start() {
  for (ProbeRunner* runner : runners_) runner->start();
}

std::optional<ProbeStats> Probes::custom(std::string_view name) const {
  const auto found = std::ranges::find(custom_, name, [](const Runner& runner) {
    return runner->probe().name();
  });
  return found == custom_.end() ? std::nullopt : stats_of(*found);
}

std::vector<std::pair<std::string, ProbeStats>> Probes::custom() const {
  std::vector<std::pair<std::string, ProbeStats>> all;
  all.reserve(custom_.size());
  for (const Runner& runner : custom_) {
    all.emplace_back(runner->probe().name(), runner->stats());
  }
  return all;
}

std::optional<ProbeStats> Probes::stats_of(const Runner& runner) {
  if (!runner) return std::nullopt;
  return runner->stats();
}

void Probes::request_stop() noexcept {
  for (ProbeRunner* runner : runners_) runner->request_stop();
}

void Probes::abandon() noexcept {
  for (ProbeRunner* runner : runners_) runner->abandon();
}

bool Probes::wait_stopped(TimePoint deadline) {
  bool all = true;
  for (ProbeRunner* runner : runners_) {
    all = runner->wait_stopped(deadline) && all;
  }
  return all;
}

void Probes::tell(metrics::Sink& sink) const {
  for (const ProbeRunner* runner : runners_) {
    tell_probe(sink, pool_name_, runner->probe(), runner->stats());
  }
  if (const auto stats = connect(); stats && stats->succeeded) {
    sink.add(metrics::kUp, {{"pool", pool_name_}}, *stats->succeeded ? 1 : 0);
  }
  if (server_probe_ != nullptr) {
    tell_slots(sink, pool_name_, server_probe_->slots());
  }
  for (const CustomProbe* probe : custom_probes_) {
    tell_values(sink, pool_name_, *probe);
  }
}

}  // namespace dbpool::exporter
