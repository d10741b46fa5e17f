// usage: dbpool_compare [--quick] [--rounds=N] [--seconds=N] [--only=REGEX]
//                       [--json=FILE]
//
// This pool beside the limits and its peers: each contender is a program that
// measures itself and prints one line. All of them run in each round, in an
// order that is drawn anew, so that what the machine does meanwhile meets all
// alike. Ends with 1 when a contender fails, or a promise is missed by more
// than noise explains.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/peers/field.h"
#include "tests/bench/peers/report.h"
#include "tests/support/child.h"
#include "tests/support/net.h"
#include "tests/support/postgres.h"

namespace dbpool::bench {
namespace {

using Json = nlohmann::json;

struct Arguments {
  Field field;
  int rounds = 5;
  std::string json;  // a path; empty: none
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const std::string value(
        equals == argument.npos ? "" : argument.substr(equals + 1));
    if (argument == "--quick") {
      arguments.field.quick = true;
      arguments.field.seconds = 1;
      arguments.rounds = 3;
    } else if (name == "--rounds") {
      arguments.rounds = std::stoi(value);
    } else if (name == "--seconds") {
      arguments.field.seconds = std::stoi(value);
    } else if (name == "--only") {
      arguments.field.only = value;
    } else if (name == "--json") {
      arguments.json = value;
    } else {
      throw std::invalid_argument(std::string(argument));
    }
  }
  if (arguments.rounds < 1 || arguments.field.seconds < 1) {
    throw std::invalid_argument("at least 1");
  }
  return arguments;
}

Json run(const Entry& entry) {
  test::ChildOptions options;
  options.program = entry.command.front();
  options.args.assign(entry.command.begin() + 1, entry.command.end());
  options.env = entry.environment;
  options.env["BENCH_FREE_PORT"] = std::to_string(test::free_port());
  const std::string output = test::run_to_end(options);
  const std::size_t line = output.rfind('{');
  if (line == output.npos) throw std::runtime_error(entry.name + ": " + output);
  return Json::parse(output.substr(line));
}

Outcome to_outcome(const Json& json) {
  Outcome outcome;
  outcome.per_second = json.at("per_second");
  outcome.cpu_ms_per_1000 = json.at("cpu_ms_per_1000");
  if (!json.at("wait_us").is_null()) {
    outcome.wait_us = json.at("wait_us").get<std::array<double, 3>>();
  }
  if (!json.at("peak_memory_kib").is_null()) {
    outcome.peak_memory_kib = json.at("peak_memory_kib").get<double>();
  }
  return outcome;
}

const char* word_for(Course course) {
  switch (course) {
    case Course::kUnix:
      return "unix";
    case Course::kTcp:
      return "tcp";
    case Course::kAcquireOne:
      return "acquire_1";
    case Course::kAcquireMany:
      break;
  }
  return "acquire_32";
}

int compare(const Arguments& arguments) {
  const test::Postgres postgres({.hba = {"host all all 127.0.0.1/32 trust"}});
  const std::vector<Entry> entries = entries_of(arguments.field, postgres);
  if (entries.empty()) throw std::runtime_error("nobody is called that");
  std::mt19937 random(std::random_device{}());
  Results results;
  Json lines = Json::array();
  for (int round = 1; round <= arguments.rounds; ++round) {
    std::vector<Entry> shuffled = entries;
    std::ranges::shuffle(shuffled, random);
    for (const Entry& entry : shuffled) {
      std::fprintf(stderr, "round %d of %d: %s, %s\n", round, arguments.rounds,
                   entry.name.c_str(), word_for(entry.course));
      Json line = run(entry);
      results[entry.course][entry.name].push_back(to_outcome(line));
      line["round"] = round;
      line["course"] = word_for(entry.course);
      line["name"] = entry.name;
      lines.push_back(std::move(line));
    }
  }
  if (!arguments.json.empty()) {
    std::ofstream(arguments.json) << lines.dump(1) << '\n';
  }
  print_tables(entries, results);
  return print_promises(results) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  dbpool::bench::Arguments arguments;
  try {
    arguments = dbpool::bench::parse(argc, argv);
  } catch (const std::exception&) {
    std::fputs(
        "usage: dbpool_compare [--quick] [--rounds=N] [--seconds=N] "
        "[--only=REGEX] [--json=FILE]\n",
        stderr);
    return 2;
  }
  try {
    return dbpool::bench::compare(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
