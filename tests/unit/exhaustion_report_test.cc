// What an exhaustion report makes of holders and backends.
#include "exporter/diagnosis/exhaustion_report.h"

#include <gmock/gmock.h>

#include <utility>

namespace dbpool::exporter {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ConnectionStats held(int pid, TransactionStatus transaction) {
  ConnectionStats connection;
  connection.state = ConnectionState::kActive;
  connection.in_state = seconds(30);
  connection.backend_pid = pid;
  connection.tag = "checkout";
  connection.file = "src/checkout.cc";
  connection.line = 12;
  connection.transaction = transaction;
  connection.statement.emplace().started_ago = seconds(20);
  if (transaction == TransactionStatus::kActive) {
    connection.statement->took = seconds(20);
    connection.statement->running = true;
  }
  if (transaction == TransactionStatus::kInTransaction) {
    connection.in_transaction = seconds(20);
  }
  return connection;
}

Backend backend(int pid, std::string user = "app") {
  Backend result;
  result.pid = pid;
  result.may_signal = user == "app";
  result.user = std::move(user);
  result.state = "active";
  return result;
}

Backend blocked(int pid, int by) {
  Backend result = backend(pid);
  result.wait_event_type = "Lock";
  result.wait_event = "relation";
  result.blockers = {by};
  return result;
}

DatabaseView view_of(std::vector<Backend> backends) {
  DatabaseView view;
  view.backends = std::move(backends);
  view.limits.user = "app";
  view.limits.database = "orders";
  view.limits.max_connections = 100;
  view.limits.reserved_connections = 3;
  view.limits.sessions = 40;
  view.limits.role_sessions = 12;
  view.limits.database_sessions = 30;
  return view;
}

PoolStats full_pool() {
  PoolStats stats;
  stats.total = 2;
  stats.max_connections = 2;
  stats.waiting_total = 1;
  stats.oldest_waiting_age = seconds(2);
  stats.waiting[static_cast<std::size_t>(WaitReason::kCapacity)] = 1;
  return stats;
}

ExhaustionReport report_of(PoolStats stats,
                           std::vector<ConnectionStats> connections,
                           Expected<DatabaseView> database) {
  DiagnosisFacts facts;
  facts.stats = std::move(stats);
  facts.connections = std::move(connections);
  facts.threshold = seconds(1);
  if (database) {
    facts.database = *std::move(database);
  } else {
    facts.database_error = database.error().message;
  }
  return make_report(std::move(facts));
}

constexpr auto kRuns = TransactionStatus::kActive;
constexpr auto kThinks = TransactionStatus::kInTransaction;
constexpr auto kRests = TransactionStatus::kIdle;

TEST(ExhaustionReport, ABlockerThatIsIdleInATransactionIsToBeEnded) {
  Backend migration = backend(99, "boss");
  migration.state = "idle in transaction";
  migration.in_state = seconds(92);
  migration.application = "migrate";
  migration.is_superuser = true;
  const auto report =
      report_of(full_pool(), {held(1, kRuns), held(2, kRuns)},
                view_of({blocked(1, 99), blocked(2, 1), migration}));
  EXPECT_EQ(report.verdict.finding,
            "2 of 2 connections wait for a lock of PID 99, user \"boss\", "
            "application \"migrate\", idle in transaction for 92 s");
  EXPECT_THAT(report.verdict.action,
              AllOf(HasSubstr("SELECT pg_terminate_backend(99) (this takes a "
                              "superuser)"),
                    Not(HasSubstr("pg_cancel_backend"))));
}

TEST(ExhaustionReport, WhatABlockerCallsItselfIsEscapedOnce) {
  Backend odd = backend(99, "ba\"tch\n");
  odd.application = "mi\xffgrate\xc2\\";
  const auto report =
      report_of(full_pool(), {held(1, kRuns)}, view_of({blocked(1, 99), odd}));
  EXPECT_THAT(report.verdict.finding,
              HasSubstr("user \"ba\\\"tch\\n\", "
                        "application \"mi\\xffgrate\\xc2\\\\\""));
}

TEST(ExhaustionReport, ABlockerThatRunsIsToBeCancelled) {
  const auto report =
      report_of(full_pool(), {held(1, kRuns)},
                view_of({blocked(1, 99), backend(99, "batch")}));
  EXPECT_THAT(
      report.verdict.action,
      HasSubstr("SELECT pg_cancel_backend(99) (this takes the role \"batch\", "
                "a member of it or of pg_signal_backend)"));
}

TEST(ExhaustionReport, ABlockerThatIsHiddenIsCancelledFirst) {
  Backend hidden = backend(99, "batch");
  hidden.hidden = true;
  hidden.state = "";
  const auto report = report_of(full_pool(), {held(1, kRuns)},
                                view_of({blocked(1, 99), hidden}));
  EXPECT_THAT(report.verdict.finding, HasSubstr("hidden"));
  EXPECT_THAT(report.verdict.action,
              AllOf(HasSubstr("pg_cancel_backend(99)"),
                    HasSubstr("idle in a transaction: SELECT "
                              "pg_terminate_backend(99)")));
}

TEST(ExhaustionReport, ABlockerOfThePoolsOwnIsCalledThat) {
  Backend own = backend(2);
  own.state = "idle in transaction";
  const auto report = report_of(full_pool(), {held(1, kRuns), held(2, kThinks)},
                                view_of({blocked(1, 2), own}));
  EXPECT_THAT(report.verdict.finding,
              HasSubstr("1 of 2 connections wait for a lock of PID 2"));
  EXPECT_THAT(report.verdict.finding,
              HasSubstr("the pool's own, held by \"checkout\" at "
                        "checkout.cc:12"));
  EXPECT_THAT(report.verdict.action,
              HasSubstr("pg_terminate_backend(2) (\"app\" may do so)"));
}

TEST(ExhaustionReport, ARowThatManyWantIsNotFreedByEndingOneOfThem) {
  DiagnosisFacts facts;
  facts.stats = full_pool();
  facts.threshold = seconds(1);
  facts.connections = {held(1, kRuns), held(2, kThinks)};
  facts.database = view_of({blocked(1, 2), backend(2)});
  ConnectionStats& holder = facts.connections[1];
  holder.in_state = std::chrono::milliseconds(120);
  const auto verdict = [&] { return make_report(facts).verdict; };
  EXPECT_EQ(verdict().cause, Cause::kLockContention);
  EXPECT_THAT(verdict().finding, HasSubstr("checkout.cc:12, for 120 ms"));
  EXPECT_THAT(verdict().action, AllOf(HasSubstr("want the same row"),
                                      Not(HasSubstr("_backend("))));
  // It queued for the row itself, as all do.
  holder.in_state = seconds(2);
  holder.statement->started_ago = seconds(2);
  holder.statement->took = std::chrono::milliseconds(1900);
  EXPECT_THAT(verdict().action, HasSubstr("_backend(2)"));
  facts.recent.mean_hold = seconds(2);
  EXPECT_THAT(verdict().action, HasSubstr("want the same row"));
  holder.in_state = seconds(7);
  EXPECT_THAT(verdict().action, HasSubstr("_backend(2)"))
      << "that is longer than usual";
}

TEST(ExhaustionReport, APreparedTransactionThatBlocksIsNotToBeSignalled) {
  const auto report =
      report_of(full_pool(), {held(1, kRuns)}, view_of({blocked(1, 0)}));
  EXPECT_THAT(report.verdict.action, AllOf(HasSubstr("pg_prepared_xacts"),
                                           Not(HasSubstr("_backend("))));
}

TEST(ExhaustionReport, SlowStatementsAreToldFromIdleTransactions) {
  const auto slow = report_of(full_pool(), {held(1, kRuns), held(2, kRuns)},
                              view_of({backend(1), backend(2)}));
  EXPECT_THAT(slow.verdict.finding,
              StartsWith("2 of 2 connections run a statement, for longest that "
                         "of \"checkout\" at checkout.cc:12, for 20 s"));
  EXPECT_THAT(slow.verdict.action, HasSubstr("SELECT pg_cancel_backend(1)"));
  const auto thinking =
      report_of(full_pool(), {held(1, kThinks), held(2, kThinks)},
                view_of({backend(1), backend(2)}));
  EXPECT_THAT(thinking.verdict.finding,
              StartsWith("2 of 2 connections are idle in a transaction, for "
                         "longest that of \"checkout\" at checkout.cc:12, "
                         "open for 20 s"));
  EXPECT_THAT(thinking.verdict.action,
              HasSubstr("SELECT pg_terminate_backend(1)"));
}

TEST(ExhaustionReport, WhatMostHoldersDoCounts) {
  const auto finding = [](std::vector<ConnectionStats> connections) {
    return report_of(full_pool(), std::move(connections), view_of({}))
        .verdict.finding;
  };
  EXPECT_THAT(finding({held(1, kRuns), held(2, kRests), held(3, kRests)}),
              StartsWith("2 of 3 connections are held while"));
  EXPECT_THAT(finding({held(1, kRuns), held(2, kThinks), held(3, kThinks)}),
              StartsWith("2 of 3 connections are idle in a transaction"));
  EXPECT_THAT(finding({held(1, kRuns), held(2, kThinks), held(3, kRests)}),
              StartsWith("1 of 3 connections are idle in a transaction"));
  EXPECT_THAT(finding({}), StartsWith("no lease is out"));
}

TEST(ExhaustionReport, ForHoldersThatDoNothingTheDatabaseHasNoCure) {
  const auto report =
      report_of(full_pool(), {held(1, kRests)}, view_of({backend(1)}));
  EXPECT_THAT(report.verdict.finding,
              StartsWith("1 of 1 connections are held while the database is "
                         "idle, for longest by \"checkout\""));
  EXPECT_THAT(report.verdict.action, Not(HasSubstr("SELECT")));
}

TEST(ExhaustionReport, ManyShortLeasesAreOneTooFew) {
  ConnectionStats young = held(1, kRuns);
  young.in_state = std::chrono::milliseconds(900);
  const auto report = report_of(full_pool(), {young, young}, view_of({}));
  EXPECT_EQ(report.verdict.finding,
            "more is asked for than 2 connections serve");
  EXPECT_THAT(report.verdict.action, HasSubstr("raise DB_POOL_MAX"));
}

TEST(ExhaustionReport, InCalmNothingIsToBeDone) {
  PoolStats calm = full_pool();
  calm.oldest_waiting_age = std::chrono::milliseconds(90);
  EXPECT_EQ(report_of(calm, {held(1, kRuns)}, view_of({})).verdict.finding,
            "no request has waited for longer than 100 ms");
  calm.waiting = {};
  calm.waiting_total = 0;
  EXPECT_EQ(report_of(calm, {held(1, kRuns)}, view_of({})).verdict.finding,
            "no request waits for a connection");
}

TEST(ExhaustionReport, InCalmADatabaseThatCannotBeReachedIsDown) {
  DiagnosisFacts facts;
  facts.database_error = "connection to db:5432 refused: nobody listens there";
  facts.is_unreachable = true;
  const auto report = make_report(facts);
  EXPECT_EQ(report.verdict.cause, Cause::kBackendDown);
  EXPECT_EQ(report.verdict.finding, facts.database_error);
  EXPECT_THAT(report.verdict.action, HasSubstr("look at the database"));
  EXPECT_EQ(report.database_error, facts.database_error);
}

TEST(ExhaustionReport, WhileThePoolServesAnUnreachableDatabaseIsToldBesides) {
  DiagnosisFacts facts;
  facts.database_error = "connection to db:5432 timed out";
  facts.is_unreachable = true;
  facts.recent.granted = 1;
  const auto report = make_report(facts);
  EXPECT_EQ(report.verdict.cause, Cause::kNone);
  EXPECT_THAT(report.verdict.finding, HasSubstr(facts.database_error));
  EXPECT_THAT(report.verdict.action, HasSubstr("look at the database"));
  facts.is_unreachable = false;
  EXPECT_EQ(make_report(facts).verdict.action, "nothing is to be done");
}

TEST(ExhaustionReport, BehindAPoolerNobodyIsToBeSignalled) {
  DatabaseView view = view_of({});
  view.behind_pooler = true;
  const auto report = report_of(full_pool(), {held(1, kRuns)}, view);
  EXPECT_THAT(report.database_error, HasSubstr("pooler"));
  EXPECT_THAT(report.verdict.action, Not(HasSubstr("SELECT")));
}

TEST(ExhaustionReport, WithoutTheDatabaseItSaysWhy) {
  Error error;
  error.message = "refused";
  const auto report =
      report_of(full_pool(), {held(1, kRuns)}, Unexpected(std::move(error)));
  EXPECT_EQ(report.database_error, "refused");
  EXPECT_EQ(report.ceiling, "");
  EXPECT_THAT(report.verdict.action, Not(HasSubstr("SELECT")));
}

TEST(ExhaustionReport, TheCeilingIsTheNarrowestLimit) {
  const auto ceiling = [](const DatabaseView& view) {
    return report_of(full_pool(), {}, view).ceiling;
  };
  DatabaseView view = view_of({});
  EXPECT_EQ(ceiling(view),
            "before DB_POOL_MAX (2) is raised: the database grants this pool "
            "59 connections at most now, bound by max_connections of the "
            "server (100, 3 of them reserved, 40 taken)");
  view.limits.database_limit = 50;
  EXPECT_THAT(ceiling(view), AllOf(HasSubstr("pool 22 connections"),
                                   HasSubstr("the database \"orders\" (50, 30 "
                                             "taken)")));
  view.limits.role_limit = 12;
  EXPECT_THAT(ceiling(view), AllOf(HasSubstr("pool 2 connections"),
                                   HasSubstr("the role \"app\" (12, 12 "
                                             "taken)")));
  view.limits.superuser = true;
  EXPECT_THAT(ceiling(view), HasSubstr("pool 62 connections"));
}

TEST(ExhaustionReport, WhatIsBeingOpenedDoesNotRaiseTheCeiling) {
  PoolStats stats = full_pool();
  stats.total = 6;
  stats.connections[static_cast<std::size_t>(ConnectionState::kOpening)] = 4;
  EXPECT_THAT(report_of(stats, {}, view_of({})).ceiling,
              HasSubstr("grants this pool 59 connections"));
}

}  // namespace
}  // namespace dbpool::exporter
