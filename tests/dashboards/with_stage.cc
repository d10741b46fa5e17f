// usage: dbpool_dashboards_stage SPEED SECONDS PROGRAM [ARGUMENT]…
// Runs a program while the stage of the dashboards' tests stands: once it has
// stood for so long at that speed of the demo, as soon as the demo's pool is
// exhausted, which is when the dashboards have most to tell. The program's
// environment says where: $DBPOOL_PROMETHEUS, $DBPOOL_LOAD_SECONDS,
// $DBPOOL_DEMO_INSTANCE, and in $DBPOOL_NOT_YET_THERE, separated by commas, the
// metrics to excuse.

#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/alerts/rules.h"
#include "tests/dashboards/stage.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

constexpr std::chrono::minutes kSwings{5};

std::map<std::string, std::string> environment(const DashboardStage& stage) {
  std::string excused;
  for (const std::string& metric : metrics_not_yet_there()) {
    excused += metric + ",";
  }
  return {{"DBPOOL_PROMETHEUS",
           "http://127.0.0.1:" + std::to_string(stage.prometheus().port())},
          {"DBPOOL_LOAD_SECONDS", std::to_string(stage.age().count())},
          {"DBPOOL_DEMO_INSTANCE", std::string(kDemoInstance)},
          {"DBPOOL_NOT_YET_THERE", excused}};
}

int run(int speed, int seconds, const std::vector<std::string>& command) {
  const DashboardStage stage(speed);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  if (!eventually(
          kSwings, [&stage] { return stage.demo_is_exhausted(); },
          std::chrono::milliseconds(500))) {
    throw std::runtime_error("the demo's pool is never exhausted");
  }
  ChildOptions program;
  program.program = command.front();
  program.args.assign(command.begin() + 1, command.end());
  program.env = environment(stage);
  program.stdout_fd = 1;
  program.stderr_fd = 2;
  return Child(program).wait(std::chrono::minutes(30)).value_or(1);
}

}  // namespace
}  // namespace dbpool::test

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() < 3) {
    std::fputs("usage: dbpool_dashboards_stage SPEED SECONDS PROGRAM…\n",
               stderr);
    return 2;
  }
  try {
    return dbpool::test::run(std::stoi(words[0]), std::stoi(words[1]),
                             {words.begin() + 2, words.end()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
