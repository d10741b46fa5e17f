#include "tests/alerts/rules.h"

#include "tests/support/child.h"

namespace dbpool::test {

std::string generated_rules(int time_scale) {
  ChildOptions generate;
  generate.program = DBPOOL_SOURCE_DIR "/alerts/generate";
  generate.args = {"--time-scale=" + std::to_string(time_scale)};
  return run_to_end(generate);
}

const std::set<std::string>& metrics_not_yet_there() {
  // Take out what comes.
  static const std::set<std::string> metrics = {
      "dbpool_exporter_config_last_reload_successful",
  };
  return metrics;
}

}  // namespace dbpool::test
