// The program with next to no rights, as a careful unit of systemd runs it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/e2e/exporter.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Of /proc/PID/mountinfo those lines whose options begin with rw.
std::string writable_mounts(const std::string& mounts) {
  std::string found;
  for (const std::string& line : lines_of(mounts)) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 6; ++i) fields >> field;
    if (!field.starts_with("ro")) found += line + "\n";
  }
  return found;
}

TEST(Hardened, AnUnprivilegedRunOnAReadOnlySystemMissesNothing) {
  const std::string database =
      shared_postgres().tcp_url(shared_postgres().create_database("hardened"));
  Exporter exporter({.database_url = database,
                     .args = {"--log.level=debug"},
                     .runner = DBPOOL_HARDENED_RUN});
  const int port = exporter.port();
  const std::string process = "/proc/" + std::to_string(exporter.pid());
  EXPECT_EQ(writable_mounts(read_file(process + "/mountinfo")), "");
  const std::string status = read_file(process + "/status");
  EXPECT_THAT(status, HasSubstr("\nUid:\t65534\t65534\t65534\t65534"));
  EXPECT_THAT(status, HasSubstr("\nCapEff:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("\nCapBnd:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("\nNoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr("\nSeccomp:\t2"));

  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_up") == 1 &&
           page.value("dbpool_connections", {{"state", "idle"}}) > 0;
  }));
  const MetricsPage page = exporter.page();
  for (const char* name :
       {"process_open_fds", "process_max_fds", "process_resident_memory_bytes",
        "process_cpu_seconds_total", "process_start_time_seconds"}) {
    EXPECT_GT(page.value(name).value_or(0), 0) << name;
  }
  EXPECT_EQ(exporter.get("/health").status, 200);
  EXPECT_EQ(exporter.get("/debug/pools").status, 200);
  EXPECT_EQ(http_get(port, "/-/ready").status, 200);
  EXPECT_EQ(exporter.stop(), 0);
  EXPECT_THAT(exporter.output(), Not(HasSubstr("level=error")));
}

}  // namespace
}  // namespace dbpool::test
