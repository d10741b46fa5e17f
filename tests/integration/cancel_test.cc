#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "pool/src/session/session.h"
#include "tests/integration/statement_fixture.h"

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;

class Cancel : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> connection_ = open_connection();
};

TEST_F(Cancel, ATimeoutEndsTheStatementOnTheServer) {
  const Error error = error_of(
      connection_->execute("SELECT pg_sleep(600)", {},
                           {.timeout = milliseconds(50), .prepare = false}));
  EXPECT_EQ(error.kind, ErrorKind::kStatement);
  EXPECT_EQ(error.statement_failure, StatementFailure::kTimeout);
  EXPECT_EQ(error.outcome, Outcome::kFailed);
  EXPECT_EQ(error.sqlstate, "57014");
  EXPECT_EQ(error.message,
            "statement timeout (50 ms): cancelled on the server");
  EXPECT_EQ(backend_state(shared_postgres(), connection_->backend_pid()),
            "idle");
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Cancel, TheDefaultTimeoutIsTheConnections) {
  ConnectOptions options = patient_options();
  options.statement_timeout = milliseconds(50);
  connection_ = open_connection(options);
  EXPECT_EQ(
      error_of(connection_->execute("SELECT pg_sleep(600)")).statement_failure,
      StatementFailure::kTimeout);
}

TEST_F(Cancel, WithoutATimeoutNothingIsCancelled) {
  ConnectOptions options = patient_options();
  options.statement_timeout = std::nullopt;
  connection_ = open_connection(options);
  must(connection_->execute("SELECT pg_sleep(0.2)"));
}

TEST_F(Cancel, ATimeoutThatHasPassedSendsNothing) {
  for (const milliseconds timeout : {milliseconds(0), milliseconds(-5)}) {
    const Error error =
        error_of(connection_->execute("SELECT 1", {}, {.timeout = timeout}));
    EXPECT_EQ(error.statement_failure, StatementFailure::kTimeout);
    EXPECT_EQ(error.outcome, Outcome::kNotSent);
  }
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Cancel, InATransactionATimeoutFailsTheTransactionOnly) {
  must(connection_->execute("BEGIN"));
  error_of(
      connection_->execute("SELECT pg_sleep(600)", {},
                           {.timeout = milliseconds(20), .prepare = false}));
  EXPECT_EQ(connection_->transaction_status(), TransactionStatus::kInError);
  must(connection_->execute("ROLLBACK"));
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

// Statements that end at about the time of their cancel: whatever wins, the
// cancel must not reach the next statement.
// The timeout follows the time that the statement takes, so that result and
// cancel keep racing, however fast the machine.
TEST_F(Cancel, ALateCancelNeverHitsTheNextStatement) {
  constexpr std::chrono::microseconds kStep{50};
  std::chrono::microseconds timeout{3000};
  int timeouts = 0;
  int results = 0;
  for (int i = 0; i < 300; ++i) {
    const auto result = connection_->execute("SELECT pg_sleep(0.003)", {},
                                             {.timeout = timeout});
    if (result) {
      ++results;
      timeout -= kStep;
    } else {
      ++timeouts;
      timeout += kStep;
      ASSERT_EQ(result.error().statement_failure, StatementFailure::kTimeout)
          << result.error().message;
    }
    ASSERT_EQ(text_of(*connection_, "SELECT 1"), "1");
  }
  EXPECT_GT(timeouts, 0);
  EXPECT_GT(results, 0);
}

TEST_F(Cancel, TheServersOwnTimeoutIsATimeoutToo) {
  must(connection_->execute("SET statement_timeout = 50"));
  const Error error = error_of(connection_->execute("SELECT pg_sleep(600)"));
  EXPECT_EQ(error.statement_failure, StatementFailure::kTimeout);
  EXPECT_EQ(error.sqlstate, "57014");
}

TEST_F(Cancel, ACancelBySomebodyElseIsTheServersError) {
  const Error error = error_of(connection_->execute(
      "SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(600)"));
  EXPECT_EQ(error.statement_failure, StatementFailure::kServerError);
  EXPECT_EQ(error.sqlstate, "57014");
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Cancel, ManyAtOnceAllEnd) {
  constexpr int kConnections = 12;
  std::vector<std::thread> threads;
  threads.reserve(kConnections);
  for (int i = 0; i < kConnections; ++i) {
    threads.emplace_back([] {
      ConnectOptions options = patient_options();
      const auto connection = open_connection(options);
      const Error error = error_of(
          connection->execute("SELECT pg_sleep(600)", {},
                              {.timeout = milliseconds(20), .prepare = false}));
      EXPECT_EQ(error.sqlstate, "57014");
      EXPECT_EQ(text_of(*connection, "SELECT 1"), "1");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A postmaster that does not accept: PQcancel hangs.
class HungCancel : public ::testing::Test {
 protected:
  ~HungCancel() override { server_.resume(); }

  std::unique_ptr<Connection> open(Duration grace) {
    ConnectOptions options = patient_options();
    options.cancel_grace = grace;
    return open_connection(server_.url(), options);
  }

  Postgres server_;
};

TEST_F(HungCancel, AConnectionIsGivenUpAfterTheGrace) {
  const auto connection = open(milliseconds(100));
  must(connection->execute("SELECT pg_sleep(0)"));
  server_.pause();
  const Error error = error_of(
      connection->execute("SELECT pg_sleep(600)", {},
                          {.timeout = milliseconds(20), .prepare = false}));
  EXPECT_EQ(error.statement_failure, StatementFailure::kTimeout);
  EXPECT_EQ(error.outcome, Outcome::kInDoubt);
  EXPECT_TRUE(connection->is_broken());
}

TEST_F(HungCancel, AResultThatComesMeanwhileIsKeptButNotTheConnection) {
  const auto connection = open(std::chrono::seconds(3));
  server_.pause();
  const Rows rows = must(
      connection->execute("SELECT pg_sleep(0.3)", {},
                          {.timeout = milliseconds(20), .prepare = false}));
  EXPECT_EQ(rows.size(), 1U);
  EXPECT_TRUE(connection->is_broken());
}

TEST_F(HungCancel, CancelsBehindHungOnesHoldUpNobody) {
  constexpr int kConnections = 7;  // more than a server has threads
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < kConnections; ++i) {
    connections.push_back(open(milliseconds(50)));
  }
  const auto healthy = open(milliseconds(50));
  server_.pause();
  for (const auto& connection : connections) {
    error_of(
        connection->execute("SELECT pg_sleep(600)", {},
                            {.timeout = milliseconds(5), .prepare = false}));
    EXPECT_TRUE(connection->is_broken());
  }
  EXPECT_EQ(text_of(*healthy, "SELECT 1"), "1");
  // It accepts and never answers: its threads stay where they are. Cancels for
  // another server arrive all the same.
  const auto other = open_connection();
  EXPECT_EQ(
      error_of(other->execute("SELECT pg_sleep(600)", {},
                              {.timeout = milliseconds(20), .prepare = false}))
          .outcome,
      Outcome::kFailed);
}

}  // namespace
}  // namespace dbpool::test
