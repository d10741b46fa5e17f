// Statements of many callers on shared connections, against a real server.
#include <gmock/gmock.h>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

using testing::HasSubstr;
using Future = std::future<Expected<Rows>>;

PoolOptions shared_options(std::uint32_t max_connections,
                           std::uint32_t depth = 8) {
  PoolOptions options = quiet_options(max_connections);
  options.pipeline_depth = depth;
  // Long enough for a test to say what waits behind what.
  options.pipeline_budget = kPatience;
  return options;
}

class MultiplexTest : public PoolTest {
 protected:
  static Future run(Pool& pool, const Statement& statement, Params params = {},
                    const ExecuteOptions& options = {}) {
    return pool.async_execute(statement, std::move(params), options,
                              asio::use_future);
  }
  static ExecuteOptions within(Duration timeout) {
    ExecuteOptions options;
    options.timeout = timeout;
    return options;
  }
  // A statement that runs until release() is called.
  static Future run_long(Pool& pool, const ExecuteOptions& options = {}) {
    return run(pool,
               {"long",
                "SELECT 1 FROM (SELECT pg_advisory_lock(1), "
                "pg_advisory_unlock(1)) AS held"},
               {}, options);
  }
  static bool in_flight(Pool& pool, std::uint32_t count) {
    return eventually(kPatience, [&] {
      const MultiplexStats stats = pool.stats().multiplex;
      return stats.in_flight == count && stats.waiting == 0;
    });
  }
  // Holds the lock that long statements wait for.
  Lease hold(Pool& locks) {
    Lease lease = must_acquire(locks);
    EXPECT_TRUE(lease->execute("SELECT pg_advisory_lock(1)"));
    return lease;
  }
  static void let_go(Lease& lease) {
    EXPECT_TRUE(lease->execute("SELECT pg_advisory_unlock(1)"));
    lease.release();
  }
  static int number(Future& future) {
    auto rows = future.get();
    if (!rows) throw std::runtime_error(rows.error().message);
    return rows->get<int>(0, 0).value();
  }
};

TEST_F(MultiplexTest, ManyCallersShareOneConnection) {
  Pool pool = this->pool(shared_options(1));
  std::vector<Future> futures;
  for (int i = 0; i < 100; ++i) {
    futures.push_back(run(pool, {"nonce", "SELECT $1::int"}, {i}));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(number(futures[static_cast<std::size_t>(i)]), i);
  }
  // Counted at the end of the thread's round, after the answers.
  ASSERT_TRUE(eventually(
      kPatience, [&] { return pool.stats().multiplex.answered == 100; }));
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.opened, 1u);
  EXPECT_EQ(stats.multiplex.in_flight, 0u);
  EXPECT_EQ(stats.multiplex.wait_sent.count(), 100u);
  EXPECT_EQ(stats.multiplex.head_of_line.count(), 100u);
  EXPECT_EQ(stats.queries.at(0).total, 100u);
  EXPECT_EQ(stats.dirty_returns, 0u);
  EXPECT_TRUE(eventually(kPatience, [&] {
    return at(pool.stats().connections, ConnectionState::kIdle) == 1;
  }));
  Lease lease = must_acquire(pool);
  EXPECT_EQ(select_one(lease), 1) << "it left the pipeline";
}

TEST_F(MultiplexTest, AnErrorTouchesNobodyElse) {
  Pool pool = this->pool(shared_options(1));
  std::vector<Future> futures;
  for (int i = 0; i < 60; ++i) {
    const char* const sql = i % 3 == 0   ? "SELECT 1 / $1::int - 1"
                            : i % 3 == 1 ? "SELECT $1::int"
                                         : "SELEC $1";
    futures.push_back(run(pool, sql, {i % 3}));
  }
  for (std::size_t i = 0; i < futures.size(); ++i) {
    auto rows = futures[i].get();
    ASSERT_EQ(rows.has_value(), i % 3 == 1) << i;
    if (rows) {
      EXPECT_EQ(rows->get<int>(0, 0).value(), 1);
      continue;
    }
    EXPECT_EQ(rows.error().outcome, Outcome::kFailed);
    EXPECT_EQ(rows.error().sqlstate, i % 3 == 0 ? "22012" : "42601");
  }
  EXPECT_EQ(pool.stats().opened, 1u);
}

TEST_F(MultiplexTest, EachStatementIsATransactionOfItsOwn) {
  server_.sql(
      "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)",
      database_);
  Pool pool = this->pool(shared_options(1));
  Future first = run(pool, "INSERT INTO t VALUES (1)");
  Future twice = run(pool, "INSERT INTO t VALUES (1)");  // fails as it commits
  Future second = run(pool, "INSERT INTO t VALUES (2)");
  EXPECT_TRUE(first.get());
  const auto refused = twice.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "23505");
  EXPECT_TRUE(second.get());
  Future count = run(pool, "SELECT count(*)::int FROM t");
  EXPECT_EQ(number(count), 2);
}

TEST_F(MultiplexTest, WhoIsPastTheirTimeIsAnsweredAndTheOthersGoOn) {
  Pool locks = this->pool(quiet_options(1));
  Pool pool = this->pool(shared_options(1));
  Lease lock = hold(locks);
  Future late = run_long(pool, within(milliseconds(50)));
  ASSERT_TRUE(in_flight(pool, 1));
  Future behind = run(pool, "SELECT 7");
  const auto timed_out = late.get();
  ASSERT_FALSE(timed_out);
  EXPECT_EQ(timed_out.error().statement_failure, StatementFailure::kTimeout);
  EXPECT_EQ(timed_out.error().outcome, Outcome::kInDoubt);
  let_go(lock);
  EXPECT_EQ(number(behind), 7);
  EXPECT_EQ(pool.stats().opened, 1u);
}

TEST_F(MultiplexTest,
       PastItsGraceTheConnectionIsClosedAndNeighboursAreInDoubt) {
  Pool locks = this->pool(quiet_options(1));
  PoolOptions options = shared_options(1);
  options.cancel_grace = milliseconds(50);
  options.close_timeout = milliseconds(1);
  Pool pool = this->pool(options);
  Lease lock = hold(locks);
  Future late = run_long(pool, within(milliseconds(500)));
  Future behind = run(pool, "SELECT 7");
  EXPECT_FALSE(late.get());
  const auto neighbour = behind.get();
  ASSERT_FALSE(neighbour);
  EXPECT_EQ(neighbour.error().statement_failure,
            StatementFailure::kConnectionLost);
  EXPECT_EQ(neighbour.error().outcome, Outcome::kInDoubt);
  Future next = run(pool, "SELECT 8");
  EXPECT_EQ(number(next), 8);
  EXPECT_EQ(pool.stats().opened, 2u);
  let_go(lock);
}

TEST_F(MultiplexTest, ACallerThatGivesUpIsAnsweredAtOnce) {
  Pool locks = this->pool(quiet_options(1));
  Pool pool = this->pool(shared_options(1));
  Lease lock = hold(locks);
  asio::io_context context;
  asio::cancellation_signal signal;
  std::optional<Expected<Rows>> result;
  pool.async_execute(
      "SELECT 1 FROM (SELECT pg_advisory_lock(1), pg_advisory_unlock(1)) AS l",
      {},
      asio::bind_cancellation_slot(
          signal.slot(), asio::bind_executor(context, [&](Expected<Rows> rows) {
            result = std::move(rows);
          })));
  ASSERT_TRUE(in_flight(pool, 1));
  Future behind = run(pool, "SELECT 7");
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  ASSERT_TRUE(result && !*result);
  EXPECT_EQ(result->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(result->error().outcome, Outcome::kInDoubt);
  let_go(lock);
  EXPECT_EQ(number(behind), 7);
}

TEST_F(MultiplexTest, ABrokenConnectionLeavesThoseInFlightInDoubt) {
  Pool locks = this->pool(quiet_options(1));
  Pool pool = this->pool(shared_options(1));
  Lease lock = hold(locks);
  Future head = run_long(pool);
  Future behind = run(pool, "SELECT 7");
  ASSERT_TRUE(in_flight(pool, 2));
  terminate(pool.connections().at(0).backend_pid);
  const auto first = head.get();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().sqlstate, "57P01");
  EXPECT_EQ(first.error().outcome, Outcome::kFailed);
  const auto second = behind.get();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().statement_failure,
            StatementFailure::kConnectionLost);
  EXPECT_EQ(second.error().outcome, Outcome::kInDoubt);
  let_go(lock);
  Future next = run(pool, "SELECT 8");
  EXPECT_EQ(number(next), 8);
}

TEST_F(MultiplexTest, LeasesKeepTheirConnectionsAlone) {
  Pool pool = this->pool(shared_options(2));
  Lease lease = must_acquire(pool);
  ASSERT_TRUE(lease->execute("CREATE TEMP TABLE mine ()"));
  for (int i = 0; i < 50; ++i) {
    Future other = run(pool, "SELECT to_regclass('mine') IS NULL");
    const auto rows = other.get();
    ASSERT_TRUE(rows);
    EXPECT_TRUE(rows->get<bool>(0, 0).value());
  }
  EXPECT_EQ(select_one(lease), 1);
}

TEST_F(MultiplexTest, ALeaseIsGivenWhileStatementsKeepComing) {
  PoolOptions options = shared_options(1);
  options.pipeline_budget = milliseconds(1);
  Pool pool = this->pool(options);
  std::atomic<bool> stop = false;
  asio::io_context context;
  std::function<void()> again = [&] {
    pool.async_execute("SELECT 1", {},
                       asio::bind_executor(context, [&](Expected<Rows> rows) {
                         EXPECT_TRUE(rows);
                         if (!stop) again();
                       }));
  };
  for (int i = 0; i < 20; ++i) again();
  std::thread runner([&] { context.run(); });
  for (int i = 0; i < 20; ++i) {
    Lease lease = must_acquire(pool);
    EXPECT_EQ(select_one(lease), 1);
  }
  stop = true;
  runner.join();
}

TEST_F(MultiplexTest, WhatCannotShareAConnectionIsNotSent) {
  Pool pool = this->pool(shared_options(1));
  for (const char* const sql : {"BEGIN", "SET work_mem = '1MB'", "LISTEN a",
                                "PREPARE a AS SELECT 1", "COPY t TO STDOUT"}) {
    const auto rows = run(pool, sql).get();
    ASSERT_FALSE(rows) << sql;
    EXPECT_EQ(rows.error().kind, ErrorKind::kUsage);
  }
  const auto two = run(pool, "SELECT 1; SELECT 2").get();
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().sqlstate, "42601");
  Pool off = this->pool(quiet_options(1));
  const auto refused = run(off, "SELECT 1").get();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("pipeline_depth"));
}

TEST_F(MultiplexTest, StatementsThatFindNoPlaceWaitAndFailInTime) {
  PoolOptions options = shared_options(1);
  options.acquire_timeout = seconds(1);
  options.max_waiting_requests = 3;
  Pool pool = this->pool(options);
  Lease lease = must_acquire(pool, in(kPatience));
  std::vector<Future> futures;
  for (int i = 0; i < 5; ++i) futures.push_back(run(pool, "SELECT 1"));
  int full = 0;
  int late = 0;
  for (Future& future : futures) {
    const auto rows = future.get();
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().kind, ErrorKind::kAcquire);
    const auto failure = rows.error().acquire_failure;
    full += failure == AcquireFailure::kQueueFull ? 1 : 0;
    late += failure == AcquireFailure::kTimeoutCapacity ? 1 : 0;
  }
  EXPECT_EQ(full, 2);
  EXPECT_EQ(late, 3);
  // Told at the end of the thread's round, after the answers.
  EXPECT_TRUE(eventually(kPatience, [&] {
    return pool.stats().multiplex.wait_failed.count() == 5;
  }));
}

TEST_F(MultiplexTest, ADeadDatabaseFailsThemAtOnce) {
  PoolOptions options = shared_options(1);
  Pool pool = make_pool("postgresql:///none?host=/nonexistent", options);
  const auto rows = run(pool, "SELECT 1").get();
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().acquire_failure, AcquireFailure::kBackendDown);
}

TEST_F(MultiplexTest, ClosingLetsWhatWasSentEnd) {
  Pool locks = this->pool(quiet_options(1));
  Pool pool = this->pool(shared_options(1, 2));
  Lease lock = hold(locks);
  Future head = run_long(pool);
  Future second = run(pool, "SELECT 7");
  ASSERT_TRUE(in_flight(pool, 2));
  Future waits = run(pool, "SELECT 8");
  const CloseReport left = pool.close(in(milliseconds(20)));
  ASSERT_EQ(left.left.size(), 1u);
  EXPECT_EQ(left.left[0].tag, "multiplexed");
  const auto closed = waits.get();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().acquire_failure, AcquireFailure::kClosed);
  let_go(lock);
  EXPECT_EQ(number(head), 1);
  EXPECT_EQ(number(second), 7);
  EXPECT_TRUE(pool.close(in(kPatience)).clean());
  const auto late = run(pool, "SELECT 1").get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().acquire_failure, AcquireFailure::kClosed);
}

TEST_F(MultiplexTest, StatementsOutliveTheirPool) {
  Pool locks = this->pool(quiet_options(1));
  Lease lock = hold(locks);
  Future head;
  {
    PoolOptions options = shared_options(1);
    options.close_timeout = milliseconds(1);
    Pool pool = this->pool(options);
    head = run_long(pool);
    ASSERT_TRUE(in_flight(pool, 1));
  }
  let_go(lock);
  EXPECT_EQ(number(head), 1);
}

TEST_F(MultiplexTest, HandlersGoWithTheirContext) {
  Pool locks = this->pool(quiet_options(1));
  Pool pool = this->pool(shared_options(1));
  Lease lock = hold(locks);
  const auto held = std::make_shared<int>();
  {
    asio::io_context context;
    for (int i = 0; i < 12; ++i) {
      pool.async_execute(
          "SELECT 1 FROM (SELECT pg_advisory_lock(1), pg_advisory_unlock(1)) l",
          {}, asio::bind_executor(context, [held](Expected<Rows>) {
            FAIL() << "its context has gone";
          }));
    }
    ASSERT_TRUE(eventually(
        kPatience, [&] { return pool.stats().multiplex.in_flight == 8; }));
  }
  EXPECT_EQ(held.use_count(), 1);
  let_go(lock);
  Future next = run(pool, "SELECT 8");
  EXPECT_EQ(number(next), 8);
}

TEST_F(MultiplexTest, PreparedStatementsAreEvictedAndPreparedAnew) {
  server_.sql("CREATE TABLE t AS SELECT 1 AS a", database_);
  PoolOptions options = shared_options(1);
  options.max_prepared_statements = 2;
  Pool pool = this->pool(options);
  for (int round = 0; round < 3; ++round) {
    std::vector<Future> futures;
    for (int i = 0; i < 30; ++i) {
      futures.push_back(
          run(pool, "SELECT " + std::to_string(i % 5) + " FROM t"));
    }
    for (int i = 0; i < 30; ++i) {
      EXPECT_EQ(number(futures[static_cast<std::size_t>(i)]), i % 5);
    }
  }
  EXPECT_TRUE(run(pool, "SELECT * FROM t").get());
  server_.sql("ALTER TABLE t ADD COLUMN b int", database_);
  const auto wider = run(pool, "SELECT * FROM t").get();
  ASSERT_TRUE(wider) << wider.error().message;
  EXPECT_EQ(wider->columns(), 2u);
  EXPECT_EQ(pool.stats().opened, 1u);
}

TEST_F(MultiplexTest, TooLargeAResultEndsTheConnectionOnly) {
  Pool pool = this->pool(shared_options(1));
  ExecuteOptions options;
  options.max_result_bytes = 64 * 1024;
  const auto large =
      run(pool, "SELECT repeat('x', 1000) FROM generate_series(1, 100000)", {},
          options)
          .get();
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().kind, ErrorKind::kResultTooLarge);
  Future next = run(pool, "SELECT 8");
  EXPECT_EQ(number(next), 8);
}

}  // namespace
}  // namespace dbpool::test
