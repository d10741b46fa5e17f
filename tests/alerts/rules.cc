#include "tests/alerts/rules.h"

#include "tests/support/child.h"

namespace dbpool::test {

std::string generated_rules(int time_scale) {
  ChildOptions generate;
  generate.program = DBPOOL_SOURCE_DIR "/alerts/generate";
  generate.args = {"--time-scale=" + std::to_string(time_scale)};
  return run_to_end(generate);
}

}  // namespace dbpool::test
