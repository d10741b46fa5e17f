#include "exporter/logging/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>

#include "exporter/logging/stats_log.h"
#include "tests/support/eventually.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class EventLogTest : public ::testing::Test {
 protected:
  EventLog make(EventLogOptions options) { return {log_, options}; }

  std::string text() const { return stream_.str(); }
  long lines() const { return std::ranges::count(stream_.str(), '\n'); }

  static StatementEvent statement(std::string_view sql,
                                  const Error* error = nullptr) {
    return {"default", "orders", sql, 2, milliseconds(1500), error};
  }
  static Error server_error() {
    Error error;
    error.kind = ErrorKind::kStatement;
    error.statement_failure = StatementFailure::kServerError;
    error.sqlstate = "42P01";
    error.message = "relation \"nowhere\" does not exist";
    return error;
  }
  static LeaseEvent lease(std::string_view tag) {
    return {"default", tag, "/build/src/orders.cc", 12, 4711, seconds(61)};
  }

  std::ostringstream stream_;
  Logger log_{LogOptions{},
              std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_)};
};

TEST_F(EventLogTest, ConnectionsAreLoggedOnlyWhenAskedFor) {
  const ConnectionOpenedEvent opened{"default", "db", 7, milliseconds(3)};
  const ConnectionClosedEvent closed{"default", 7, CloseReason::kMaxUses, 9,
                                     seconds(4)};
  EventLog quiet = make({});
  quiet.connection_opened(opened);
  quiet.connection_closed(closed);
  EXPECT_EQ(text(), "");

  EventLog talking = make({.connections = true});
  talking.connection_opened(opened);
  EXPECT_THAT(text(), HasSubstr("level=info msg=\"connection opened\" "
                                "pool=default host=db backend_pid=7"));
  talking.connection_closed(closed);
  EXPECT_THAT(text(), HasSubstr("msg=\"connection closed\" pool=default "
                                "reason=max_uses backend_pid=7 uses=9"));
}

TEST_F(EventLogTest, AFailureIsLoggedOnceAndItsEndToo) {
  EventLog events = make({});
  const ConnectFailedEvent failed{"default", ConnectFailure::kAuth,
                                  "wrong password", 3, seconds(2)};
  events.connect_failed(failed);
  events.connect_failed(failed);
  EXPECT_EQ(lines(), 1);
  EXPECT_THAT(text(), HasSubstr("level=warn"));
  EXPECT_THAT(text(), HasSubstr("reason=auth error=\"wrong password\""));
  events.connection_opened({"default", "db", 7, milliseconds(3)});
  events.connection_opened({"default", "db", 8, milliseconds(3)});
  EXPECT_EQ(lines(), 2);
  EXPECT_THAT(text(), HasSubstr("open again"));
}

TEST_F(EventLogTest, FailuresOfDifferentKindsDoNotHideEachOther) {
  EventLog events = make({});
  events.connect_failed({"default", ConnectFailure::kAuth, "a", 1, {}});
  events.connect_failed({"default", ConnectFailure::kRefused, "b", 2, {}});
  events.connect_failed({"other", ConnectFailure::kRefused, "b", 1, {}});
  EXPECT_EQ(lines(), 3);
}

TEST_F(EventLogTest, LeasesAreNamedByTagAndPlace) {
  EventLog events = make({});
  events.leak_suspected(lease("checkout"));
  EXPECT_THAT(text(), HasSubstr("tag=checkout acquired_at=orders.cc:12 "
                                "age_seconds=61 backend_pid=4711"));
  events.leak_suspected(lease("checkout"));
  EXPECT_EQ(lines(), 1);
  events.leak_suspected(lease("basket"));
  events.dirty_return(lease("checkout"));
  EXPECT_EQ(lines(), 3);
}

TEST_F(EventLogTest, EveryAbandonedLeaseIsLogged) {
  EventLog events = make({});
  events.lease_abandoned(lease("report"));
  events.lease_abandoned(lease("report"));
  EXPECT_EQ(lines(), 2);
  EXPECT_THAT(text(), HasSubstr("level=error"));
}

TEST_F(EventLogTest, AQueryIsLoggedWithTextNumberOfParametersAndDuration) {
  EventLog events = make({.queries = true});
  events.statement_finished(statement("SELECT $1 + $2"));
  EXPECT_THAT(text(), MatchesRegex("ts=[0-9-]+T[0-9:.]+Z .*\n"));
  EXPECT_THAT(text(), HasSubstr("msg=query pool=default query=orders "
                                "sql=\"SELECT $1 + $2\" parameters=2 "
                                "seconds=1.5"));
  events.statement_finished(statement("SELECT $1 + $2"));
  EXPECT_EQ(lines(), 2);
}

TEST_F(EventLogTest, ALongQueryIsCutAtACharacter) {
  std::string sql;
  for (int i = 0; i < 300; ++i) sql += "ö";
  EventLog events = make({.queries = true});
  events.statement_finished(statement(sql));
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += "ö";
  EXPECT_THAT(text(), HasSubstr(expected));
  EXPECT_THAT(text(), Not(HasSubstr(expected + "ö")));
}

TEST_F(EventLogTest, ASecretInAQueryIsNotLoggedEvenWhereItIsCut) {
  const std::string secret = "Sw0rdfish";
  std::string sql = "SELECT dblink('postgresql://app:";
  sql.insert(0, kLoggedSqlCharacters - sql.size() - 4, ' ');
  sql += secret + "@db/orders')";
  EventLog events = make({.queries = true});
  events.statement_finished(statement(sql));
  EXPECT_THAT(text(), HasSubstr("dblink"));
  EXPECT_THAT(text(), Not(HasSubstr(secret.substr(0, 4))));
}

TEST_F(EventLogTest, ThePasswordOfTheDatabaseIsInNoQuery) {
  const auto target = ConnectionString::parse("host=h password=Sw0rd/fish");
  ASSERT_TRUE(target);
  EventLog events = make(
      {.queries = true, .target = std::make_shared<ConnectionString>(*target)});
  events.statement_finished(
      statement("SELECT f('Sw0rd/fish'), 'Sw0rd%2Ffish'"));
  EXPECT_THAT(text(), HasSubstr("sql=\"SELECT f('***'), '***'\""));
}

TEST_F(EventLogTest, WithoutTheQueryLogOnlyFailuresAreToldAndWithoutText) {
  EventLog events = make({});
  events.statement_finished(statement("SELECT 1"));
  EXPECT_EQ(text(), "");
  const Error error = server_error();
  events.statement_finished(statement("SELECT * FROM nowhere", &error));
  events.statement_finished(statement("SELECT * FROM nowhere", &error));
  EXPECT_EQ(lines(), 1);
  EXPECT_THAT(text(), HasSubstr("query=orders"));
  EXPECT_THAT(text(), HasSubstr("reason=server_error sqlstate=42P01"));
  EXPECT_THAT(text(), Not(HasSubstr("FROM nowhere")));
}

TEST_F(EventLogTest, WithTheQueryLogEachFailureIsTold) {
  EventLog events = make({.queries = true});
  const Error error = server_error();
  events.statement_finished(statement("SELECT * FROM nowhere", &error));
  events.statement_finished(statement("SELECT * FROM nowhere", &error));
  EXPECT_EQ(lines(), 2);
  EXPECT_THAT(text(), HasSubstr("level=warn msg=\"query failed\""));
}

TEST_F(EventLogTest, AFloodOfQueriesDoesNotFloodTheLog) {
  EventLog events = make({.queries = true});
  const Error error = server_error();
  for (std::uint32_t i = 0; i < 100 * kQueriesASecond; ++i) {
    events.statement_finished(statement("SELECT 1"));
  }
  // The loop takes a second or two on a slow machine.
  const long logged = lines();
  EXPECT_GE(logged, kQueriesASecond);
  EXPECT_LE(logged, 50 * kQueriesASecond);
  events.statement_finished(statement("SELECT 1", &error));
  EXPECT_EQ(lines(), logged + 1) << "a failure is told all the same";
}

Error refusal() {
  Error error;
  error.kind = ErrorKind::kAcquire;
  error.acquire_failure = AcquireFailure::kTimeoutCapacity;
  error.message =
      "no connection became free; raise PoolOptions::max_connections";
  return error;
}

TEST_F(EventLogTest, AFailedAcquireIsToldOnceForEachPoolWorkloadAndReason) {
  EventLog events = make({});
  Error error = refusal();
  for (int i = 0; i < 5; ++i) {
    events.acquire_failed("default", "orders", error, {});
  }
  EXPECT_EQ(lines(), 1);
  EXPECT_THAT(text(), HasSubstr("level=warn msg=\"acquire failed\" "
                                "pool=default workload=orders "
                                "reason=timeout_capacity error=\"no connection "
                                "became free; raise DB_POOL_MAX\"\n"));
  events.acquire_failed("default", "stock", error, {});
  events.acquire_failed("other", "stock", error, {});
  error.acquire_failure = AcquireFailure::kQueueFull;
  events.acquire_failed("default", "stock", error, {});
  EXPECT_EQ(lines(), 4);
}

TEST_F(EventLogTest, WhoGetsNoConnectionIsToldTheVerdict) {
  EventLog events = make({});
  const Verdict verdict{Cause::kLeak, "2 of 2 leases", "give them back"};
  events.acquire_failed("default", "orders", refusal(), verdict);
  EXPECT_THAT(text(), HasSubstr("cause=leak action=\"give them back\"\n"));
  events.probe_failed("default", "select_1", refusal(), verdict);
  EXPECT_THAT(text(),
              HasSubstr("level=warn msg=\"probe fails\" pool=default "
                        "probe=select_1 reason=timeout_capacity error="));
  EXPECT_THAT(text(), HasSubstr("DB_POOL_MAX\" cause=leak action=\"give"));
}

TEST_F(EventLogTest, AVerdictThatContradictsTheReasonIsNotTold) {
  EventLog events = make({});
  const auto tell = [&](AcquireFailure reason, Cause cause) {
    stream_.str("");
    Error error = refusal();
    error.acquire_failure = reason;
    const Verdict verdict{cause, "evidence", "advice"};
    events.probe_failed("default", "select_1", error, verdict);
    const std::string of_probe = text();
    stream_.str("");
    // A workload of its own, so that no line is held back.
    const std::string workload =
        std::string(to_string(reason)) + '/' + std::string(to_string(cause));
    events.acquire_failed("default", workload, error, verdict);
    const auto is_told = [](const std::string& line) {
      return line.find(" action=advice") != std::string::npos;
    };
    EXPECT_EQ(lines(), 1);
    EXPECT_EQ(is_told(text()), is_told(of_probe)) << workload;
    return is_told(text());
  };
  using enum AcquireFailure;
  for (const auto reason : {kBackendDown, kTimeoutBackendDown}) {
    EXPECT_TRUE(tell(reason, Cause::kBackendDown));
    EXPECT_FALSE(tell(reason, Cause::kTooSmall));
    EXPECT_FALSE(tell(reason, Cause::kLockContention));
  }
  EXPECT_TRUE(tell(kServerSlots, Cause::kServerSlots));
  EXPECT_FALSE(tell(kServerSlots, Cause::kBackendDown));
  EXPECT_FALSE(tell(kClosed, Cause::kTooSmall));
  EXPECT_FALSE(tell(kCancelled, Cause::kLeak));
  EXPECT_TRUE(tell(kTimeoutCapacity, Cause::kBackendDown))
      << "a frozen database keeps its connections";
}

TEST_F(EventLogTest, AProbeThatHadAConnectionIsToldNoVerdict) {
  EventLog events = make({});
  events.probe_failed("default", "select_1", server_error(),
                      {Cause::kLeak, "2 of 2 leases", "give them back"});
  EXPECT_THAT(text(), HasSubstr("reason=server_error error=\"relation "
                                "\\\"nowhere\\\" does not exist\"\n"));
}

TEST_F(EventLogTest, AScriptThatBreaksOffIsToldOnceForEachPoolAndWorkload) {
  EventLog events = make({});
  for (int i = 0; i < 5; ++i) {
    events.script_failed("default", "transfer",
                         "a.sql:2: \\set: division by zero");
  }
  EXPECT_EQ(lines(), 1);
  EXPECT_THAT(text(), HasSubstr("level=warn msg=\"script failed\" "
                                "pool=default workload=transfer "
                                "error=\"a.sql:2: "));
  events.script_failed("default", "stock", "b.sql: ends inside a transaction");
  events.script_failed("other", "stock", "b.sql: ends inside a transaction");
  EXPECT_EQ(lines(), 3);
}

TEST_F(EventLogTest, StatementsOfProbesAreToldOnlyWhereTheyFail) {
  EventLog events = make({.queries = true});
  StatementEvent of_a_probe = statement("SELECT 1");
  for (const char* name : {"probe_select_1", "probe_server"}) {
    of_a_probe.name = name;
    events.statement_finished(of_a_probe);
  }
  EXPECT_EQ(text(), "");
  const Error error = server_error();
  of_a_probe.error = &error;
  events.statement_finished(of_a_probe);
  EXPECT_THAT(text(), HasSubstr("msg=\"query failed\" pool=default "
                                "query=probe_server"));
}

// A sink that may be read while a thread writes.
class SharedSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    text_.append(msg.payload.data(), msg.payload.size());
    text_ += '\n';
  }
  void flush_() override {}

 private:
  std::string text_;
};

TEST(StatsLogTest, TellsThePoolsStatsAgainAndAgain) {
  const auto sink = std::make_shared<SharedSink>();
  Logger log(LogOptions{}, sink);
  PoolStats stats;
  stats.name = "default";
  stats.total = 15;
  stats.connections[static_cast<std::size_t>(ConnectionState::kIdle)] = 12;
  const StatsLog stats_log(
      log, [&] { return std::vector{stats}; }, milliseconds(1));
  EXPECT_TRUE(test::eventually(seconds(30), [&] {
    return std::ranges::count(sink->text(), '\n') >= 3;
  }));
  EXPECT_THAT(sink->text(),
              HasSubstr("msg=\"Pool stats\" pool=default totalConnections=15 "
                        "idleConnections=12 waitingRequests=0"));
  EXPECT_THAT(sink->text(), HasSubstr("waitingRequestsPeak=0"));
}

}  // namespace
}  // namespace dbpool::exporter
