#include "exporter/process_metrics.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "exporter/build_info.h"
#include "exporter/http/text_format.h"
#include "tests/support/temp_dir.h"

namespace dbpool::exporter {
namespace {

std::map<std::string, double> values(const ProcessCollector& collector) {
  std::map<std::string, double> result;
  for (const auto& family : collector.Collect()) {
    const auto& metric = family.metric.at(0);
    result[family.name] = family.type == ::prometheus::MetricType::Counter
                              ? metric.counter.value
                              : metric.gauge.value;
  }
  return result;
}

TEST(ProcessMetrics, TellOfThisProcess) {
  auto seen = values(ProcessCollector());
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
  const ProcessCollector collector;
  const double before = values(collector)["process_open_fds"];
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(values(collector)["process_open_fds"], before + 1);
  ::close(fd);
  EXPECT_EQ(values(collector)["process_open_fds"], before);
}

TEST(ProcessMetrics, ANameWithBlanksAndParenthesesDoesNotShiftTheFields) {
  const test::TempDir proc;
  std::filesystem::create_directories(proc.path() + "/self/fd");
  std::string stat = "7 (a) b (c) S";
  for (int i = 4; i <= 52; ++i) stat += " " + std::to_string(i * 1000);
  test::write_file(proc.path() + "/self/stat", stat + "\n");
  test::write_file(proc.path() + "/stat", "cpu 1 2 3\nbtime 1700000000\n");
  auto seen = values(ProcessCollector(proc.path()));
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_EQ(seen["process_cpu_seconds_total"], 29'000 / ticks);
  EXPECT_EQ(seen["process_threads"], 20'000);
  EXPECT_EQ(seen["process_start_time_seconds"], 1.7e9 + 22'000 / ticks);
  EXPECT_EQ(seen["process_virtual_memory_bytes"], 23'000);
  EXPECT_EQ(seen["process_resident_memory_bytes"],
            24'000.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
}

TEST(ProcessMetrics, WhatCannotBeReadIsLeftOut) {
  const auto seen = values(ProcessCollector("/nonexistent"));
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen.count("process_max_fds"), 1U);
}

TEST(BuildInfo, IsOneSeriesWithItsLabels) {
  const std::string page = to_prometheus_text(BuildInfoCollector().Collect());
  EXPECT_THAT(page, testing::ContainsRegex(
                        "\ndbpool_exporter_build_info.version=\"[0-9.]+\","
                        "revision=\"[0-9a-z]+\",libpq=\"[0-9.]+\","
                        "compiler=\"[^\"]+\". 1\n"));
}

}  // namespace
}  // namespace dbpool::exporter
