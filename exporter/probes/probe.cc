#include "exporter/probes/probe.h"

namespace dbpool::exporter {

bool is_probe_statement(std::string_view name) noexcept {
  return name.starts_with(kProbeStatements);
}

std::string_view probe_reason(const Error& error) noexcept {
  if (error.acquire_failure) return to_string(*error.acquire_failure);
  if (error.connect_failure) return to_string(*error.connect_failure);
  if (error.statement_failure == StatementFailure::kTimeout) {
    return "statement_timeout";
  }
  if (error.statement_failure) return to_string(*error.statement_failure);
  return "other";
}

}  // namespace dbpool::exporter
