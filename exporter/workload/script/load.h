// Scripts from files, as a user names them.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_LOAD_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_LOAD_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/workload/script/script.h"

namespace dbpool::exporter::script {

inline constexpr std::size_t kMaxScripts = 50;

// Reads and parses one: a path, or builtin:NAME for tpcb-like, simple-update
// and select-only of pgbench. Blocks on the file system. The error begins with
// `path`, and where it has one the line and the command.
Result<Script> load_script(const std::string& path, std::uint32_t weight);

// Each of `given` as PATH or PATH@WEIGHT. Besides the errors of each: none has
// a weight above 0, there are more than kMaxScripts, a variable is used that
// no script sets. Names are those of the files, made distinct.
Result<std::vector<Script>> load_scripts(std::span<const std::string> given);

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_LOAD_H_
