#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "exporter/demo/child_process.h"
#include "exporter/demo/demo_database.h"
#include "exporter/demo/demo_folder.h"
#include "exporter/demo/state_line.h"
#include "exporter/demo/swing.h"
#include "tests/support/temp_dir.h"

namespace dbpool::exporter {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Duration kPatience = seconds(60);

TEST(SwingTest, GoesFromCalmToExhaustionAndBackInAboutTwoMinutes) {
  EXPECT_EQ(swing_length(), seconds(120));
  // What 10 connections and leases of 50 ms let through.
  const double capacity = 10 / 0.050;
  EXPECT_LT(kSwing.front().rate, capacity / 2);
  EXPECT_LT(kSwing.back().rate, capacity / 2);
  bool is_exhausted_for_long = false;
  for (const SwingPhase& phase : kSwing) {
    if (phase.rate > capacity && phase.length > seconds(20)) {
      is_exhausted_for_long = true;
    }
  }
  EXPECT_TRUE(is_exhausted_for_long);
  EXPECT_TRUE(validate(demo_workload()));
}

TEST(SwingTest, RepeatsAndRunsFasterWhenTold) {
  EXPECT_EQ(swing_at(seconds(0), 1).name, "calm");
  EXPECT_EQ(swing_at(seconds(21), 1).name, "burst");
  EXPECT_EQ(swing_at(seconds(70), 1).name, "exhaustion");
  EXPECT_EQ(swing_at(seconds(119), 1).name, "recovery");
  EXPECT_EQ(swing_at(seconds(120 + 21), 1).name, "burst");
  EXPECT_EQ(swing_at(seconds(7), 10).name, "exhaustion");
}

TEST(SwingTest, SpeedComesFromTheEnvironmentWhenItIsSane) {
  const auto speed_of = [](const char* value) {
    ::setenv("DBPOOL_DEMO_SPEED", value, 1);
    const double speed = demo_speed();
    ::unsetenv("DBPOOL_DEMO_SPEED");
    return speed;
  };
  EXPECT_EQ(speed_of("12.5"), 12.5);
  for (const char* wrong : {"", "0", "-3", "101", "nan", "inf", "3x", "x"}) {
    EXPECT_EQ(speed_of(wrong), 1) << wrong;
  }
  EXPECT_EQ(demo_speed(), 1);
}

PoolStats stats_with(std::uint32_t active) {
  PoolStats stats;
  stats.max_connections = 10;
  stats.connections[static_cast<std::size_t>(ConnectionState::kActive)] =
      active;
  stats.total = active;
  return stats;
}

PoolStats waiting(WaitReason reason, std::uint32_t count) {
  PoolStats stats = stats_with(10);
  stats.waiting[static_cast<std::size_t>(reason)] = count;
  stats.waiting_total = count;
  stats.oldest_waiting_age = milliseconds(1'240);
  return stats;
}

TEST(StateLineTest, OneWordTellsTheState) {
  EXPECT_EQ(state_word(stats_with(4)), "calm");
  EXPECT_EQ(state_word(stats_with(5)), "busy");
  EXPECT_EQ(state_word(waiting(WaitReason::kCapacity, 1)), "exhausted");
  EXPECT_EQ(state_word(waiting(WaitReason::kOpening, 1)), "opening");
  EXPECT_EQ(state_word(waiting(WaitReason::kBackendDown, 1)), "down");
  EXPECT_EQ(state_word(waiting(WaitReason::kServerSlots, 1)), "no slots");
  PoolStats down = stats_with(0);
  down.backing_off = true;
  down.last_failure.seen = true;
  EXPECT_EQ(state_word(down), "down");
  down.closed = true;
  EXPECT_EQ(state_word(down), "closed");
}

TEST(StateLineTest, SaysWhoWaitsWhySinceWhenAndWhatHappened) {
  const PoolStats before = stats_with(10);
  PoolStats now = waiting(WaitReason::kCapacity, 34);
  now.acquires = 400;
  now.exhausted_time = seconds(1);
  now.wait_granted.counts[12] = 399;  // 0.5 … 1 s
  now.wait_failed.counts[15] = 1;
  now.acquire_failures[static_cast<std::size_t>(
      AcquireFailure::kTimeoutCapacity)] = 1;
  EXPECT_EQ(state_line(before, now, seconds(2)),
            "exhausted  10/10 active, 34 waiting (capacity), oldest 1.2 s — "
            "exhausted 50 %, 200 acquires/s, p99 ≤ 1.0 s, 1 failed "
            "(timeout_capacity)");
}

TEST(StateLineTest, SplitsTheQueueWhenItWaitsForSeveralThings) {
  PoolStats now = waiting(WaitReason::kCapacity, 3);
  now.waiting[static_cast<std::size_t>(WaitReason::kOpening)] = 1;
  now.waiting_total = 4;
  EXPECT_THAT(state_line(now, now, seconds(1)),
              HasSubstr("4 waiting (capacity 3, opening 1), oldest"));
  EXPECT_EQ(state_line(stats_with(1), stats_with(1), seconds(1)),
            "calm       1/10 active, none waiting — 0 acquires/s");
}

TEST(StateLineTest, TheQuantileIsTheBoundOfWhatIsNew) {
  PoolStats before = stats_with(1);
  before.wait_granted.counts[17] = 1'000;
  PoolStats now = before;
  const auto line = [&] { return state_line(before, now, seconds(1)); };
  EXPECT_THAT(line(), Not(HasSubstr("p99")));
  now.wait_granted.counts[2] = 99;
  now.wait_failed.counts[6] = 1;
  EXPECT_THAT(line(), HasSubstr("p99 ≤ 0.5 ms"));
  now.wait_failed.counts[6] = 2;
  EXPECT_THAT(line(), HasSubstr("p99 ≤ 10 ms"));
  now.wait_failed.counts.back() = 1'000;
  EXPECT_THAT(line(), HasSubstr("p99 > 60 s"));
}

void make_program(const fs::path& path) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << "#!/bin/sh\n";
  fs::permissions(path, fs::perms::owner_all);
}

TEST(FindPostgresTest, TakesTheNewestCompleteVersionThenThePath) {
  const test::TempDir dir;
  const fs::path root = dir.path() + "/versions";
  const fs::path other = dir.path() + "/other";
  EXPECT_EQ(find_postgres(root, ""), std::nullopt);
  make_program(other / "initdb");
  EXPECT_EQ(find_postgres(root, "/nowhere::" + other.string()), std::nullopt);
  make_program(other / "postgres");
  EXPECT_EQ(find_postgres(root, "/nowhere::" + other.string()), other);
  for (const char* version : {"9", "15", "16", "junk"}) {
    make_program(root / version / "bin" / "initdb");
  }
  make_program(root / "9" / "bin" / "postgres");
  make_program(root / "15" / "bin" / "postgres");
  EXPECT_EQ(find_postgres(root, other), root / "15" / "bin");
}

TEST(DemoFolderTest, IsGoneWithItsOwner) {
  const test::TempDir dir;
  fs::path path;
  {
    auto folder = DemoFolder::create(dir.path());
    ASSERT_TRUE(folder) << folder.error().message;
    path = folder->path();
    std::ofstream(path / "file") << "x";
    EXPECT_EQ(remove_demo_leftovers(dir.path(), Duration(0)), 0U);
    EXPECT_TRUE(fs::exists(path / "file"));
  }
  EXPECT_FALSE(fs::exists(path));
}

// Runs `what` in a child that is then killed, as a crash, with what it
// returned still alive.
template <typename What>
void in_a_process_that_is_killed(What what) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto alive = what();
    ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(DemoFolderTest, LeftoversOfACrashAreRemovedAndNothingElse) {
  const test::TempDir dir;
  fs::create_directory(fs::path(dir.path()) / "dbpool_other");
  fs::create_directory_symlink("/usr",
                               fs::path(dir.path()) / "dbpool_demo.symlink");
  std::ofstream(fs::path(dir.path()) / "dbpool_demo.file") << "x";
  const auto alive = DemoFolder::create(dir.path());
  ASSERT_TRUE(alive);
  in_a_process_that_is_killed([&] {
    auto folder = DemoFolder::create(dir.path());
    fs::create_directory(folder->path() / "data");
    return folder;
  });
  EXPECT_EQ(remove_demo_leftovers(dir.path(), Duration(0)), 1U);
  EXPECT_TRUE(fs::exists(alive->path()));
  EXPECT_TRUE(fs::exists(fs::path(dir.path()) / "dbpool_other"));
  EXPECT_TRUE(fs::exists(fs::path(dir.path()) / "dbpool_demo.symlink"));
  EXPECT_TRUE(fs::exists(fs::path(dir.path()) / "dbpool_demo.file"));
}

ChildCommand shell(const test::TempDir& dir, const std::string& script) {
  ChildCommand command;
  command.arguments = {"/bin/sh", "-c", script};
  command.folder = dir.path();
  command.output = STDERR_FILENO;
  command.death_signal = SIGKILL;
  return command;
}

TEST(DemoFolderTest, IsKeptWhileItsServerLives) {
  const test::TempDir dir;
  const fs::path fifo = fs::path(dir.path()) / "fifo";
  in_a_process_that_is_killed([&] {
    auto folder = DemoFolder::create(dir.path());
    // A server that outlives us, until the test writes to its pipe.
    ChildCommand command = shell(dir, "mkfifo fifo && read line < fifo");
    command.inherited = folder->server_lock();
    command.death_signal = 0;
    auto server = ChildProcess::start(command);
    while (!fs::exists(fifo)) ::usleep(1'000);
    return std::pair(std::move(folder), std::move(server));
  });
  EXPECT_EQ(remove_demo_leftovers(dir.path(), Duration(0)), 0U);
  std::ofstream(fifo) << "end" << std::endl;
  EXPECT_EQ(remove_demo_leftovers(dir.path(), kPatience), 1U);
}

TEST(ChildProcessTest, TellsHowItEnded) {
  const test::TempDir dir;
  auto exits = ChildProcess::start(shell(dir, "exit 3"));
  ASSERT_TRUE(exits);
  EXPECT_EQ(exits->wait(kPatience), 3);
  EXPECT_EQ(exits->wait(kPatience), 3);

  auto killed = ChildProcess::start(shell(dir, "exec sleep 600"));
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->wait(Duration(0)), std::nullopt);
  killed->send(SIGTERM);
  EXPECT_EQ(killed->wait(kPatience), 128 + SIGTERM);

  ChildCommand missing = shell(dir, "");
  missing.arguments = {"/nowhere/at/all"};
  auto failed = ChildProcess::start(missing);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->wait(kPatience), 127);
}

TEST(ChildProcessTest, BlocksNoSignalThatItsParentBlocks) {
  const test::TempDir dir;
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  auto child = ChildProcess::start(shell(dir, "kill -TERM $$; exit 0"));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_TRUE(child);
  EXPECT_EQ(child->wait(kPatience), 128 + SIGTERM);
}

}  // namespace
}  // namespace dbpool::exporter
