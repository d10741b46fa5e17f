// Probe: one question asked of the database again and again.
#ifndef DBPOOL_EXPORTER_PROBES_PROBE_H_
#define DBPOOL_EXPORTER_PROBES_PROBE_H_

#include <cstddef>
#include <span>
#include <stop_token>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "dbpool/error.h"
#include "dbpool/options.h"

namespace dbpool::exporter {

// Of one statement of a probe, in bytes: many times what one needs, and little
// enough for a server that is asked by thousands.
inline constexpr std::size_t kLargestProbeResult = std::size_t{4} << 20;

// The label `reason` for an error: the name of its acquire or connect
// failure; statement_timeout, connection_lost or server_error for a
// statement's; else other.
std::string_view probe_reason(const Error& error) noexcept;

// Why a run failed.
struct ProbeFailure : Error {
  ProbeFailure(Error error)  // NOLINT(google-explicit-constructor)
      : Error(std::move(error)), reason(probe_reason(*this)) {}
  ProbeFailure(Error error, std::string_view its_reason)
      : Error(std::move(error)), reason(its_reason) {}

  std::string_view reason;  // the label, of static storage
};
using ProbeResult = tl::expected<void, ProbeFailure>;

// Thread-safety: run() is called by one thread at a time, the others from
// any.
class Probe {
 public:
  virtual ~Probe() = default;

  // The label `probe`.
  virtual std::string_view name() const noexcept = 0;
  // All values that the label `reason` of its failures may take, "other"
  // among them.
  virtual std::span<const std::string_view> reasons() const noexcept = 0;
  // Blocks the calling thread until the answer is there, at most `timeout`
  // and the grace that the pool gives a cancelled statement; or until `stop`:
  // then it gives up what it waits for, its connection with it.
  virtual ProbeResult run(Duration timeout, const std::stop_token& stop) = 0;
};

// How the names of the exporter's own statements begin: the label `query` of
// those that go through the pool.
inline constexpr std::string_view kProbeStatements = "probe_";
inline constexpr std::string_view kSelectProbeStatement = "probe_select_1";
inline constexpr std::string_view kServerProbeStatement = "probe_server";
inline constexpr std::string_view kDiagnosisStatement = "probe_diagnosis";
bool is_probe_statement(std::string_view name) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_PROBE_H_
