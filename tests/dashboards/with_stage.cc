// usage: dbpool_dashboards_stage SPEED SECONDS PROGRAM [ARGUMENT]…
// Runs a program while the stage of the dashboards' tests stands: once it has
// stood for so long at that speed of the demo, as soon as the demo's pool is
// exhausted, which is when the dashboards have most to tell. The program's
// environment says where: $DBPOOL_PROMETHEUS, $DBPOOL_LOAD_SECONDS,
// $DBPOOL_DEMO_INSTANCE.

#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/dashboards/stage.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

constexpr std::chrono::minutes kSwings{5};

std::map<std::string, std::string> environment(const DashboardStage& stage) {
  return {{"DBPOOL_PROMETHEUS",
           "http://127.0.0.1:" + std::to_string(stage.prometheus().port())},
          {"DBPOOL_LOAD_SECONDS", std::to_string(stage.age().count())},
          {"DBPOOL_DEMO_INSTANCE", std::string(kDemoInstance)}};
}

// A word that is a positive whole number and nothing else.
std::optional<int> number(const std::vector<std::string>& words,
                          std::size_t index) {
  if (index >= words.size()) return std::nullopt;
  const std::string& word = words[index];
  int value = 0;
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), value);
  const bool is_good =
      error == std::errc() && value > 0 && end == word.data() + word.size();
  return is_good ? std::optional(value) : std::nullopt;
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
  const auto speed = dbpool::test::number(words, 0);
  const auto seconds = dbpool::test::number(words, 1);
  if (words.size() < 3 || !speed || !seconds) {
    std::fputs("usage: dbpool_dashboards_stage SPEED SECONDS PROGRAM…\n",
               stderr);
    return 2;
  }
  try {
    return dbpool::test::run(*speed, *seconds,
                             {words.begin() + 2, words.end()});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
