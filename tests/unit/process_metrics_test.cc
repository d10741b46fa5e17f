#include "exporter/metrics/process_metrics.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <thread>

#include "exporter/build_info.h"
#include "exporter/metrics/family_sink.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/text_of.h"

namespace dbpool::exporter {
namespace {

std::map<std::string, double> values(const ProcessMetrics& source) {
  std::map<std::string, double> result;
  for (const auto& family : metrics::families_of(source)) {
    const auto& metric = family.metric.at(0);
    result[family.name] = family.type == ::prometheus::MetricType::Counter
                              ? metric.counter.value
                              : metric.gauge.value;
  }
  return result;
}

TEST(ProcessMetrics, TellOfThisProcess) {
  auto seen = values(ProcessMetrics());
  ASSERT_EQ(seen.size(), 7U);
  EXPECT_GT(seen["process_resident_memory_bytes"], 1e6);
  EXPECT_GE(seen["process_virtual_memory_bytes"],
            seen["process_resident_memory_bytes"]);
  EXPECT_GE(seen["process_threads"], 1);
  EXPECT_GE(seen["process_max_fds"], seen["process_open_fds"]);
  EXPECT_GE(seen["process_cpu_seconds_total"], 0);
  const double now = std::chrono::duration<double>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  EXPECT_GT(seen["process_start_time_seconds"], now - 86'400);
  EXPECT_LT(seen["process_start_time_seconds"], now + 60);
}

TEST(ProcessMetrics, CountDescriptorsAsTheyAre) {
  const ProcessMetrics source;
  const double before = values(source)["process_open_fds"];
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(values(source)["process_open_fds"], before + 1);
  ::close(fd);
  EXPECT_EQ(values(source)["process_open_fds"], before);
}

TEST(ProcessMetrics, CountThreadsAsTheyAre) {
  const ProcessMetrics source;
  std::thread([] {}).join();  // a sanitizer has a thread of its own from now on
  const double before = values(source)["process_threads"];
  std::promise<void> seen;
  std::thread other([&] { seen.get_future().wait(); });
  EXPECT_EQ(values(source)["process_threads"], before + 1);
  seen.set_value();
  other.join();
}

TEST(ProcessMetrics, ANameWithBlanksAndParenthesesDoesNotShiftTheFields) {
  const test::TempDir proc;
  std::filesystem::create_directories(proc.path() + "/self/fd");
  std::string stat = "7 (a) b (c) S";
  for (int i = 4; i <= 52; ++i) stat += " " + std::to_string(i * 1000);
  test::write_file(proc.path() + "/self/stat", stat + "\n");
  test::write_file(proc.path() + "/self/statm", "23 7 1 1 0 5 0\n");
  test::write_file(proc.path() + "/stat", "cpu 1 2 3\nbtime 1700000000\n");
  auto seen = values(ProcessMetrics(proc.path()));
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(seen["process_start_time_seconds"], 1.7e9 + 22'000 / ticks);
  EXPECT_EQ(seen["process_virtual_memory_bytes"], 23 * page);
  EXPECT_EQ(seen["process_resident_memory_bytes"], 7 * page);
}

TEST(ProcessMetrics, WhatCannotBeReadIsLeftOut) {
  const auto seen = values(ProcessMetrics("/nonexistent"));
  EXPECT_THAT(seen, testing::UnorderedElementsAre(
                        testing::Key("process_cpu_seconds_total"),
                        testing::Key("process_max_fds")));
}

TEST(BuildInfo, IsOneSeriesWithItsLabels) {
  const std::string page = test::text_of(BuildInfoMetrics());
  EXPECT_THAT(page, testing::ContainsRegex(
                        "\ndbpool_exporter_build_info.version=\"[0-9.]+\","
                        "revision=\"[0-9a-z]+\",libpq=\"[0-9.]+\","
                        "compiler=\"[^\"]+\". 1\n"));
}

}  // namespace
}  // namespace dbpool::exporter
