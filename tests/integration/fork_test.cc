// A pool in a child process says that it does not work there, and leaves the
// parent's connections alone.
#include <sys/wait.h>
#include <unistd.h>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

// Runs `check` in a child; its result is the child's exit code (0 is good).
template <typename Check>
int in_child(Check check) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(60);  // a child that hangs fails
    ::_exit(check());
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

class ForkTest : public PoolTest {};

TEST_F(ForkTest, AChildCannotUseItsParentsPool) {
  Pool pool = this->pool(quiet_options(2));
  Lease lease = must_acquire(pool);
  must_acquire(pool).release();
  EXPECT_EQ(in_child([&] {
              auto refused = pool.acquire();
              if (refused || refused.error().kind != ErrorKind::kForked) {
                return 1;
              }
              auto rows = lease->execute("SELECT 1");
              if (rows || rows.error().kind != ErrorKind::kForked) return 2;
              if (pool.stats().name != "default") return 3;
              if (!pool.connections().empty()) return 6;
              if (!pool.close(TimePoint::max()).clean()) return 4;
              if (pool.resize(1, 1)) return 5;
              if (pool.reconfigure(pool.options())) return 7;
              if (pool.retarget(pool.target())) return 8;
              return 0;
            }),
            0);
  EXPECT_EQ(select_one(lease), 1);
}

TEST_F(ForkTest, DestroyingPoolAndLeaseInAChildDisturbsNobody) {
  auto pool = std::make_unique<Pool>(this->pool(quiet_options(2)));
  auto lease = std::make_unique<Lease>(must_acquire(*pool));
  must_acquire(*pool).release();
  EXPECT_EQ(in_child([&] {
              pool.reset();
              lease.reset();
              return 0;
            }),
            0);
  EXPECT_EQ(select_one(*lease), 1);
  Lease second = must_acquire(*pool);
  EXPECT_EQ(select_one(second), 1);
  EXPECT_EQ(backends(), 2);
  EXPECT_EQ(at(pool->stats().closed_by_reason, CloseReason::kBroken), 0u);
}

TEST_F(ForkTest, AChildNeverHangsOnItsParentsLock) {
  Pool pool = this->pool(quiet_options(2));
  must_acquire(pool).release();
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) must_acquire(pool).release();
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(in_child([&] {
                if (pool.acquire()) return 1;
                return pool.stats().name == "default" ? 0 : 2;
              }),
              0);
  }
  stop = true;
  busy.join();
}

// What it keeps registered is in an epoll set that the child shares.
TEST_F(ForkTest, AChildsCopiesLeaveAsynchronousStatementsOfTheParentAlone) {
  auto context = std::make_unique<asio::io_context>();
  auto pool = std::make_unique<Pool>(this->pool(quiet_options(1)));
  auto lease = std::make_unique<Lease>(must_acquire(*pool));
  const auto select_two = [&] {
    std::string value;
    (*lease)->async_execute(
        "SELECT 2", {}, asio::bind_executor(*context, [&](auto rows) {
          value = rows ? rows->raw(0, 0) : rows.error().message;
        }));
    context->restart();
    context->run();
    return value;
  };
  EXPECT_EQ(select_two(), "2");
  EXPECT_EQ(in_child([&] {
              lease.reset();
              pool.reset();
              context.reset();
              return 0;
            }),
            0);
  EXPECT_EQ(select_two(), "2");
}

// ThreadSanitizer does not bear threads in a child of a process with threads.
#if !defined(__SANITIZE_THREAD__)
TEST_F(ForkTest, AChildMayMakeAPoolOfItsOwn) {
  Pool pool = this->pool(quiet_options(1));
  must_acquire(pool).release();
  EXPECT_EQ(in_child([&] {
              auto own = Pool::create(pool.target(), quiet_options(1));
              if (!own) return 1;
              auto lease = own->acquire();
              if (!lease) return 2;
              return (*lease)->execute("SELECT 1") ? 0 : 3;
            }),
            0);
}
#endif

}  // namespace
}  // namespace dbpool::test
