#include "exporter/targets/kept_target.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "exporter/base/setting_words.h"
#include "exporter/metrics/pool_metrics.h"
#include "exporter/probes/probe_series.h"
#include "exporter/probes/select_probe.h"

namespace dbpool::exporter {

namespace {

// Of one name; each gets its share of the time.
constexpr std::size_t kMostAddresses = 8;

// A scrape waits no longer for a statement that does not end when it is told
// to: its connection is given up.
constexpr Duration kCancelGrace = std::chrono::milliseconds(200);
// The next /probe shall find out whether the target is back.
constexpr Duration kLongestBackoff = std::chrono::milliseconds(250);
// How much later than here the server itself ends a statement.
constexpr Duration kBackstop = std::chrono::seconds(2);

// Passes on what matters of a pool that only probes use: a series for each
// target and each Prometheus costs.
class ChosenMetrics final : public metrics::Sink {
 public:
  explicit ChosenMetrics(metrics::Sink& sink) : sink_(sink) {}

  void add(const metrics::MetricInfo& info, metrics::Labels labels,
           double value) override {
    if (is_chosen(info)) sink_.add(info, labels, value);
  }
  void add(const metrics::MetricInfo& info, metrics::Labels labels,
           const HistogramSnapshot& histogram) override {
    if (is_chosen(info)) sink_.add(info, labels, histogram);
  }

 private:
  static bool is_chosen(const metrics::MetricInfo& info) {
    static constexpr std::array kChosen = {&metrics::kTotalConnections,
                                           &metrics::kIdleConnections,
                                           &metrics::kConnections,
                                           &metrics::kPoolInfo,
                                           &metrics::kMaxConnections,
                                           &metrics::kConnectionsOpened,
                                           &metrics::kConnectionFailures,
                                           &metrics::kConnectionsClosed,
                                           &metrics::kTlsInfo,
                                           &metrics::kTlsCertificateExpiry};
    return std::ranges::find(kChosen, &info) != kChosen.end();
  }

  metrics::Sink& sink_;
};

// What libpq takes for several addresses of one host.
std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += (list.empty() ? "" : ",") + text;
  }
  return list;
}

}  // namespace

KeptTarget::KeptTarget(std::shared_ptr<const ModuleSettings> module,
                       TargetName target, std::shared_ptr<EventSink> events)
    : module_(std::move(module)),
      target_(std::move(target)),
      events_(std::move(events)) {}

PoolOptions KeptTarget::pool_options() const {
  PoolOptions options = module_->pool.options;
  const Duration longest =
      std::min(options.statement_timeout.value_or(module_->options.timeout),
               module_->options.timeout);
  options.server_statement_timeout = longest + kBackstop;
  options.cancel_grace = kCancelGrace;
  options.backoff_max = kLongestBackoff;
  return options;
}

// To these and nowhere else, whatever the name means to others or later.
ConnectionString KeptTarget::database_at(
    const std::vector<std::string>& addresses) const {
  ConnectionString database = *module_->pool.database;
  const std::vector<std::string> hosts(addresses.size(), target_.host);
  (void)database.set("host", list_of(hosts));
  (void)database.set("hostaddr", list_of(addresses));
  (void)database.set("port", std::to_string(target_.port));
  (void)database.set("dbname", target_.database);
  return database;
}

Expected<void> KeptTarget::aim(const std::vector<std::string>& addresses) {
  std::vector<std::string> sorted = addresses;
  std::ranges::sort(sorted);  // DNS turns them round
  if (pool_ && sorted == addresses_) return {};
  std::vector<std::string> first = addresses;
  first.resize(std::min(first.size(), kMostAddresses));
  const ConnectionString database = database_at(first);
  if (pool_) {
    auto moved = pool_->retarget(database);
    if (!moved) return moved;
  } else {
    auto made = Pool::create(database, pool_options(), events_);
    if (!made) return Unexpected(std::move(made.error()));
    pool_ = std::make_unique<Pool>(*std::move(made));
    make_lines(database);
  }
  if (module_->options.connect) {
    auto probe = std::make_unique<ConnectProbe>(database);
    connect_ = probe.get();
    lines_.front().probe = std::move(probe);
  }
  addresses_ = std::move(sorted);
  return {};
}

void KeptTarget::make_lines(const ConnectionString& database) {
  const ModuleOptions& options = module_->options;
  const Duration most =
      module_->pool.options.statement_timeout.value_or(options.timeout);
  if (options.connect) {
    add_line(std::make_unique<ConnectProbe>(database), options.timeout);
  }
  if (options.select_1) {
    add_line(std::make_unique<SelectProbe>(*pool_, "SELECT 1"), most);
  }
  if (options.server) {
    auto slots = std::make_unique<SlotsProbe>(*pool_);
    slots_ = slots.get();
    add_line(std::move(slots), most);
  }
  for (const CustomProbeOptions& each : module_->pool.custom_probes) {
    auto probe = std::make_unique<CustomProbe>(*pool_, each);
    custom_.push_back(probe.get());
    add_line(std::move(probe), std::min(most, each.timeout));
  }
}

void KeptTarget::add_line(std::unique_ptr<Probe> probe, Duration most) {
  Line& line = lines_.emplace_back(Line{std::move(probe), {}, most});
  line.stats.failures.resize(line.probe->reasons().size());
}

bool KeptTarget::has_connections() const {
  return pool_->stats_without_queries().total > 0;
}

bool KeptTarget::decides(const Line& line) const {
  return line.probe->name() ==
         (module_->options.connect ? "connect" : "select_1");
}

TargetRun KeptTarget::run(const TargetAddresses& addresses, TimePoint deadline,
                          const std::stop_token& stop, Story& story) {
  TargetRun run;
  is_up_ = false;
  connect_failure_.reset();
  if (addresses) {
    if (auto aimed = aim(*addresses); !aimed) run.why = aimed.error().message;
  } else {
    run.why = addresses.error().message;
    story.add(run.why);
  }
  if (!pool_) return run;
  for (Line& line : lines_) {
    const TimePoint started = Clock::now();
    ProbeResult result = run_line(line, addresses, deadline, stop);
    if (!result) {
      result.error().message = module_->pool.database->redact(
          in_setting_words(std::move(result.error().message)));
    }
    count_run(*line.probe, result, started, line.stats);
    const std::string text = told(line, result, Clock::now() - started);
    story.add(text);
    if (!result && run.why.empty()) run.why = text;
    if (decides(line)) is_up_ = result.has_value();
  }
  run.up = is_up_;
  run.well = run.why.empty();
  return run;
}

ProbeResult KeptTarget::run_line(Line& line, const TargetAddresses& addresses,
                                 TimePoint deadline,
                                 const std::stop_token& stop) {
  const bool is_connect = line.probe.get() == connect_;
  if (is_connect && !addresses) {
    connect_failure_ = addresses.error().connect_failure;
    return Unexpected(addresses.error());
  }
  Duration left = deadline - Clock::now();
  if (is_connect && lines_.size() > 1 && has_connections()) left /= 2;
  const bool is_futile =
      !is_connect && module_->options.connect && !is_up_ && !has_connections();
  if (left <= Duration::zero() || is_futile) return not_run();
  ProbeResult result = line.probe->run(std::min(left, line.most), stop);
  if (is_connect && !result) connect_failure_ = result.error().connect_failure;
  return result;
}

// Why the probes after that of the connection need not try.
ProbeResult KeptTarget::not_run() const {
  Error error;
  if (!connect_failure_) {
    error.kind = ErrorKind::kStatement;
    error.statement_failure = StatementFailure::kTimeout;
    error.message = "not run: no time was left";
    return Unexpected(std::move(error));
  }
  error.kind = ErrorKind::kAcquire;
  error.acquire_failure =
      *connect_failure_ == ConnectFailure::kTooManyConnections
          ? AcquireFailure::kServerSlots
          : AcquireFailure::kBackendDown;
  error.message = "not run: there is no connection";
  return Unexpected(std::move(error));
}

std::string KeptTarget::told(const Line& line, const ProbeResult& result,
                             Duration took) {
  std::string text = "probe " + std::string(line.probe->name());
  if (!result) {
    return text + " fails: " + std::string(result.error().reason) + ": " +
           result.error().message;
  }
  text += " succeeds, in " + milliseconds_text(took);
  if (line.probe.get() != connect_) return text;
  for (std::size_t i = 0; i < connect_->phases().size(); ++i) {
    const auto& phase = connect_->phases()[i];
    if (!phase) continue;
    text += "; " + std::string(to_string(static_cast<ConnectPhase>(i))) + " " +
            milliseconds_text(*phase);
  }
  return text;
}

void KeptTarget::tell(metrics::Sink& sink) const {
  const std::string& module = module_->name();
  sink.add(metrics::kUp, {{"pool", module}}, is_up_ ? 1 : 0);
  for (const Line& line : lines_) {
    tell_probe(sink, module, *line.probe, line.stats);
  }
  if (!pool_) return;
  // What a probe that was not run has read before would lie.
  if (succeeded(connect_)) tell_phases(sink);
  if (succeeded(slots_)) tell_slots(sink, module, slots_->slots());
  for (const CustomProbe* probe : custom_) {
    if (succeeded(probe)) tell_values(sink, module, *probe);
  }
  tell_pool(sink);
}

bool KeptTarget::succeeded(const Probe* probe) const {
  return std::ranges::any_of(lines_, [probe](const Line& line) {
    return line.probe.get() == probe && line.stats.succeeded.value_or(false);
  });
}

void KeptTarget::tell_phases(metrics::Sink& sink) const {
  for (std::size_t i = 0; i < connect_->phases().size(); ++i) {
    const auto& phase = connect_->phases()[i];
    if (!phase) continue;
    sink.add(metrics::kProbeConnectPhase,
             {{"pool", module_->name()},
              {"phase", to_string(static_cast<ConnectPhase>(i))}},
             metrics::seconds(*phase));
  }
}

void KeptTarget::tell_pool(metrics::Sink& sink) const {
  ChosenMetrics chosen(sink);
  prometheus::PoolMetrics(
      [this] {
        PoolStats stats = pool_->stats_without_queries();
        // As it was named, not once for each address.
        stats.host = target_.host;
        stats.port = std::to_string(target_.port);
        return stats;
      },
      prometheus::PoolKind::kCanary)
      .tell(chosen);
}

void KeptTarget::close(TimePoint deadline) {
  if (pool_) (void)pool_->close(deadline);
}

}  // namespace dbpool::exporter
