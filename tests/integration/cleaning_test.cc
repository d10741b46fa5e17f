#include "pool/src/session/cleaning.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "pool/src/session/checking.h"
#include "pool/src/session/exchange.h"
#include "pool/src/waiting/blocking_wait.h"
#include "tests/integration/statement_fixture.h"

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;

bool clean(Connection& connection, Duration within = kLongEnough) {
  const TimePoint now = Clock::now();
  detail::Cleaning cleaning(connection.session(), now + within, now);
  detail::blocking_wait(cleaning);
  EXPECT_NE(cleaning.usable(), connection.is_broken());
  return cleaning.usable();
}

bool check(Connection& connection, Duration within = kLongEnough) {
  const TimePoint now = Clock::now();
  detail::Checking checking(connection.session(), now + within, now);
  detail::blocking_wait(checking);
  EXPECT_NE(checking.alive(), connection.is_broken());
  return checking.alive();
}

// Sends a statement and drops it before its result.
void abandon(Connection& connection, std::string_view sql) {
  const Params params;
  detail::Exchange exchange(connection.session(), sql, params,
                            {.prepare = false}, Clock::now());
  ASSERT_TRUE(exchange.step(Clock::now(), false));
}

class Cleaning : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> connection_ = open_connection();
};

TEST_F(Cleaning, RollsBackAndResetsAll) {
  must(connection_->execute("CREATE TABLE IF NOT EXISTS cleaned (a int)"));
  must(connection_->execute("SET search_path = pg_catalog"));
  must(connection_->execute("SELECT pg_advisory_lock(4711)"));
  must(connection_->execute("BEGIN"));
  must(connection_->execute("INSERT INTO public.cleaned VALUES (1)"));
  EXPECT_TRUE(clean(*connection_));
  EXPECT_EQ(connection_->transaction_status(), TransactionStatus::kIdle);
  EXPECT_EQ(text_of(*connection_, "SELECT count(*) FROM cleaned"), "0");
  EXPECT_EQ(
      text_of(*connection_, "SELECT count(*) FROM pg_locks WHERE objid = 4711"),
      "0");
  // What was prepared is prepared anew.
  EXPECT_EQ(text_of(*connection_, "SELECT count(*) FROM cleaned"), "0");
}

TEST_F(Cleaning, EndsAFailedTransaction) {
  must(connection_->execute("BEGIN"));
  error_of(connection_->execute("SELECT 1/0"));
  EXPECT_TRUE(clean(*connection_));
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Cleaning, CancelsWhatWasAbandoned) {
  abandon(*connection_, "SELECT pg_sleep(600)");
  ASSERT_TRUE(
      await_state(shared_postgres(), connection_->backend_pid(), "active"));
  EXPECT_TRUE(clean(*connection_));
  EXPECT_EQ(backend_state(shared_postgres(), connection_->backend_pid()),
            "idle");
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Cleaning, ReadsWhatWasAbandonedButHasEnded) {
  abandon(*connection_, "SELECT 1");
  ASSERT_TRUE(
      await_state(shared_postgres(), connection_->backend_pid(), "idle"));
  EXPECT_TRUE(clean(*connection_));
  EXPECT_EQ(connection_->session().cancel_ticket(), nullptr);
  EXPECT_EQ(text_of(*connection_, "SELECT 2"), "2");
}

TEST_F(Cleaning, OfAStatementThatWasNeverSentWorks) {
  {
    const Params params;
    const detail::Exchange exchange(connection_->session(), "SELECT 1", params,
                                    {}, Clock::now());
    EXPECT_TRUE(connection_->session().busy());
  }
  EXPECT_TRUE(clean(*connection_));
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Cleaning, CannotEndAnUnfinishedCopy) {
  must(connection_->execute("CREATE TABLE IF NOT EXISTS cleaned (a int)"));
  abandon(*connection_, "COPY cleaned FROM STDIN");
  EXPECT_FALSE(clean(*connection_));
}

TEST_F(Cleaning, OfABrokenOneIsFutile) {
  error_of(connection_->execute("SELECT pg_terminate_backend($1)",
                                {connection_->backend_pid()}));
  EXPECT_FALSE(clean(*connection_));
}

TEST_F(Cleaning, GivesUpAtItsDeadline) {
  Postgres server;
  connection_ = open_connection(server.url());
  abandon(*connection_, "SELECT pg_sleep(600)");
  server.pause();  // no cancel gets through
  EXPECT_FALSE(clean(*connection_, milliseconds(50)));
  connection_.reset();
  server.resume();
}

TEST(Checking, ALiveOneIsAlive) {
  const auto connection = open_connection();
  EXPECT_TRUE(check(*connection));
  EXPECT_TRUE(check(*connection));
  EXPECT_EQ(text_of(*connection, "SELECT 1"), "1");
}

TEST(Checking, ADeadOneIsNot) {
  const auto connection = open_connection();
  const int pid = connection->backend_pid();
  shared_postgres().sql("SELECT pg_terminate_backend(" + std::to_string(pid) +
                        ")");
  ASSERT_TRUE(await_state(shared_postgres(), pid, ""));
  EXPECT_FALSE(check(*connection));
  EXPECT_FALSE(check(*connection));
}

TEST(Checking, OneThatDoesNotAnswerIsNotAlive) {
  const auto connection = open_connection();
  EXPECT_FALSE(check(*connection, Duration::zero()));
}

}  // namespace
}  // namespace dbpool::test
