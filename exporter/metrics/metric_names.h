// Every metric's name, type and help text, once. The contract with
// dashboards and alerts; labels are named in each comment.
//
// Label `pool` is on everything but dbpool_exporter_* and process_*.
#ifndef DBPOOL_EXPORTER_METRICS_METRIC_NAMES_H_
#define DBPOOL_EXPORTER_METRICS_METRIC_NAMES_H_

#include <prometheus/metric_type.h>

#include <string_view>

namespace dbpool::metrics {

struct MetricInfo {
  std::string_view name;
  ::prometheus::MetricType type;
  std::string_view help;  // one line, without backslashes
};

inline constexpr auto kCounter = ::prometheus::MetricType::Counter;
inline constexpr auto kGauge = ::prometheus::MetricType::Gauge;
inline constexpr auto kHistogram = ::prometheus::MetricType::Histogram;

// The pool now.
inline constexpr MetricInfo kTotalConnections = {
    "dbpool_total_connections", kGauge,
    "Connections of the pool in whatever state (totalConnections)."};
inline constexpr MetricInfo kIdleConnections = {
    "dbpool_idle_connections", kGauge,
    "Connections ready to be lent (idleConnections)."};
// reason
inline constexpr MetricInfo kWaitingRequests = {
    "dbpool_waiting_requests", kGauge,
    "Requests waiting for a connection now, by what they wait for; the sum "
    "is waitingRequests."};
// state
inline constexpr MetricInfo kConnections = {
    "dbpool_connections", kGauge,
    "Connections by state; the states sum to dbpool_total_connections."};
// host, port, database, user, kind
inline constexpr MetricInfo kPoolInfo = {
    "dbpool_pool_info", kGauge,
    "Where the pool connects to, value 1. kind canary: the exporter's own "
    "pool, which sees no queue inside the service; embedded: the service's "
    "pool itself."};
inline constexpr MetricInfo kMaxConnections = {
    "dbpool_max_connections", kGauge, "Limit of connections in force."};
inline constexpr MetricInfo kMinConnections = {
    "dbpool_min_connections", kGauge,
    "Floor of connections in force, kept filled."};
inline constexpr MetricInfo kMaxWaitingRequests = {
    "dbpool_max_waiting_requests", kGauge,
    "Requests that may wait at once; one more fails at once."};
inline constexpr MetricInfo kWaitingRequestsPeak = {
    "dbpool_waiting_requests_peak", kGauge,
    "Highest number of waiting requests within the last 60 s."};
inline constexpr MetricInfo kOldestWaitingRequestAge = {
    "dbpool_oldest_waiting_request_age_seconds", kGauge,
    "How long the oldest waiting request has waited; 0 when none waits."};
inline constexpr MetricInfo kOldestLeaseAge = {
    "dbpool_oldest_lease_age_seconds", kGauge,
    "How long the oldest lease has been held; 0 when there is none."};
inline constexpr MetricInfo kOverdueLeases = {
    "dbpool_overdue_leases", kGauge,
    "Leases held past the leak threshold now."};

// Integrals over time.
// reason
inline constexpr MetricInfo kWaitingSeconds = {
    "dbpool_waiting_seconds_total", kCounter,
    "Integral of dbpool_waiting_requests over time, requests still waiting "
    "included; its rate is the exact mean queue length."};
inline constexpr MetricInfo kExhaustedSeconds = {
    "dbpool_exhausted_seconds_total", kCounter,
    "Time with at least one request waiting for capacity."};
inline constexpr MetricInfo kExhaustionReports = {
    "dbpool_exhaustion_reports_total", kCounter,
    "Reports that were taken of who holds the connections while requests "
    "waited for capacity, or on demand; see /debug/pools."};
// cause
inline constexpr MetricInfo kExhaustionCause = {
    "dbpool_exhaustion_cause", kGauge,
    "Why requests wait, as the exporter judges each second: one cause is 1."};
inline constexpr MetricInfo kOfferedLoad = {
    "dbpool_offered_load_connections", kGauge,
    "Connections that would be busy on average if nobody ever waited: arrival "
    "rate by mean hold of the last minute, failed acquires included."};
inline constexpr MetricInfo kRecommendedMax = {
    "dbpool_recommended_max_connections", kGauge,
    "The fewest connections with which 99 % of acquires would wait for less "
    "than 100 ms (Erlang C), no more than the database grants; only while the "
    "cause is none or too_small."};
// state
inline constexpr MetricInfo kConnectionSeconds = {
    "dbpool_connection_seconds_total", kCounter,
    "Integral of dbpool_connections over time."};
inline constexpr MetricInfo kMaxConnectionSeconds = {
    "dbpool_max_connection_seconds_total", kCounter,
    "Integral of dbpool_max_connections over time."};

// Acquires and leases.
inline constexpr MetricInfo kAcquires = {
    "dbpool_acquires_total", kCounter,
    "Finished acquires, failed ones included."};
inline constexpr MetricInfo kAcquiresWaited = {
    "dbpool_acquires_waited_total", kCounter,
    "Finished acquires that had to queue."};
// reason
inline constexpr MetricInfo kAcquireFailures = {
    "dbpool_acquire_failures_total", kCounter, "Failed acquires, by reason."};
// outcome
inline constexpr MetricInfo kAcquireWait = {
    "dbpool_acquire_wait_seconds", kHistogram,
    "Time from the call of acquire to its end, by outcome, failed ones "
    "included."};
inline constexpr MetricInfo kLeaseDuration = {
    "dbpool_lease_duration_seconds", kHistogram, "How long leases were held."};
inline constexpr MetricInfo kLeaksSuspected = {
    "dbpool_leaks_suspected_total", kCounter,
    "Leases that were held past the leak threshold."};
inline constexpr MetricInfo kDirtyReturns = {
    "dbpool_dirty_returns_total", kCounter,
    "Leases returned inside a transaction or amid a statement."};

// Connections.
inline constexpr MetricInfo kConnectionsOpened = {
    "dbpool_connections_opened_total", kCounter,
    "Connections that the pool opened."};
// reason
inline constexpr MetricInfo kConnectionFailures = {
    "dbpool_connection_failures_total", kCounter,
    "Openings of the pool that failed, by reason."};
// reason
inline constexpr MetricInfo kConnectionsClosed = {
    "dbpool_connections_closed_total", kCounter,
    "Connections that were closed, by reason."};
inline constexpr MetricInfo kConnectDuration = {
    "dbpool_connect_duration_seconds", kHistogram,
    "How long the pool's successful openings took."};
// phase
inline constexpr MetricInfo kConnectPhaseDuration = {
    "dbpool_connect_phase_duration_seconds", kHistogram,
    "How long the phases of the pool's openings took."};

// TLS.
// certificate
inline constexpr MetricInfo kTlsCertificateExpiry = {
    "dbpool_tls_certificate_expiry_timestamp_seconds", kGauge,
    "When a certificate ends: the server's as the last opened connection saw "
    "it, the client's, the earliest CA; absent while unknown."};
// version, cipher
inline constexpr MetricInfo kTlsInfo = {
    "dbpool_tls_info", kGauge,
    "TLS of the last opened connection, value 1; absent without TLS."};

// Queries.
// query
inline constexpr MetricInfo kQueries = {
    "dbpool_queries_total", kCounter,
    "Statements run, failed ones included, by the caller's name for them."};
// query, reason
inline constexpr MetricInfo kQueryFailures = {
    "dbpool_query_failures_total", kCounter,
    "Statements that failed, by reason."};
// query
inline constexpr MetricInfo kQueryDuration = {
    "dbpool_query_duration_seconds", kHistogram,
    "Latency of statements on the wire, waiting for a connection excluded."};

// Multiplexed statements: absent where the pool has them turned off.
inline constexpr MetricInfo kPipelineDepth = {
    "dbpool_pipeline_depth", kGauge,
    "Statements that may be in flight on one connection."};
inline constexpr MetricInfo kPipelinedConnections = {
    "dbpool_pipelined_connections", kGauge,
    "Active connections that carry multiplexed statements."};
inline constexpr MetricInfo kPipelinedWaiting = {
    "dbpool_pipelined_waiting_statements", kGauge,
    "Multiplexed statements that no connection has room for yet."};
inline constexpr MetricInfo kPipelinedInFlight = {
    "dbpool_pipelined_in_flight_statements", kGauge,
    "Multiplexed statements that were sent and have not ended."};
inline constexpr MetricInfo kPipelinedConnectionSeconds = {
    "dbpool_pipelined_connection_seconds_total", kCounter,
    "Integral of dbpool_pipelined_connections over time."};
inline constexpr MetricInfo kPipelinedWaitingSeconds = {
    "dbpool_pipelined_waiting_seconds_total", kCounter,
    "Integral of dbpool_pipelined_waiting_statements over time."};
inline constexpr MetricInfo kPipelinedInFlightSeconds = {
    "dbpool_pipelined_in_flight_seconds_total", kCounter,
    "Integral of dbpool_pipelined_in_flight_statements over time."};
inline constexpr MetricInfo kPipelinedStatements = {
    "dbpool_pipelined_statements_total", kCounter,
    "Callers of multiplexed statements that were answered, however it ended."};
inline constexpr MetricInfo kPipelinedAbandoned = {
    "dbpool_pipelined_abandoned_total", kCounter,
    "Those of them that were answered while their statement ran on."};
// outcome
inline constexpr MetricInfo kPipelinedWait = {
    "dbpool_pipelined_wait_seconds", kHistogram,
    "Time from the call until the statement was sent, or failed unsent."};
inline constexpr MetricInfo kPipelinedHeadOfLine = {
    "dbpool_pipelined_head_of_line_seconds", kHistogram,
    "Time that a statement, once sent, waited for those before it; part of "
    "dbpool_query_duration_seconds."};

// Probes.
// probe
inline constexpr MetricInfo kProbes = {"dbpool_probes_total", kCounter,
                                       "Probes run, failed ones included."};
// probe, reason
inline constexpr MetricInfo kProbeFailures = {
    "dbpool_probe_failures_total", kCounter, "Probes that failed, by reason."};
// probe
inline constexpr MetricInfo kProbeSuccess = {
    "dbpool_probe_success", kGauge,
    "1 when the last run of the probe succeeded; absent before the first."};
// probe
inline constexpr MetricInfo kProbeLastSuccess = {
    "dbpool_probe_last_success_timestamp_seconds", kGauge,
    "When the probe last succeeded; absent until it did."};
// probe
inline constexpr MetricInfo kProbeDuration = {
    "dbpool_probe_duration_seconds", kHistogram,
    "How long the probe's runs took, failed ones included."};
// probe, column, and the columns that the probe has for labels
inline constexpr MetricInfo kProbeValue = {
    "dbpool_probe_value", kGauge,
    "What a custom probe last read; absent after a failed run."};
// phase; of /probe only
inline constexpr MetricInfo kProbeConnectPhase = {
    "dbpool_probe_connect_phase_seconds", kGauge,
    "How long each phase of the last connection probe took; absent after a "
    "failed run."};
inline constexpr MetricInfo kUp = {
    "dbpool_up", kGauge,
    "1 when the last connection probe reached a usable session; absent "
    "before the first."};

// The database's own slots.
inline constexpr MetricInfo kServerMaxConnections = {
    "dbpool_server_max_connections", kGauge,
    "Connection slots of the database (max_connections)."};
inline constexpr MetricInfo kServerReservedConnections = {
    "dbpool_server_reserved_connections", kGauge,
    "Slots of the database that ordinary roles may not use."};
// state
inline constexpr MetricInfo kServerConnections = {
    "dbpool_server_connections", kGauge,
    "Client sessions of the database by state; hidden: those whose state "
    "the role may not see."};

// The workload.
// workload
inline constexpr MetricInfo kWorkloadRequests = {
    "dbpool_workload_requests_total", kCounter,
    "Finished requests of the workload, failed ones included."};
// workload, reason
inline constexpr MetricInfo kWorkloadFailures = {
    "dbpool_workload_failures_total", kCounter,
    "Requests of the workload that failed, by reason."};
// workload
inline constexpr MetricInfo kWorkloadDuration = {
    "dbpool_workload_duration_seconds", kHistogram,
    "Latency of the workload's requests from their scheduled start."};
// workload
inline constexpr MetricInfo kWorkloadLag = {
    "dbpool_workload_lag_seconds", kHistogram,
    "How far behind schedule the workload's requests started."};
// workload
inline constexpr MetricInfo kWorkloadSkipped = {
    "dbpool_workload_skipped_total", kCounter,
    "Scheduled requests that were dropped at the bound of requests in "
    "flight."};

// The exporter itself.
// version, revision, libpq, compiler
inline constexpr MetricInfo kBuildInfo = {
    "dbpool_exporter_build_info", kGauge,
    "What this exporter was built from, value 1."};
inline constexpr MetricInfo kConfigReloadSuccessful = {
    "dbpool_exporter_config_last_reload_successful", kGauge,
    "1 when the configuration was good when its files were last read, as they "
    "are at the start; 0: what was read before is in force."};
inline constexpr MetricInfo kConfigReloadSuccessTime = {
    "dbpool_exporter_config_last_reload_success_timestamp_seconds", kGauge,
    "When the files of the configuration were last read and good."};
// module; only with modules
inline constexpr MetricInfo kProbeTargets = {
    "dbpool_exporter_probe_targets", kGauge,
    "Targets of /probe that are kept between requests."};
// module, outcome; only with modules
inline constexpr MetricInfo kProbeRequests = {
    "dbpool_exporter_probe_requests_total", kCounter,
    "Requests for /probe by what came of them; down: the target is, busy: a "
    "bound was reached."};
// handler, code
inline constexpr MetricInfo kHttpRequests = {
    "dbpool_exporter_http_requests_total", kCounter, "HTTP requests answered."};
// handler
inline constexpr MetricInfo kHttpRequestDuration = {
    "dbpool_exporter_http_request_duration_seconds", kHistogram,
    "How long HTTP requests took."};
inline constexpr MetricInfo kHttpRequestsInFlight = {
    "dbpool_exporter_http_requests_in_flight", kGauge,
    "HTTP requests being answered now."};

// The process: the standard names.
inline constexpr MetricInfo kProcessCpuSeconds = {
    "process_cpu_seconds_total", kCounter,
    "Total user and system CPU time spent in seconds."};
inline constexpr MetricInfo kProcessOpenFds = {
    "process_open_fds", kGauge, "Number of open file descriptors."};
inline constexpr MetricInfo kProcessMaxFds = {
    "process_max_fds", kGauge, "Maximum number of open file descriptors."};
inline constexpr MetricInfo kProcessVirtualMemory = {
    "process_virtual_memory_bytes", kGauge, "Virtual memory size in bytes."};
inline constexpr MetricInfo kProcessResidentMemory = {
    "process_resident_memory_bytes", kGauge, "Resident memory size in bytes."};
inline constexpr MetricInfo kProcessStartTime = {
    "process_start_time_seconds", kGauge,
    "Start time of the process since unix epoch in seconds."};
inline constexpr MetricInfo kProcessThreads = {
    "process_threads", kGauge, "Number of OS threads of the process."};

}  // namespace dbpool::metrics

#endif  // DBPOOL_EXPORTER_METRICS_METRIC_NAMES_H_
