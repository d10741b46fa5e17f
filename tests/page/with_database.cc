// usage: dbpool_page_stage PROGRAM [ARGUMENT]…
// Runs a program beside a private PostgreSQL with a table `stock`, which the
// program's environment names: $DATABASE_URL. It has the exporter that was
// built, too: $DBPOOL_EXPORTER_PROGRAM.

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/postgres.h"

namespace dbpool::test {
namespace {

int run(const std::vector<std::string>& command) {
  const Postgres postgres;
  postgres.sql("CREATE DATABASE orders OWNER " + std::string(kAppUser));
  postgres.sql(
      "CREATE TABLE stock AS SELECT generate_series(1, 100) AS id;"
      "GRANT ALL ON stock TO " +
          std::string(kAppUser),
      "orders");
  ChildOptions program;
  program.program = command.front();
  program.args.assign(command.begin() + 1, command.end());
  program.env = {{"DATABASE_URL", postgres.tcp_url("orders")},
                 {"DBPOOL_EXPORTER_PROGRAM", DBPOOL_EXPORTER_PROGRAM}};
  program.stdout_fd = 1;
  program.stderr_fd = 2;
  return Child(program).wait(std::chrono::minutes(30)).value_or(1);
}

}  // namespace
}  // namespace dbpool::test

int main(int count, char** arguments) {
  if (count < 2) {
    std::fputs("usage: dbpool_page_stage PROGRAM…\n", stderr);
    return 2;
  }
  try {
    return dbpool::test::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
