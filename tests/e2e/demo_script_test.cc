// exporter/demo/run, as people start it, but with the exporter that was built
// here.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// The demo promises three minutes; a busy machine may need more.
constexpr std::chrono::minutes kSwings{8};

std::string command_line(const fs::path& process) {
  std::ifstream file(process / "cmdline");
  return {std::istreambuf_iterator<char>(file), {}};
}

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
  DemoScriptTest() {
    // PostgreSQL, which does not run as root, must be able to enter.
    fs::permissions(dir_.path(), fs::perms::others_exec |
                                     fs::perms::group_exec |
                                     fs::perms::owner_all);
  }

  Process start() const {
    return Process(DBPOOL_SOURCE_DIR "/exporter/demo/run", {},
                   {{"TMPDIR", dir_.path()},
                    {"DBPOOL_EXPORTER", DBPOOL_EXPORTER_PROGRAM}});
  }

  std::set<std::string> folders() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  // The programs, by their command lines, that work in the demo's folders.
  std::set<std::string> processes() const {
    std::set<std::string> found;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const fs::path cwd = fs::read_symlink(entry.path() / "cwd", gone);
      const bool is_there = !gone && cwd.string().starts_with(dir_.path());
      const std::string command = command_line(entry.path());
      if (is_there || command.find(dir_.path()) != command.npos) {
        found.insert(command);
      }
    }
    return found;
  }

  const TempDir dir_;
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
  EXPECT_THAT(folders(), SizeIs(2));
  demo.send_signal(SIGINT);
  EXPECT_EQ(demo.wait(kLiveness), 0);
  EXPECT_THAT(folders(), IsEmpty());
  EXPECT_THAT(processes(), IsEmpty());
}

TEST_F(DemoScriptTest, EndsWhenTheExporterIsKilled) {
  Process demo = start();
  ASSERT_TRUE(is_working(demo)) << demo.output();
  const auto exporter = child_of(demo.pid(), "--demo");
  ASSERT_TRUE(exporter);
  ::kill(*exporter, SIGKILL);
  EXPECT_EQ(demo.wait(kLiveness), 128 + SIGKILL);
  // PostgreSQL ends by itself; only its folder waits for the next demo.
  EXPECT_TRUE(eventually(kLiveness, [&] { return processes().empty(); }));
  EXPECT_THAT(folders(), SizeIs(1));
}

TEST_F(DemoScriptTest, WhatAKilledOneLeavesIsRemovedByTheNext) {
  std::set<std::string> left;
  {
    Process demo = start();
    ASSERT_TRUE(is_working(demo)) << demo.output();
    demo.send_signal(SIGKILL);
    demo.wait(kLiveness);
    // What it has started ends by itself, and what it could not remove stays.
    EXPECT_TRUE(eventually(kLiveness, [&] { return processes().empty(); }));
    left = folders();
    EXPECT_THAT(left, Not(IsEmpty()));
  }
  Process demo = start();
  ASSERT_TRUE(is_working(demo)) << demo.output();
  EXPECT_THAT(folders(), SizeIs(2));
  for (const std::string& name : left) {
    EXPECT_FALSE(folders().contains(name)) << name;
  }
  demo.send_signal(SIGTERM);
  EXPECT_EQ(demo.wait(kLiveness), 0);
  EXPECT_THAT(folders(), IsEmpty());
  EXPECT_THAT(processes(), IsEmpty());
}

}  // namespace
}  // namespace dbpool::test
