#include "exporter/settings/definitions.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "exporter/base/ascii.h"

namespace dbpool::exporter {

namespace {

using Text = std::string_view;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kDayMs = 24 * kHourMs;
constexpr std::uint64_t kMonthMs = 30 * kDayMs;
constexpr std::uint64_t kMostUses = 1'000'000'000'000;
constexpr std::uint32_t kMostWaiting = 1'000'000;
constexpr std::uint64_t kMostScale = 2'147'483'647;

Refusal probe_interval(Text text, ProbeSetting& probe) {
  return parse_duration_or_off(text, milliseconds(100), hours(24),
                               probe.interval);
}

Refusal probe_timeout(Text text, ProbeSetting& probe) {
  return parse_duration(text, milliseconds(10), minutes(5), probe.timeout);
}

Refusal add_listen_address(Text text, Draft& draft) {
  auto address = parse_listen_address(text);
  if (!address) return std::move(address.error());
  draft.settings.web.listen.push_back(*std::move(address));
  return std::nullopt;
}

// Paths that are compared byte by byte and linked to from a page.
Refusal set_telemetry_path(Text text, Draft& draft) {
  const auto is_plain = [](char c) {
    return is_letter_or_digit(c) || Text("/-._~").find(c) != Text::npos;
  };
  constexpr std::array<Text, 11> kTaken = {
      "/",          "/health",       "/stats",
      "/-/healthy", "/-/ready",      "/-/reload",
      "/config",    "/debug/pools",  "/debug/report",
      "/probe",     "/probe/results"};
  constexpr std::size_t kLongest = 200;
  if (!text.starts_with('/') || text.size() > kLongest ||
      !std::all_of(text.begin(), text.end(), is_plain) ||
      std::find(kTaken.begin(), kTaken.end(), text) != kTaken.end()) {
    return "a path such as /metrics that starts with '/', of letters, digits, "
           "'/', '-', '.', '_' and '~', and not one of the other pages";
  }
  draft.settings.web.telemetry_path = text;
  return std::nullopt;
}

// clang-format off
constexpr Definition kDefinitions[] = {
    {"DB_POOL_MAX", "--db.pool-max", "N", "20", "10",
     "limit of connections",
     [](Text text, Draft& draft) {
       return parse_number(text, 1, kMaxConnectionsLimit,
                           draft.pool.options.max_connections);
     }},
    {"DB_POOL_MIN", "--db.pool-min", "N", "5", "2",
     "floor of connections, kept filled; a default above the limit is lowered "
     "to it",
     [](Text text, Draft& draft) {
       return parse_number(text, 0, kMaxConnectionsLimit,
                           draft.pool.options.min_connections);
     }},
    {"DB_IDLE_TIMEOUT_MS", "--db.idle-timeout-ms", "MS", "30000", "10000",
     "idle connections above the floor are closed after this; 0: never",
     [](Text text, Draft& draft) {
       return parse_ms_or_unlimited(text, kDayMs,
                                    draft.pool.options.idle_timeout);
     }},
    {"DB_CONNECTION_TIMEOUT_MS", "--db.connection-timeout-ms", "MS", "5000",
     "5000",
     "deadline of an acquire: queue, check and opening together",
     [](Text text, Draft& draft) {
       return parse_ms(text, 1, kHourMs, draft.pool.options.acquire_timeout);
     }},
    {"DB_MAX_USES", "--db.max-uses", "N", "7500", "unlimited",
     "a connection is recycled after this many leases; 0: never",
     [](Text text, Draft& draft) {
       return parse_number_or_unlimited(text, kMostUses,
                                        draft.pool.options.max_uses);
     }},
    {"DB_MAX_LIFETIME_MS", "--db.max-lifetime-ms", "MS", "1800000",
     "unlimited",
     "a connection is recycled at this age, jittered by 10 %; 0: never",
     [](Text text, Draft& draft) {
       return parse_ms_or_unlimited(text, kMonthMs,
                                    draft.pool.options.max_lifetime);
     }},
    {"DB_MAX_WAITING", "--db.max-waiting", "N", "10000", "10000",
     "requests that may wait at once; one more fails at once",
     [](Text text, Draft& draft) {
       return parse_number(text, 0, kMostWaiting,
                           draft.pool.options.max_waiting_requests);
     }},
    {"DB_POOL_PIPELINE", "--db.pool-pipeline", "DEPTH", "0", "0",
     "statements of the workload that share a connection, at most so many at a "
     "time, in libpq's pipeline mode; 0 or 1: each has one alone",
     [](Text text, Draft& draft) {
       return parse_number(text, 0, kMaxPipelineDepth,
                           draft.pool.options.pipeline_depth);
     }},
    {"DB_STATEMENT_TIMEOUT_MS", "--db.statement-timeout-ms", "MS", "30000",
     "30000",
     "a statement that takes longer is cancelled on the server; 0: never",
     [](Text text, Draft& draft) {
       return parse_ms_or_unlimited(text, kDayMs,
                                    draft.pool.options.statement_timeout);
     }},
    {"DB_LEAK_THRESHOLD_MS", "--db.leak-threshold-ms", "MS", "60000", "60000",
     "a lease held longer is reported with its tag; 0: never",
     [](Text text, Draft& draft) {
       return parse_ms_or_unlimited(text, kDayMs,
                                    draft.pool.options.leak_threshold);
     }},
    {"DB_DRAIN_TIMEOUT_MS", "--db.drain-timeout-ms", "MS", "30000", "30000",
     "how long a shutdown waits for leases",
     [](Text text, Draft& draft) {
       return parse_ms(text, 0, kHourMs, draft.pool.drain_timeout);
     }},
    {"DB_SSL", "--db.ssl", "BOOL", "true", "false",
     "TLS to the database",
     [](Text text, Draft& draft) { return parse_bool(text, draft.ssl); }},
    {"DB_SSL_REJECT_UNAUTHORIZED", "--db.ssl-reject-unauthorized", "BOOL",
     "true", "true",
     "verify the server's certificate and host name; false: encrypt only",
     [](Text text, Draft& draft) {
       return parse_bool(text, draft.ssl_reject_unauthorized);
     }},
    {"DB_LOG_QUERIES", "--db.log-queries", "BOOL", "false", "true",
     "log each query: text, number of parameters, duration",
     [](Text text, Draft& draft) {
       return parse_bool(text, draft.pool.log_queries);
     }},
    {"DB_LOG_CONNECTIONS", "--db.log-connections", "BOOL", "false", "false",
     "log each connection that is opened or closed; ignored in production",
     [](Text text, Draft& draft) {
       return parse_bool(text, draft.pool.log_connections);
     }},

    {"", "--probe.connect.interval", "DURATION", "15s", "15s",
     "how often a fresh connection is tried; 0: off",
     [](Text text, Draft& draft) {
       return probe_interval(text, draft.pool.probes.connect);
     }},
    {"", "--probe.connect.timeout", "DURATION", "5s", "5s",
     "deadline of that connection",
     [](Text text, Draft& draft) {
       return probe_timeout(text, draft.pool.probes.connect);
     }},
    {"", "--probe.select_1.interval", "DURATION", "1s", "1s",
     "how often a query runs through the pool; 0: off",
     [](Text text, Draft& draft) {
       return probe_interval(text, draft.pool.probes.select);
     }},
    {"", "--probe.select_1.timeout", "DURATION", "5s", "5s",
     "deadline of that query, waiting for a connection included",
     [](Text text, Draft& draft) {
       return probe_timeout(text, draft.pool.probes.select);
     }},
    {"", "--probe.select_1.sql", "SQL", "SELECT 1", "SELECT 1",
     "that query",
     [](Text text, Draft& draft) -> Refusal {
       draft.pool.probes.select_sql = text;
       return std::nullopt;
     }},
    {"", "--probe.server.interval", "DURATION", "15s", "15s",
     "how often the database's own connection slots are read; 0: off",
     [](Text text, Draft& draft) {
       return probe_interval(text, draft.pool.probes.server);
     }},
    {"", "--probe.server.timeout", "DURATION", "5s", "5s",
     "deadline of that",
     [](Text text, Draft& draft) {
       return probe_timeout(text, draft.pool.probes.server);
     }},

    {"", "--diagnosis.threshold", "DURATION", "1s", "1s",
     "a request that waits for capacity longer has an exhaustion report taken; "
     "0: off",
     [](Text text, Draft& draft) {
       return parse_duration_or_off(text, milliseconds(10), hours(1),
                                    draft.pool.diagnosis.threshold);
     }},
    {"", "--diagnosis.timeout", "DURATION", "2s", "2s",
     "deadline of what a report asks the database",
     [](Text text, Draft& draft) {
       return parse_duration(text, milliseconds(10), minutes(1),
                             draft.pool.diagnosis.timeout);
     }},

    {"", "--workload.sql", "[NAME=]SQL", "", "",
     "a statement of the workload, may be repeated (default SELECT 1)",
     [](Text text, Draft& draft) -> Refusal {
       draft.workload_sql.emplace_back(text);
       return std::nullopt;
     },
     true},
    {"", "--workload.script", "FILE[@WEIGHT]", "", "",
     "a transaction of the workload in pgbench's language, or "
     "builtin:tpcb-like, builtin:simple-update, builtin:select-only; may be "
     "repeated, each drawn by its weight (default 1)",
     [](Text text, Draft& draft) -> Refusal {
       draft.workload_scripts.emplace_back(text);
       return std::nullopt;
     },
     true},
    {"", "--workload.scale", "N", "", "",
     "the scripts' :scale (default 1; with a builtin one the number of rows of "
     "pgbench_branches)",
     [](Text text, Draft& draft) {
       std::uint64_t scale = 0;
       Refusal refusal = parse_number(text, 1, kMostScale, scale);
       if (!refusal) draft.workload.scale = static_cast<std::int64_t>(scale);
       return refusal;
     }},
    {"", "--workload.clients", "N", "", "",
     "closed loop: this many clients, one request at a time each",
     [](Text text, Draft& draft) {
       return parse_number(text, 1, kMaxWorkloadClients,
                           draft.workload.clients);
     }},
    {"", "--workload.think", "DURATION", "0", "0",
     "closed loop: pause of a client after a request",
     [](Text text, Draft& draft) {
       return parse_duration(text, Duration(0), kMaxWorkloadPause,
                             draft.workload.think);
     }},
    {"", "--workload.rate", "R", "", "",
     "open loop: requests a second on average, with Poisson arrivals",
     [](Text text, Draft& draft) {
       return parse_rate(text, kMaxWorkloadRate, draft.workload.rate);
     }},
    {"", "--workload.max-in-flight", "N", "10000", "10000",
     "open loop: an arrival beyond this many is skipped and counted",
     [](Text text, Draft& draft) {
       return parse_number(text, 1, kMaxWorkloadClients,
                           draft.workload.max_in_flight);
     }},
    {"", "--workload.hold", "DURATION", "0", "0",
     "how long each request keeps its connection",
     [](Text text, Draft& draft) {
       return parse_duration(text, Duration(0), kMaxWorkloadPause,
                             draft.workload.hold);
     }},

    {"", "--web.listen-address", "[HOST]:PORT", ":10187", ":10187",
     "where to serve HTTP, may be repeated; without HOST on all IPv4 addresses",
     add_listen_address, true},
    {"", "--web.telemetry-path", "PATH", "/metrics", "/metrics",
     "the page of the metrics", set_telemetry_path},
    {"", "--web.config.file", "FILE", "", "",
     "TLS, passwords and headers, in the format of Prometheus' exporters",
     [](Text text, Draft& draft) -> Refusal {
       draft.settings.web.config_file = text;
       return std::nullopt;
     }},
    {"", "--web.enable-compression", "BOOL", "false", "false",
     "answer scrapes in gzip where the client accepts it; the flag alone means "
     "true",
     [](Text text, Draft& draft) {
       return parse_bool(text, draft.settings.web.enable_compression);
     },
     false, true},
    {"", "--web.enable-lifecycle", "BOOL", "false", "false",
     "let POST /-/reload reload the settings, as SIGHUP does; the flag alone "
     "means true",
     [](Text text, Draft& draft) {
       return parse_bool(text, draft.settings.web.enable_lifecycle);
     },
     false, true},
    {"", "--web.max-requests", "N", "40", "40",
     "requests answered at once; more get 503, health checks excepted",
     [](Text text, Draft& draft) {
       return parse_number(text, 1, std::uint32_t{1000},
                           draft.settings.web.max_requests);
     }},

    {"", "--debug.dumpable", "BOOL", "false", "false",
     "allow core dumps and debuggers, which see passwords",
     [](Text text, Draft& draft) {
       return parse_bool(text, draft.settings.dumpable);
     }},

    {"", "--log.level", "LEVEL", "info", "info",
     "debug, info, warn or error",
     [](Text text, Draft& draft) {
       return parse_word<LogLevel>(text, {{"debug", LogLevel::kDebug},
                                          {"info", LogLevel::kInfo},
                                          {"warn", LogLevel::kWarn},
                                          {"error", LogLevel::kError}},
                                   draft.settings.log.level);
     }},
    {"", "--log.format", "FORMAT", "logfmt", "logfmt",
     "logfmt or json",
     [](Text text, Draft& draft) {
       return parse_word<LogFormat>(text, {{"logfmt", LogFormat::kLogfmt},
                                           {"json", LogFormat::kJson}},
                                    draft.settings.log.format);
     }},
};
// clang-format on

}  // namespace

bool Definition::is_of_pool() const noexcept {
  constexpr std::array<Text, 4> kGroups = {"--db.", "--probe.", "--diagnosis.",
                                           "--workload."};
  return std::ranges::any_of(
      kGroups, [this](Text group) { return flag.starts_with(group); });
}

std::string Definition::file_key() const {
  constexpr Text kOfPool = "--db.";
  std::string name(flag.substr(flag.starts_with(kOfPool) ? kOfPool.size() : 2));
  std::ranges::replace(name, '-', '_');
  return name;
}

std::span<const Definition> definitions() { return kDefinitions; }

}  // namespace dbpool::exporter
