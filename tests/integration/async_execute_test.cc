#include <gtest/gtest.h>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "pool/src/session/session.h"
#include "tests/integration/statement_fixture.h"

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;

class AsyncExecute : public ::testing::Test {
 protected:
  // Runs the context until the server is at the statement.
  bool await_running() {
    return eventually(kLongEnough, [this] {
      context_.restart();
      context_.poll();
      return backend_state(shared_postgres(), connection_->backend_pid()) ==
             "active";
    });
  }

  asio::io_context context_;
  std::unique_ptr<Connection> connection_ = open_connection();
};

asio::awaitable<int> sum_of_two(Connection* connection) {
  const auto first = co_await connection->async_execute("SELECT $1::int", {40},
                                                        asio::use_awaitable);
  const auto second = co_await connection->async_execute(
      "SELECT $1::int", {2}, ExecuteOptions{.format = ResultFormat::kBinary},
      asio::use_awaitable);
  co_return first.value().get<int>(0, 0).value() +
      second.value().get<int>(0, 0).value();
}

TEST_F(AsyncExecute, IsAwaitable) {
  auto sum =
      asio::co_spawn(context_, sum_of_two(connection_.get()), asio::use_future);
  context_.run();
  EXPECT_EQ(sum.get(), 42);
}

TEST_F(AsyncExecute, GivesAFuture) {
  auto result = connection_->async_execute("SELECT 7", {}, asio::use_future);
  EXPECT_EQ(must(result.get()).raw(0, 0), "7");
}

TEST_F(AsyncExecute, CallsBackOnTheHandlersExecutorAndNeverInside) {
  bool called = false;
  asio::post(context_, [&] {
    connection_->async_execute(
        "SELECT 7", {}, asio::bind_executor(context_, [&](Expected<Rows> rows) {
          called = true;
          EXPECT_TRUE(context_.get_executor().running_in_this_thread());
          EXPECT_EQ(must(std::move(rows)).raw(0, 0), "7");
        }));
    EXPECT_FALSE(called);
  });
  context_.run();
  EXPECT_TRUE(called);
}

TEST_F(AsyncExecute, WithoutAnExecutorCallsBackOnTheSystems) {
  std::promise<std::string> value;
  connection_->async_execute("SELECT 7", {}, [&](Expected<Rows> rows) {
    value.set_value(std::string(must(std::move(rows)).raw(0, 0)));
  });
  EXPECT_EQ(value.get_future().get(), "7");
}

TEST_F(AsyncExecute, RefusesMisuseThroughTheHandlerToo) {
  bool called = false;
  connection_->async_execute(
      "SELECT $1", {std::string_view("\0", 1)},
      asio::bind_executor(context_, [&](Expected<Rows> rows) {
        called = true;
        EXPECT_EQ(error_of(std::move(rows)).kind, ErrorKind::kUsage);
      }));
  EXPECT_FALSE(called);
  context_.run();
  EXPECT_TRUE(called);
}

TEST_F(AsyncExecute, KeepsCopiesOfTextsAndParameters) {
  auto result = [this] {
    const std::string sql = "SELECT $1::text || ' and a text without end'";
    const std::string value = "a parameter that is on the heap for sure";
    return connection_->async_execute({"name of the query", sql}, {value},
                                      asio::use_future);
  }();
  EXPECT_EQ(must(result.get()).raw(0, 0),
            "a parameter that is on the heap for sure and a text without end");
}

TEST_F(AsyncExecute, OneStatementAtATime) {
  int ended = 0;
  connection_->async_execute(
      "SELECT pg_sleep(0.1)", {},
      asio::bind_executor(context_, [&ended](Expected<Rows> rows) {
        ++ended;
        must(std::move(rows));
      }));
  connection_->async_execute(
      "SELECT 1", {},
      asio::bind_executor(context_, [&ended](Expected<Rows> rows) {
        ++ended;
        EXPECT_EQ(error_of(std::move(rows)).kind, ErrorKind::kUsage);
      }));
  EXPECT_EQ(error_of(connection_->execute("SELECT 1")).kind, ErrorKind::kUsage);
  context_.run();
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(AsyncExecute, ATimeoutCancelsOnTheServer) {
  auto result = connection_->async_execute(
      "SELECT pg_sleep(600)", {},
      ExecuteOptions{.timeout = milliseconds(1000), .prepare = false},
      asio::use_future);
  const Error error = error_of(result.get());
  EXPECT_EQ(error.statement_failure, StatementFailure::kTimeout);
  EXPECT_EQ(error.sqlstate, "57014");
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(AsyncExecute, ACancelledOneEndsOnTheServerAndLeavesTheConnectionFit) {
  for (const auto type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    asio::cancellation_signal signal;
    bool called = false;
    connection_->async_execute(
        "SELECT pg_sleep(600)", {}, ExecuteOptions{.prepare = false},
        asio::bind_cancellation_slot(
            signal.slot(),
            asio::bind_executor(context_, [&](Expected<Rows> rows) {
              called = true;
              const Error error = error_of(std::move(rows));
              EXPECT_EQ(error.kind, ErrorKind::kCancelled);
              EXPECT_EQ(error.outcome, Outcome::kFailed);
            })));
    ASSERT_TRUE(await_running());
    signal.emit(type);
    context_.restart();
    context_.run();
    EXPECT_TRUE(called);
    EXPECT_EQ(backend_state(shared_postgres(), connection_->backend_pid()),
              "idle");
    EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
    signal.emit(type);  // too late: nothing
  }
}

TEST_F(AsyncExecute, OneThatIsTooLateBeforeItIsSentNeverIs) {
  Outcome outcome = Outcome::kInDoubt;
  connection_->async_execute(
      "CREATE TABLE must_not_be (a int)", {},
      ExecuteOptions{.timeout = std::chrono::nanoseconds(1)},
      asio::bind_executor(context_, [&](Expected<Rows> rows) {
        outcome = error_of(std::move(rows)).outcome;
      }));
  context_.run();
  EXPECT_EQ(outcome, Outcome::kNotSent);
  EXPECT_EQ(text_of(*connection_, "SELECT to_regclass('must_not_be') IS NULL"),
            "t");
}

asio::awaitable<void> sleep_until_timer(Connection* connection, bool* done) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           milliseconds(50));
  const auto first =
      co_await (connection->async_execute("SELECT pg_sleep(600)", {},
                                          asio::use_awaitable) ||
                timer.async_wait(asio::use_awaitable));
  EXPECT_EQ(first.index(), 1U);
  const auto rows =
      co_await connection->async_execute("SELECT 5", {}, asio::use_awaitable);
  EXPECT_EQ(rows.value().raw(0, 0), "5");
  *done = true;
}

TEST_F(AsyncExecute, LosesAgainstATimerInAParallelGroup) {
  bool done = false;
  asio::co_spawn(context_, sleep_until_timer(connection_.get(), &done),
                 asio::detached);
  context_.run();
  EXPECT_TRUE(done);
}

TEST_F(AsyncExecute, AnAbandonedOneLeavesTheSessionBusy) {
  {
    asio::io_context abandoned;
    bool called = false;
    connection_->async_execute(
        "SELECT pg_sleep(600)", {},
        asio::bind_executor(abandoned,
                            [&called](Expected<Rows>) { called = true; }));
    while (connection_->transaction_status() != TransactionStatus::kActive) {
      ASSERT_GT(abandoned.run_one(), 0U);
    }
    EXPECT_FALSE(called);
  }
  EXPECT_TRUE(connection_->session().busy());
  EXPECT_EQ(error_of(connection_->execute("SELECT 1")).kind, ErrorKind::kUsage);
}

TEST_F(AsyncExecute, ALostConnectionIsAnError) {
  auto result = connection_->async_execute(
      "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(600)", {},
      asio::use_future);
  const Error error = error_of(result.get());
  EXPECT_EQ(error.statement_failure, StatementFailure::kConnectionLost);
  EXPECT_TRUE(connection_->is_broken());
}

asio::awaitable<void> many(Connection* connection, int statements,
                           std::atomic<int>* done) {
  for (int i = 0; i < statements; ++i) {
    const auto rows = co_await connection->async_execute("SELECT $1::int", {i},
                                                         asio::use_awaitable);
    if (!rows || rows->get<int>(0, 0) != i) co_return;
    ++*done;
  }
}

TEST_F(AsyncExecute, ManyConnectionsOnAContextWithTwoThreads) {
  constexpr int kConnections = 8;
  constexpr int kStatements = 200;
  std::vector<std::unique_ptr<Connection>> connections;
  std::atomic<int> done = 0;
  for (int i = 0; i < kConnections; ++i) {
    connections.push_back(open_connection());
    asio::co_spawn(context_, many(connections.back().get(), kStatements, &done),
                   asio::detached);
  }
  std::thread second([this] { context_.run(); });
  context_.run();
  second.join();
  EXPECT_EQ(done, kConnections * kStatements);
}

asio::awaitable<void> many_timeouts(Connection* connection, int statements,
                                    std::atomic<int>* done) {
  for (int i = 0; i < statements; ++i) {
    const auto slow = co_await connection->async_execute(
        "SELECT pg_sleep(0.002)", {},
        ExecuteOptions{.timeout = milliseconds(1 + i % 3)},
        asio::use_awaitable);
    if (!slow && slow.error().statement_failure != StatementFailure::kTimeout) {
      co_return;
    }
    const auto quick =
        co_await connection->async_execute("SELECT 1", {}, asio::use_awaitable);
    if (!quick) co_return;
    ++*done;
  }
}

TEST_F(AsyncExecute, TimeoutsRacingResultsOnTwoThreadsDisturbNobody) {
  constexpr int kConnections = 4;
  constexpr int kStatements = 40;
  std::vector<std::unique_ptr<Connection>> connections;
  std::atomic<int> done = 0;
  for (int i = 0; i < kConnections; ++i) {
    connections.push_back(open_connection());
    asio::co_spawn(context_,
                   many_timeouts(connections.back().get(), kStatements, &done),
                   asio::detached);
  }
  std::thread second([this] { context_.run(); });
  context_.run();
  second.join();
  EXPECT_EQ(done, kConnections * kStatements);
}

// What is kept for the next statement must not be of a context that is gone.
TEST_F(AsyncExecute, AConnectionGoesFromContextToContextAndOutlivesThem) {
  for (int i = 0; i < 3; ++i) {
    asio::io_context passing;
    for (asio::io_context* context : {&passing, &context_}) {
      std::string value;
      connection_->async_execute("SELECT 1", {},
                                 asio::bind_executor(*context, [&](auto rows) {
                                   value = must(std::move(rows)).raw(0, 0);
                                 }));
      context->restart();
      context->run();
      EXPECT_EQ(value, "1");
      EXPECT_EQ(text_of(*connection_, "SELECT 2"), "2");
    }
    auto last = connection_->async_execute("SELECT 3", {}, asio::use_future);
    EXPECT_EQ(must(last.get()).raw(0, 0), "3");
    connection_->async_execute("SELECT 4", {},
                               asio::bind_executor(passing, [](auto) {}));
    passing.restart();
    passing.run();
  }
}

TEST_F(AsyncExecute, ATimeoutIsKeptThoughAnEarlierStatementMayTakeLonger) {
  const auto other = open_connection();
  std::vector<std::string> ended;
  asio::cancellation_signal stop;
  connection_->async_execute(
      "SELECT pg_sleep(600)", {}, ExecuteOptions{.prepare = false},
      asio::bind_cancellation_slot(
          stop.slot(), asio::bind_executor(context_, [&](Expected<Rows> rows) {
            EXPECT_EQ(error_of(std::move(rows)).kind, ErrorKind::kCancelled);
            ended.emplace_back("long");
          })));
  other->async_execute(
      "SELECT pg_sleep(600)", {},
      ExecuteOptions{.timeout = milliseconds(200), .prepare = false},
      asio::bind_executor(context_, [&](Expected<Rows> rows) {
        EXPECT_EQ(error_of(std::move(rows)).statement_failure,
                  StatementFailure::kTimeout);
        ended.emplace_back("short");
        stop.emit(asio::cancellation_type::total);
      }));
  context_.run();
  EXPECT_EQ(ended, std::vector<std::string>({"short", "long"}));
}

}  // namespace
}  // namespace dbpool::test
