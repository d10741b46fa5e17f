#include "tests/bench/peers/field.h"

#include <regex>
#include <string_view>
#include <utility>

namespace dbpool::bench {
namespace {

struct Contender {
  std::string name;
  std::vector<std::string> command;
  bool in_quick = false;
  bool over_unix = true;
  bool in_acquires = false;
};

// Built by CMake or by tests/bench/run.
std::string built(std::string_view name) {
  return std::string(DBPOOL_BENCH_BUILT "/") += name;
}
// A script of tests/bench/peers.
std::string script(std::string_view name) {
  return std::string(DBPOOL_BENCH_PEERS "/") += name;
}

std::string java_classes() {
  std::string path = built("hikaricp");
  for (const char* jar : {"HikariCP", "postgresql", "slf4j-api", "slf4j-nop"}) {
    path += std::string(":/usr/share/java/") + jar + ".jar";
  }
  return path;
}

std::vector<Contender> limits() {
  const std::string raw = built("dbpool_raw_loop");
  const std::string pgbench = script("pgbench/run");
  const std::string connections = std::to_string(kConnections);
  return {
      {.name = kRawLoopOne, .command = {raw, "1", "1"}, .in_quick = true},
      {.name = kRawLoopTwo, .command = {raw, "2", "1"}, .in_quick = true},
      {.name = "raw loop, 1 thread, pipelined by 5",
       .command = {raw, "1", "5"}},
      {.name = "raw loop, 2 threads, pipelined by 5",
       .command = {raw, "2", "5"}},
      {.name = "pgbench, 1 thread",
       .command = {pgbench, "1", connections, "prepared"},
       .in_quick = true},
      {.name = "pgbench, 2 threads",
       .command = {pgbench, "2", connections, "prepared"}},
  };
}

std::vector<Contender> pools() {
  const std::string own = built("dbpool_peer");
  return {
      {.name = kAsyncOne, .command = {own, "async", "1"}, .in_quick = true},
      {.name = kAsyncTwo, .command = {own, "async", "2"}, .in_quick = true},
      {.name = kPipelinedOne,
       .command = {own, "pipelined", "1"},
       .in_quick = true},
      {.name = "dbpool pipelined by 8, 2 threads",
       .command = {own, "pipelined", "2"}},
      {.name = kBlocking,
       .command = {own, "blocking"},
       .in_quick = true,
       .in_acquires = true},
      {.name = kMutexPool,
       .command = {built("dbpool_mutex_pool")},
       .in_quick = true,
       .in_acquires = true},
      {.name = kSoci, .command = {built("dbpool_soci")}, .in_acquires = true},
      {.name = "pgx", .command = {built("pgx")}, .in_acquires = true},
      {.name = kHikariCp,
       .command = {"java", "-Xmx512m", "-cp", java_classes(), "Bench"},
       .over_unix = false,
       .in_acquires = true},
      {.name = "node-postgres",
       .command = {"node", built("node_postgres/bench.js")}},
      {.name = "PgBouncer", .command = {script("pgbouncer/run")}},
  };
}

bool takes_part(const Contender& contender, Course course, bool quick) {
  if (quick && !contender.in_quick) return false;
  switch (course) {
    case Course::kUnix:
      return contender.over_unix && !quick;
    case Course::kTcp:
      return true;
    case Course::kAcquireOne:
    case Course::kAcquireMany:
      break;
  }
  return contender.in_acquires;
}

std::map<std::string, std::string> environment_of(
    Course course, const Contender& contender, const Field& field,
    const test::Postgres& postgres) {
  const bool queries = course == Course::kUnix || course == Course::kTcp;
  const bool over_unix = course != Course::kTcp && contender.over_unix;
  const int clients = queries                          ? kClients
                      : course == Course::kAcquireMany ? kThreadsOfMany
                                                       : 1;
  return {{"PGHOST", over_unix ? postgres.socket_dir() : "127.0.0.1"},
          {"PGPORT", std::to_string(postgres.port())},
          {"PGUSER", "postgres"},
          {"PGDATABASE", "postgres"},
          {"BENCH_CLIENTS", std::to_string(clients)},
          {"BENCH_CONNECTIONS", std::to_string(kConnections)},
          {"BENCH_QUERIES", queries ? "1" : "0"},
          {"BENCH_WARM_UP", field.quick ? "0.2" : "0.5"},
          {"BENCH_SECONDS", std::to_string(field.seconds)}};
}

}  // namespace

std::vector<Entry> entries_of(const Field& field,
                              const test::Postgres& postgres) {
  std::vector<Contender> contenders = limits();
  for (Contender& pool : pools()) contenders.push_back(std::move(pool));
  const std::regex only(field.only);
  std::vector<Entry> entries;
  for (const Course course : kCourses) {
    for (const Contender& contender : contenders) {
      if (!takes_part(contender, course, field.quick)) continue;
      if (!std::regex_search(contender.name, only)) continue;
      entries.push_back(
          {.course = course,
           .name = contender.name,
           .command = contender.command,
           .environment = environment_of(course, contender, field, postgres)});
    }
  }
  return entries;
}

}  // namespace dbpool::bench
