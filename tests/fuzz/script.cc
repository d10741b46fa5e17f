// Scripts of pgbench: whatever a file holds is refused with a line, or runs to
// its end, which each script has.

#include "exporter/workload/script/script.h"

#include <string>

#include "exporter/workload/script/run.h"
#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {
namespace {

using exporter::script::parse_commands;
using exporter::script::Random;
using exporter::script::Run;
using exporter::script::Script;
using exporter::script::Variables;

// "7: \set: …"
void require_line(const std::string& refusal) {
  const auto digits = refusal.find_first_not_of("0123456789");
  require(digits != 0 && digits != refusal.npos && refusal[digits] == ':',
          "a refusal begins with a line", refusal);
  require_one_line(refusal);
}

void check(std::string_view text) {
  auto commands = parse_commands("fuzz", text);
  if (!commands) {
    require_line(commands.error());
    return;
  }
  const Script script{
      .name = "fuzz", .file = "fuzz.sql", .commands = *std::move(commands)};
  Variables variables({.client_id = 1});
  Random random(1);
  Run run(script, variables, random);
  for (std::size_t steps = 0;; ++steps) {
    require(steps <= script.commands.size(), "no command runs twice", text);
    const auto step = run.next();
    if (!step) {
      require(step.error().starts_with("fuzz.sql:"), "an error has its file",
              step.error());
      return;
    }
    if (std::holds_alternative<Run::End>(*step)) return;
    if (const auto* pause = std::get_if<Run::Pause>(&*step)) {
      require(pause->length >= Duration::zero(), "no pause is negative", text);
      continue;
    }
    const auto& query = std::get<Run::Query>(*step);
    require(!query.sql.empty(), "a statement has a text", text);
    if (!run.take(Rows())) return;  // \gset wants one
  }
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  dbpool::fuzz::check(dbpool::fuzz::view(data, size));
  return 0;
}
