// exporter/demo/run, as people start it, but with the exporter that was built
// here.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "tests/e2e/demo_dir.h"
#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// The demo promises three minutes; a busy machine may need more.
constexpr std::chrono::minutes kSwings{8};

pid_t parent_of(const fs::path& process) {
  std::ifstream file(process / "status");
  for (std::string word; file >> word;) {
    pid_t parent = 0;
    if (word == "PPid:" && file >> parent) return parent;
  }
  return 0;
}

// The child whose command line has this argument.
std::optional<pid_t> child_of(pid_t parent, const std::string& argument) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string command = command_line(entry.path());
    if (parent_of(entry.path()) == parent &&
        command.find('\0' + argument + '\0') != command.npos) {
      return std::stoi(entry.path().filename());
    }
  }
  return std::nullopt;
}

class DemoScriptTest : public testing::Test {
 protected:
  Process start() const {
    return Process(DBPOOL_SOURCE_DIR "/exporter/demo/run", {},
                   {{"TMPDIR", dir_.path()},
                    {"DBPOOL_EXPORTER", DBPOOL_EXPORTER_PROGRAM}});
  }

  const DemoDir dir_;
};

bool is_working(Process& demo) {
  return demo.wait_for_line("active, none waiting", kSwings).has_value();
}

TEST_F(DemoScriptTest, TellsThatThePoolIsExhaustedAndThatItIsOver) {
  Process demo = start();
  const std::string time = "^[0-9]{2}:[0-9]{2}:[0-9]{2}  ";
  EXPECT_TRUE(demo.wait_for_line("Alertmanager: +http://127", kSwings));
  EXPECT_TRUE(demo.wait_for_line(time + "ALERT +DbpoolExhausted$", kSwings))
      << demo.output();
  EXPECT_TRUE(demo.wait_for_line(time + "RESOLVED +DbpoolExhausted$", kSwings))
      << demo.output();
  EXPECT_THAT(dir_.folders(), SizeIs(2));
  demo.send_signal(SIGINT);
  EXPECT_EQ(demo.wait(kLiveness), 0);
  EXPECT_THAT(dir_.folders(), IsEmpty());
  EXPECT_THAT(dir_.processes(), IsEmpty());
}

TEST_F(DemoScriptTest, EndsWhenTheExporterIsKilled) {
  Process demo = start();
  ASSERT_TRUE(is_working(demo)) << demo.output();
  const auto exporter = child_of(demo.pid(), "--demo");
  ASSERT_TRUE(exporter);
  ::kill(*exporter, SIGKILL);
  EXPECT_EQ(demo.wait(kLiveness), 128 + SIGKILL);
  // PostgreSQL ends by itself; only its folder waits for the next demo.
  EXPECT_TRUE(eventually(kLiveness, [&] { return dir_.processes().empty(); }));
  EXPECT_THAT(dir_.folders(), SizeIs(1));
}

TEST_F(DemoScriptTest, WhatAKilledOneLeavesIsRemovedByTheNext) {
  std::set<std::string> left;
  {
    Process demo = start();
    ASSERT_TRUE(is_working(demo)) << demo.output();
    demo.send_signal(SIGKILL);
    demo.wait(kLiveness);
    // What it has started ends by itself, and what it could not remove stays.
    EXPECT_TRUE(
        eventually(kLiveness, [&] { return dir_.processes().empty(); }));
    left = dir_.folders();
    EXPECT_THAT(left, Not(IsEmpty()));
  }
  Process demo = start();
  ASSERT_TRUE(is_working(demo)) << demo.output();
  EXPECT_THAT(dir_.folders(), SizeIs(2));
  for (const std::string& name : left) {
    EXPECT_FALSE(dir_.folders().contains(name)) << name;
  }
  demo.send_signal(SIGTERM);
  EXPECT_EQ(demo.wait(kLiveness), 0);
  EXPECT_THAT(dir_.folders(), IsEmpty());
  EXPECT_THAT(dir_.processes(), IsEmpty());
}

}  // namespace
}  // namespace dbpool::test
