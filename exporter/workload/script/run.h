// Run: one pass through a script, without I/O: it says what is to be done
// next, and is told what came of it.
//
// A statement without variables is the same text each time, and worth
// preparing; in others the variables are written into the text as pgbench
// does by default: as parameters they would take their types from where they
// stand, and `SELECT :a / 4` or ':a days' would mean something else.
//
// Thread-safety: none.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_RUN_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_RUN_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "dbpool/options.h"
#include "dbpool/result.h"
#include "exporter/workload/script/script.h"

namespace dbpool::exporter::script {

class Run {
 public:
  struct End {};
  struct Query {
    std::string_view name;
    std::string sql;
    bool prepare = false;
  };
  struct Pause {
    Duration length{0};
  };
  using Step = std::variant<End, Query, Pause>;

  // All must outlive it.
  Run(const Script& script, Variables& variables, Random& random)
      : script_(script), variables_(variables), random_(random) {}

  // Computes up to the next thing that takes time. The error, of a command
  // that does not work with the values it meets, begins with file and line.
  Result<Step> next();
  // The rows of the Query that came last.
  Result<void> take(const Rows& rows);
  // The error `message` of the command that came last.
  std::string at_command(std::string_view message) const;

 private:
  Result<void> set(const SetCommand& command);
  Result<Step> pause(const SleepCommand& command) const;
  Query query(const SqlCommand& command) const;

  const Script& script_;
  Variables& variables_;
  Random& random_;
  std::size_t at_ = 0;       // the next command
  std::size_t current_ = 0;  // the last one
};

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_RUN_H_
