// The scripts that pgbench brings along.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_BUILTIN_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_BUILTIN_H_

#include <optional>
#include <string_view>

namespace dbpool::exporter::script {

// By its whole name: tpcb-like, simple-update, select-only.
std::optional<std::string_view> builtin_script(std::string_view name) noexcept;

// With commas between them.
std::string_view builtin_names() noexcept;

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_BUILTIN_H_
