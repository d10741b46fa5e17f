// What a workload does: its statements, how it arrives, how long it holds.
//
// Thread-safety: plain values.
#ifndef DBPOOL_EXPORTER_WORKLOAD_OPTIONS_H_
#define DBPOOL_EXPORTER_WORKLOAD_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "exporter/workload/script/script.h"

namespace dbpool::exporter {

// Distinct statements of one workload: each has series of its own.
inline constexpr std::size_t kMaxWorkloadStatements = 50;
inline constexpr std::uint32_t kMaxWorkloadClients = 100'000;
inline constexpr double kMaxWorkloadRate = 1e6;  // arrivals a second
inline constexpr Duration kMaxWorkloadPause = std::chrono::hours(24);

struct WorkloadStatement {
  std::string name;  // the label `workload`; also names query and lease
  std::string sql;   // one statement without parameters

  bool operator==(const WorkloadStatement&) const = default;
};

// `name=SQL` or just SQL, which is called workload_<position from 1>. A name
// is [A-Za-z_][A-Za-z0-9_]*, at most 50 characters. Errors (kUsage): no SQL,
// a name used twice or by a probe, more than kMaxWorkloadStatements.
Expected<std::vector<WorkloadStatement>> parse_workload_statements(
    std::span<const std::string> given);

// Told of each request that the pool gave no lease, but for those that the end
// of the workload or of the pool cut short. Called on the workload's thread;
// must not throw.
using AcquireRefusal =
    std::function<void(std::string_view workload, const Error& error)>;

// Told of each run of a script that broke off for a reason of its own (an
// expression that does not compute, for example). Else as AcquireRefusal.
using ScriptFailure =
    std::function<void(std::string_view workload, std::string_view problem)>;

enum class StatementChoice : std::uint8_t { kRoundRobin, kRandom };

struct WorkloadOptions {
  // One of both, names distinct. A run of a script is a request; which one
  // is a matter of chance and weight.
  std::vector<WorkloadStatement> statements;
  std::vector<script::Script> scripts;
  // The scripts' :scale; nullopt: the count of pgbench_branches if one of
  // them is builtin, else 1.
  std::optional<std::int64_t> scale = {};
  StatementChoice choice = StatementChoice::kRoundRobin;  // of statements

  // Closed loop: this many clients, each with one request at a time and
  // `think` after it. 0 … kMaxWorkloadClients.
  std::uint32_t clients = 0;
  Duration think{0};  // 0 … kMaxWorkloadPause

  // Open loop: Poisson arrivals, this many a second on average.
  // 0 … kMaxWorkloadRate. May run beside the closed loop.
  double rate = 0;
  // Open loop: an arrival that finds this many in flight is skipped and
  // counted. 1 … kMaxWorkloadClients.
  std::uint32_t max_in_flight = 10'000;

  // A lease is kept this long from its grant, or until its statement or
  // script ends if that is later. 0 … kMaxWorkloadPause.
  Duration hold{0};

  // Seed of arrivals, choices and back-off; nullopt: std::random_device.
  std::optional<std::uint64_t> seed = {};

  bool operator==(const WorkloadOptions&) const = default;
};

// Checks every range above. An Error (kUsage) names the first field that is
// wrong, its value and what is accepted.
Expected<void> validate(const WorkloadOptions& options);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WORKLOAD_OPTIONS_H_
