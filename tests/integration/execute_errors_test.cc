#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "pool/src/query_statistics.h"
#include "pool/src/session/session.h"
#include "tests/integration/statement_fixture.h"

namespace dbpool::test {
namespace {

class ExecuteErrors : public ::testing::Test {
 protected:
  bool usable() {
    return !connection_->is_broken() &&
           text_of(*connection_, "SELECT 1") == "1";
  }

  std::unique_ptr<Connection> connection_ = open_connection();
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ExecuteErrors, TheServersNoHasItsCodeAndOneLine) {
  const Error error = error_of(connection_->execute("SELECT * FROM nowhere"));
  EXPECT_EQ(error.kind, ErrorKind::kStatement);
  EXPECT_EQ(error.statement_failure, StatementFailure::kServerError);
  EXPECT_EQ(error.outcome, Outcome::kFailed);
  EXPECT_EQ(error.sqlstate, "42P01");
  EXPECT_EQ(error.message,
            "relation \"nowhere\" does not exist (SQLSTATE 42P01)");
  EXPECT_TRUE(usable());
}

TEST_F(ExecuteErrors, AStatementThatAPoolerLostNamesBothCures) {
  const Error lost = error_of(connection_->execute("EXECUTE gone"));
  EXPECT_EQ(lost.sqlstate, "26000");
  EXPECT_TRUE(contains(
      lost.message,
      "a pooler in transaction mode loses prepared statements: use its session "
      "mode, or set PoolOptions::max_prepared_statements to 0"))
      << lost.message;
}

TEST_F(ExecuteErrors, AnErrorAtCommitOverridesTheSuccessBeforeIt) {
  must(connection_->execute(
      "CREATE TEMP TABLE unique_late (a int UNIQUE DEFERRABLE INITIALLY "
      "DEFERRED)"));
  const Error error =
      error_of(connection_->execute("INSERT INTO unique_late VALUES (1), (1)"));
  EXPECT_EQ(error.sqlstate, "23505");
  EXPECT_TRUE(usable());
}

TEST_F(ExecuteErrors, SeveralStatementsAreRefused) {
  for (const bool prepare : {true, false}) {
    const Error error = error_of(connection_->execute(
        "CREATE TABLE half_done (a int); SELECT 1", {}, {.prepare = prepare}));
    EXPECT_EQ(error.sqlstate, "42601");
  }
  EXPECT_EQ(text_of(*connection_, "SELECT to_regclass('half_done') IS NULL"),
            "t");
}

TEST_F(ExecuteErrors, MisuseIsRefusedBeforeSending) {
  const std::string zero("a\0b", 3);
  Params many;
  for (int i = 0; i < 65536; ++i) many.add(i);
  const std::vector<Error> errors = {
      error_of(connection_->execute("SELECT $1", {zero})),
      error_of(connection_->execute("SELECT '" + zero + "'")),
      error_of(connection_->execute("SELECT 1", many))};
  for (const Error& error : errors) {
    EXPECT_EQ(error.kind, ErrorKind::kUsage) << error.message;
    EXPECT_EQ(error.outcome, Outcome::kNotSent);
    EXPECT_FALSE(contains(error.message, zero));
  }
  EXPECT_TRUE(contains(errors[0].message, "$1"));
  EXPECT_TRUE(usable());
}

TEST_F(ExecuteErrors, TheWrongNumberOfParametersIsTheServersError) {
  EXPECT_EQ(error_of(connection_->execute("SELECT $1::int")).sqlstate, "08P01");
  EXPECT_EQ(error_of(connection_->execute("SELECT 1", {1})).sqlstate, "42P18");
  EXPECT_TRUE(usable());
}

TEST_F(ExecuteErrors, NoValueOfAParameterIsInAMessage) {
  must(connection_->execute("CREATE TEMP TABLE u (a text UNIQUE, b int)"));
  const char* const insert = "INSERT INTO u VALUES ($1, $2)";
  must(connection_->execute(insert, {"planted-secret", 1}));
  const std::string long_secret(2000, 'S');
  const std::vector<Error> errors = {
      error_of(connection_->execute(insert, {"planted-secret", 1})),
      error_of(connection_->execute("SELECT $1::int", {"planted-secret"})),
      error_of(connection_->execute("SELECT $1::int", {"zq"})),
      error_of(connection_->execute("SELECT $1::int", {long_secret})),
      error_of(connection_->execute("SELECT $1::date", {"planted-secret"}))};
  EXPECT_EQ(errors[0].sqlstate, "23505");
  for (const Error& error : errors) {
    EXPECT_FALSE(contains(error.message, "planted"));
    EXPECT_FALSE(contains(error.message, "zq"));
    EXPECT_FALSE(contains(error.message, "SSS"));
    EXPECT_LT(error.message.size(), 1000U);
  }
  EXPECT_EQ(errors[1].message,
            "invalid input syntax for type integer: \"***\" (SQLSTATE 22P02)");
  EXPECT_EQ(errors[2].message, errors[1].message);
}

TEST_F(ExecuteErrors, AMessageIsOneBoundedLine) {
  const Error error = error_of(connection_->execute(
      "DO $$ BEGIN RAISE EXCEPTION E'a\\nb %', repeat('c', 10000); END $$"));
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_TRUE(contains(error.message, "a b ccc"));
  EXPECT_TRUE(contains(error.message, "(SQLSTATE P0001)"));
  EXPECT_LT(error.message.size(), 600U);
}

TEST_F(ExecuteErrors, CopyIsRefusedAndClosesTheConnection) {
  must(connection_->execute("CREATE TABLE IF NOT EXISTS copied (a int)"));
  for (const char* sql : {"COPY copied FROM STDIN", "COPY copied TO STDOUT"}) {
    const Error error = error_of(connection_->execute(sql));
    EXPECT_EQ(error.kind, ErrorKind::kUsage) << sql;
    EXPECT_TRUE(contains(error.message, "COPY"));
    EXPECT_TRUE(connection_->is_broken());
    EXPECT_EQ(connection_->transaction_status(), TransactionStatus::kUnknown);
    connection_ = open_connection();
  }
}

TEST_F(ExecuteErrors, TooLargeAResultEndsBeforeItIsAllRead) {
  for (const bool tcp : {false, true}) {
    connection_ = tcp ? open_tcp_connection() : open_connection();
    const Error error = error_of(connection_->execute(
        "SELECT repeat('x', 1000), generate_series(1, 10000000)", {},
        {.max_result_bytes = 1'000'000}));
    EXPECT_EQ(error.kind, ErrorKind::kResultTooLarge);
    EXPECT_EQ(error.outcome, Outcome::kInDoubt);
    EXPECT_TRUE(connection_->is_broken());
    // Ten gigabytes are not worth waiting for: the server has stopped, too.
    const int pid = connection_->backend_pid();
    EXPECT_TRUE(eventually(kLongEnough, [pid] {
      return backend_state(shared_postgres(), pid) != "active";
    }));
  }
}

TEST_F(ExecuteErrors, ASingleRowThatIsTooLargeEndsToo) {
  for (const bool tcp : {false, true}) {
    connection_ = tcp ? open_tcp_connection() : open_connection();
    const Error error = error_of(connection_->execute(
        "SELECT repeat('x', 60000000)", {}, {.max_result_bytes = 5'000'000}));
    EXPECT_EQ(error.kind, ErrorKind::kResultTooLarge);
    EXPECT_TRUE(connection_->is_broken());
    // A backend in the midst of sending a row sees no cancel: it must see
    // that nobody reads any more, though the connection is still held.
    EXPECT_TRUE(await_state(shared_postgres(), connection_->backend_pid(), ""));
  }
}

TEST_F(ExecuteErrors, ARefusedCopyEndsOnTheServerToo) {
  const Error error = error_of(
      connection_->execute("COPY (SELECT repeat('x', 60000000)) TO STDOUT"));
  EXPECT_EQ(error.kind, ErrorKind::kUsage);
  EXPECT_TRUE(await_state(shared_postgres(), connection_->backend_pid(), ""));
}

TEST_F(ExecuteErrors, AResultWithinItsBoundIsWhole) {
  for (const bool tcp : {false, true}) {
    connection_ = tcp ? open_tcp_connection() : open_connection();
    const Rows rows = must(connection_->execute(
        "SELECT repeat('x', 1000) FROM generate_series(1, 5000)", {},
        {.max_result_bytes = 12'000'000}));
    EXPECT_EQ(rows.size(), 5000U);
    EXPECT_TRUE(usable());
  }
}

TEST_F(ExecuteErrors, AWholeResultJustOverItsBoundIsTooLargeAndSaysSo) {
  const Error error = error_of(connection_->execute(
      "SELECT repeat('x', 5000)", {}, {.max_result_bytes = 4000}));
  EXPECT_EQ(error.kind, ErrorKind::kResultTooLarge);
  EXPECT_TRUE(contains(error.message, "succeeded"));
  EXPECT_TRUE(connection_->session().retire());
  EXPECT_TRUE(usable());
}

TEST_F(ExecuteErrors, AHugeResultRetiresTheSession) {
  must(connection_->execute("SELECT repeat('x', 70000000)"));
  EXPECT_TRUE(connection_->session().retire());
}

TEST_F(ExecuteErrors, ASessionThatTurnedReadOnlyIsRetired) {
  must(connection_->execute("SET default_transaction_read_only = on"));
  EXPECT_EQ(error_of(connection_->execute("CREATE TABLE no (a int)")).sqlstate,
            "25006");
  EXPECT_TRUE(connection_->session().retire());
}

TEST_F(ExecuteErrors, ATransactionThatIsReadOnlyByWishRetiresNothing) {
  must(connection_->execute("BEGIN READ ONLY"));
  EXPECT_EQ(error_of(connection_->execute("CREATE TABLE no (a int)")).sqlstate,
            "25006");
  EXPECT_FALSE(connection_->session().retire());
}

TEST_F(ExecuteErrors, ABackendEndedWhileIdleWasNotSentAnythingNew) {
  const int pid = connection_->backend_pid();
  shared_postgres().sql("SELECT pg_terminate_backend(" + std::to_string(pid) +
                        ")");
  ASSERT_TRUE(await_state(shared_postgres(), pid, ""));
  const Error error = error_of(connection_->execute("SELECT 1"));
  EXPECT_EQ(error.statement_failure, StatementFailure::kConnectionLost);
  EXPECT_EQ(error.outcome, Outcome::kNotSent) << error.message;
  EXPECT_TRUE(connection_->is_broken());
  const Error again = error_of(connection_->execute("SELECT 1"));
  EXPECT_EQ(again.statement_failure, StatementFailure::kConnectionLost);
  EXPECT_EQ(again.outcome, Outcome::kNotSent);
}

TEST_F(ExecuteErrors, ABackendEndedAfterPreparingSaysItRolledBack) {
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
  const int pid = connection_->backend_pid();
  shared_postgres().sql("SELECT pg_terminate_backend(" + std::to_string(pid) +
                        ")");
  ASSERT_TRUE(await_state(shared_postgres(), pid, ""));
  const Error error = error_of(connection_->execute("SELECT 1"));
  EXPECT_EQ(error.statement_failure, StatementFailure::kConnectionLost);
  // Its last words may be lost to the reset that answers the statement.
  EXPECT_NE(error.outcome, Outcome::kNotSent);
}

TEST_F(ExecuteErrors, ABackendThatEndsItselfAmidAStatementHasFailedIt) {
  const Error error = error_of(connection_->execute(
      "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"));
  EXPECT_EQ(error.kind, ErrorKind::kStatement);
  EXPECT_EQ(error.statement_failure, StatementFailure::kConnectionLost);
  EXPECT_EQ(error.sqlstate, "57P01");
  EXPECT_EQ(error.outcome, Outcome::kFailed) << error.message;
  EXPECT_TRUE(connection_->is_broken());
}

TEST(ExecuteOnItsOwnServer, ABackendKilledAmidAStatementLeavesItInDoubt) {
  Postgres server;
  const auto connection = open_connection(server.url());
  must(connection->execute("SELECT pg_sleep(0)"));
  const std::string pid = std::to_string(connection->backend_pid());
  const auto killer = open_connection(server.url());
  must(killer->execute("CREATE TABLE tell (a int)"));
  // The backend kills itself as nothing else can: no last words.
  const Error error = error_of(
      connection->execute("COPY (SELECT 1) TO PROGRAM 'kill -9 " + pid + "'"));
  EXPECT_EQ(error.statement_failure, StatementFailure::kConnectionLost);
  EXPECT_EQ(error.outcome, Outcome::kInDoubt) << error.message;
  EXPECT_EQ(error.sqlstate, "");
  EXPECT_TRUE(connection->is_broken());
}

}  // namespace
}  // namespace dbpool::test
