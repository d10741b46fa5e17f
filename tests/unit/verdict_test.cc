// Why requests wait: the rows of the table in verdict.h, and which verdict is
// in force.
#include "exporter/diagnosis/verdict.h"

#include <gmock/gmock.h>

#include <set>
#include <string_view>

#include "exporter/diagnosis/verdict_filter.h"
#include "exporter/diagnosis/words.h"

namespace dbpool::exporter {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

ConnectionStats held(int pid, TransactionStatus transaction, Duration since) {
  ConnectionStats connection;
  connection.state = ConnectionState::kActive;
  connection.in_state = since;
  connection.backend_pid = pid;
  connection.tag = "checkout";
  connection.file = "checkout.cc";
  connection.line = 12;
  connection.transaction = transaction;
  connection.statement.emplace().started_ago = since;
  if (transaction == TransactionStatus::kActive) {
    connection.statement->took = since;
  }
  if (transaction == TransactionStatus::kInTransaction) {
    connection.in_transaction = since;
  }
  return connection;
}

constexpr auto kRuns = TransactionStatus::kActive;
constexpr auto kThinks = TransactionStatus::kInTransaction;
constexpr auto kRests = TransactionStatus::kIdle;

void wait_for(DiagnosisFacts& facts, WaitReason reason, std::uint32_t number) {
  facts.stats.waiting[static_cast<std::size_t>(reason)] = number;
  facts.stats.waiting_total += number;
  facts.stats.oldest_waiting_age = milliseconds(800);
}

// Ten connections, taken by short statements; five requests wait.
DiagnosisFacts crowded() {
  DiagnosisFacts facts;
  facts.stats.max_connections = facts.stats.total = 10;
  facts.stats.connections[static_cast<std::size_t>(ConnectionState::kActive)] =
      10;
  wait_for(facts, WaitReason::kCapacity, 5);
  for (int pid = 1; pid <= 10; ++pid) {
    facts.connections.push_back(held(pid, kRuns, milliseconds(20)));
  }
  facts.load.during = seconds(10);
  facts.load.arrivals = 5600;
  facts.load.granted = 5000;
  facts.load.mean_hold = milliseconds(20);
  facts.threshold = seconds(1);
  facts.leak_threshold = seconds(60);
  return facts;
}

void add_lock_waiters(DiagnosisFacts& facts, int number) {
  if (!facts.database) facts.database.emplace();
  for (int pid = 1; pid <= number; ++pid) {
    Backend backend;
    backend.pid = pid;
    backend.wait_event_type = "Lock";
    facts.database->backends.push_back(backend);
  }
}

TEST(Verdict, InCalmThereIsNone) {
  DiagnosisFacts facts = crowded();
  facts.stats.waiting = {};
  facts.stats.waiting_total = 0;
  facts.stats.oldest_waiting_age = {};
  EXPECT_EQ(judge(facts).cause, Cause::kNone);
  facts.recent.acquires = 100;
  facts.recent.slow = 1;
  EXPECT_EQ(judge(facts).cause, Cause::kNone) << "1 % may be slow";
  facts.recent.slow = 2;
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
}

TEST(Verdict, ADatabaseThatIsDownIsTheGravest) {
  DiagnosisFacts facts = crowded();
  add_lock_waiters(facts, 10);
  facts.down = "the connection probe fails";
  EXPECT_EQ(judge(facts).cause, Cause::kBackendDown);
  EXPECT_EQ(judge(facts).finding, "the connection probe fails");
  facts.down = "";
  wait_for(facts, WaitReason::kBackendDown, 1);
  EXPECT_EQ(judge(facts).cause, Cause::kBackendDown);
}

TEST(Verdict, WhileAConnectionIsLiveTheFailuresBeforeItArePast) {
  DiagnosisFacts facts = crowded();
  facts.recent
      .failures[static_cast<std::size_t>(AcquireFailure::kBackendDown)] = 1;
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
  facts.stats.connections = {};
  facts.connections.clear();
  EXPECT_EQ(judge(facts).cause, Cause::kBackendDown);
}

TEST(Verdict, ADatabaseThatDoesNotAnswerIsDownIfNothingMovesEither) {
  DiagnosisFacts facts = crowded();
  for (auto& holder : facts.connections) holder = held(1, kRuns, seconds(5));
  facts.database_error = "no answer in time";
  EXPECT_EQ(judge(facts).cause, Cause::kSlowQueries);
  facts.is_silent = true;
  EXPECT_EQ(judge(facts).cause, Cause::kBackendDown);
  EXPECT_THAT(judge(facts).finding, HasSubstr("no answer in time"));
  facts.stats.oldest_waiting_age = {};
  EXPECT_EQ(judge(facts).cause, Cause::kNone) << "nobody waits for long";
}

TEST(Verdict, WhatOnlySomebodyCanMendIsNoMatterOfPatience) {
  DiagnosisFacts facts = crowded();
  facts.down = "no connection can be opened";
  facts.stats.last_failure.seen = true;
  facts.stats.last_failure.reason = ConnectFailure::kRefused;
  EXPECT_THAT(judge(facts).action, HasSubstr("opens connections again"));
  facts.stats.last_failure.reason = ConnectFailure::kAuth;
  EXPECT_THAT(judge(facts).action, HasSubstr("mend what"));
}

TEST(Verdict, WithoutABackendNothingIsToBeSentToOne) {
  DiagnosisFacts facts = crowded();
  for (auto& holder : facts.connections) holder = held(1, kRuns, seconds(5));
  EXPECT_EQ(judge(facts).action,
            "make these statements faster, or fewer at once");
  EXPECT_THAT(judge(facts).finding, HasSubstr("could not be looked up"));
  facts.database.emplace().backends.emplace_back().pid = 1;
  EXPECT_THAT(judge(facts).action, HasSubstr("SELECT pg_cancel_backend(1)"));
}

TEST(Verdict, OfAForeignNameNothingEndsItsQuotation) {
  DiagnosisFacts facts = crowded();
  add_lock_waiters(facts, 10);
  Backend blocker;
  blocker.pid = 99;
  blocker.application = "a\", idle \u202e";
  for (Backend& backend : facts.database->backends) backend.blockers = {99};
  facts.database->backends.push_back(blocker);
  EXPECT_THAT(judge(facts).finding,
              HasSubstr(R"(application "a\", idle \u202e")"));
}

TEST(Verdict, SlotsThatAreRefusedAreNamedEvenIfNobodyWaits) {
  DiagnosisFacts facts = crowded();
  facts.stats.waiting = {};
  facts.stats.waiting_total = 0;
  facts.recent
      .failures[static_cast<std::size_t>(AcquireFailure::kServerSlots)] = 1;
  EXPECT_EQ(judge(facts).cause, Cause::kServerSlots);
}

TEST(Verdict, WaitingForOpeningsIsNoMatterOfHolders) {
  DiagnosisFacts facts = crowded();
  wait_for(facts, WaitReason::kOpening, 6);
  EXPECT_EQ(judge(facts).cause, Cause::kOpeningSlow);
}

TEST(Verdict, AFifthOfTheHoldersWaitingForALockIsEnough) {
  DiagnosisFacts facts = crowded();
  add_lock_waiters(facts, 1);
  EXPECT_NE(judge(facts).cause, Cause::kLockContention);
  add_lock_waiters(facts, 2);
  EXPECT_EQ(judge(facts).cause, Cause::kLockContention);
}

TEST(Verdict, ALeakIsNamedHoweverFewThereAre) {
  DiagnosisFacts facts = crowded();
  facts.connections.front() = held(1, kRests, seconds(61));
  EXPECT_EQ(judge(facts).cause, Cause::kLeak);
  EXPECT_THAT(judge(facts).finding,
              HasSubstr("1 of 10 connections were not given back"));
  EXPECT_THAT(judge(facts).finding,
              HasSubstr("\"checkout\" at checkout.cc:12"));
  facts.connections.front() = held(1, kRuns, seconds(61));
  EXPECT_NE(judge(facts).cause, Cause::kLeak) << "it runs a statement";
  facts.connections.front() = held(1, kRests, seconds(61));
  facts.leak_threshold = std::nullopt;
  EXPECT_NE(judge(facts).cause, Cause::kLeak);
}

TEST(Verdict, OldHoldersExplainItWhenTheyAreHalfOfAll) {
  DiagnosisFacts facts = crowded();
  for (int i = 0; i < 4; ++i) facts.connections[i] = held(i, kRuns, seconds(2));
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
  facts.connections[4] = held(4, kRuns, seconds(2));
  EXPECT_EQ(judge(facts).cause, Cause::kSlowQueries);
  for (int i = 0; i < 5; ++i) {
    facts.connections[i] = held(i, kThinks, seconds(2));
  }
  EXPECT_EQ(judge(facts).cause, Cause::kIdleInTransaction);
}

TEST(Verdict, OldHoldersExplainItWhenThereIsEnoughWithoutThem) {
  DiagnosisFacts facts = crowded();
  facts.connections[0] = held(1, kThinks, seconds(2));
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
  facts.load.arrivals = 4000;  // eight connections are offered
  EXPECT_EQ(judge(facts).cause, Cause::kIdleInTransaction);
  facts.connections[0] = held(1, kRuns, seconds(2));
  EXPECT_EQ(judge(facts).cause, Cause::kSlowQueries);
}

// All leases began at once, 1002 ms ago. Their statement so far `took` that
// long, and ran until now or still runs; those before it took `before`.
DiagnosisFacts in_step(TransactionStatus transaction, Duration took,
                       Duration before) {
  DiagnosisFacts facts = crowded();
  for (auto& holder : facts.connections) {
    holder = held(1, transaction, milliseconds(1002));
    holder.in_transaction = milliseconds(1002);
    holder.statement->started_ago = holder.statement->took = took;
  }
  facts.recent.during = seconds(2);
  facts.recent.held = 10 * milliseconds(1002);
  facts.recent.statements = 20;
  facts.recent.statement_time = 10 * before;
  if (transaction != kRuns) facts.recent.statement_time += 10 * took;
  facts.recent.mean_statement = facts.recent.statement_time / 20;
  facts.recent.mean_hold = milliseconds(1002);
  return facts;
}

TEST(Verdict, AStatementThatHasJustBegunIsNoEvidenceOfSlowOnes) {
  const Verdict verdict =
      judge(in_step(kRuns, microseconds(900), milliseconds(2)));
  EXPECT_EQ(verdict.cause, Cause::kIdleInTransaction);
  EXPECT_EQ(verdict.finding,
            "leases are held for 1 s on average, and statements run in 0.3 % "
            "of that time");
}

TEST(Verdict, AStatementThatHasJustBegunIsNoEvidenceAgainstSlowOnesEither) {
  const Verdict verdict = judge(in_step(kRuns, microseconds(900), seconds(1)));
  EXPECT_EQ(verdict.cause, Cause::kSlowQueries);
  EXPECT_EQ(verdict.finding,
            "statements take 500 ms on average, and leases 1 s");
}

TEST(Verdict, APauseThatHasJustBegunIsNoEvidenceOfWorkOutsideOfTheDatabase) {
  for (const auto transaction : {kThinks, kRests}) {
    const Verdict verdict =
        judge(in_step(transaction, seconds(1), milliseconds(2)));
    EXPECT_EQ(verdict.cause, Cause::kSlowQueries) << verdict.finding;
  }
}

TEST(Verdict, ManyShortStatementsAreNotSlowHoweverLongTheLeaseIs) {
  DiagnosisFacts facts = in_step(kRuns, microseconds(900), seconds(1));
  facts.recent.statements = 10'000;
  facts.recent.mean_statement = milliseconds(1);
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
}

TEST(Verdict, WhoIsOldIsMeasuredByWhatIsUsual) {
  DiagnosisFacts facts = crowded();
  for (auto& holder : facts.connections) holder = held(1, kRuns, seconds(5));
  EXPECT_EQ(judge(facts).cause, Cause::kSlowQueries);
  facts.baseline.emplace().mean_hold = seconds(2);
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
}

TEST(Verdict, StatementsThatBecameSlowAreNamed) {
  DiagnosisFacts facts = crowded();
  facts.recent.statements = 1000;
  facts.recent.mean_statement = milliseconds(30);
  facts.baseline.emplace().statements = 100'000;
  facts.baseline->mean_statement = milliseconds(10);
  EXPECT_EQ(judge(facts).cause, Cause::kSlowQueries);
  facts.recent.mean_statement = milliseconds(29);
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
  facts.recent.mean_statement = seconds(1);
  facts.baseline->mean_statement = seconds(1);
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall) << "that is usual";
  facts.baseline = std::nullopt;
  EXPECT_EQ(judge(facts).cause, Cause::kSlowQueries);
}

TEST(Verdict, LeasesThatWereHeldIdleAreSeenThoughTheyHaveChangedHands) {
  DiagnosisFacts facts = crowded();
  facts.recent.during = seconds(2);
  facts.recent.held = seconds(20);
  // 20 ms of each statement that runs now are to be added.
  facts.recent.statement_time = milliseconds(9790);
  facts.recent.mean_hold = seconds(8);
  EXPECT_EQ(judge(facts).cause, Cause::kIdleInTransaction);
  facts.recent.mean_hold = std::nullopt;
  EXPECT_EQ(judge(facts).cause, Cause::kIdleInTransaction)
      << "none was given out or came back";
  facts.recent.statement_time = milliseconds(9800);
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall);
  facts.recent.held = milliseconds(999);
  facts.recent.statement_time = {};
  EXPECT_EQ(judge(facts).cause, Cause::kTooSmall) << "that is too little";
}

TEST(Verdict, ATooSmallPoolIsToldByTheLoad) {
  const Verdict verdict = judge(crowded());
  EXPECT_EQ(verdict.cause, Cause::kTooSmall);
  EXPECT_EQ(verdict.finding,
            "11.2 connections are offered by 560 acquires/s × 20 ms; 13 would "
            "keep 99 % of waits under 100 ms");
  DiagnosisFacts few = crowded();
  few.load.granted = 19;
  EXPECT_THAT(judge(few).finding, HasSubstr("too few to say"));
  DiagnosisFacts bursts = crowded();
  bursts.load.arrivals = 1000;
  bursts.stats.waiting_peak = 40;
  EXPECT_THAT(judge(bursts).finding,
              HasSubstr("they come in bursts, up to 40 waited"));
}

TEST(Verdict, EachCauseHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    names.insert(to_string(static_cast<Cause>(i)));
  }
  EXPECT_EQ(names.size(), kCauseCount);
  EXPECT_EQ(to_string(Cause::kNone), "none");
  EXPECT_EQ(to_string(Cause::kTooSmall), "too_small");
}

// --- Which is in force -------------------------------------------------------

bool judged(VerdictFilter& filter, Cause cause, bool somebody_waits = true,
            bool is_served = true) {
  return filter.judged({cause, "", ""}, {somebody_waits, is_served});
}

TEST(VerdictFilter, ACauseIsTakenAtOnceButASmallPoolOnlyAfterThreeLooks) {
  VerdictFilter filter;
  EXPECT_TRUE(judged(filter, Cause::kLockContention));
  EXPECT_TRUE(judged(filter, Cause::kNone));
  EXPECT_FALSE(judged(filter, Cause::kTooSmall));
  EXPECT_FALSE(judged(filter, Cause::kTooSmall));
  EXPECT_TRUE(judged(filter, Cause::kTooSmall));
}

TEST(VerdictFilter, APoolThatGrowsIsNotSlowAtOnce) {
  VerdictFilter filter;
  EXPECT_FALSE(judged(filter, Cause::kOpeningSlow));
  EXPECT_TRUE(judged(filter, Cause::kOpeningSlow));
}

TEST(VerdictFilter, AnotherCauseHasToStay) {
  VerdictFilter filter;
  judged(filter, Cause::kLockContention);
  EXPECT_FALSE(judged(filter, Cause::kSlowQueries));
  EXPECT_FALSE(judged(filter, Cause::kLockContention));
  EXPECT_FALSE(judged(filter, Cause::kSlowQueries));
  EXPECT_TRUE(judged(filter, Cause::kSlowQueries));
  EXPECT_TRUE(judged(filter, Cause::kBackendDown)) << "that is plain";
}

TEST(VerdictFilter, ADatabaseIsNotBackBecauseNobodyAsksForAConnection) {
  VerdictFilter filter;
  judged(filter, Cause::kBackendDown);
  EXPECT_FALSE(judged(filter, Cause::kNone, false, false));
  EXPECT_FALSE(judged(filter, Cause::kBackendDown, false, false));
  EXPECT_FALSE(judged(filter, Cause::kNone, false, false));
  EXPECT_TRUE(judged(filter, Cause::kNone, false, true));
  judged(filter, Cause::kBackendDown);
  for (int i = 0; i < VerdictFilter::kMemory; ++i) {
    EXPECT_FALSE(judged(filter, Cause::kNone, false, false));
  }
  EXPECT_TRUE(judged(filter, Cause::kNone, false, false))
      << "nobody has tried for a minute";
}

TEST(VerdictFilter, ADatabaseThatAnswersIsBackThoughNobodyAsksForAConnection) {
  DiagnosisFacts facts;
  EXPECT_FALSE(is_served(facts));
  facts.database.emplace();
  EXPECT_TRUE(is_served(facts));
  VerdictFilter filter;
  judged(filter, Cause::kBackendDown);
  EXPECT_TRUE(judged(filter, judge(facts).cause, false, is_served(facts)));
}

TEST(VerdictFilter, TheEndOfACauseIsToldForWhatItIs) {
  EXPECT_EQ(end_headline(Cause::kLeak, true), "requests do not wait any more");
  EXPECT_EQ(end_headline(Cause::kBackendDown, true), "the database is back");
  EXPECT_EQ(end_headline(Cause::kBackendDown, false),
            "no request asks for a connection any more");
}

TEST(VerdictFilter, WhatIsOverIsNotJudgedAgain) {
  VerdictFilter filter;
  judged(filter, Cause::kLockContention);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(judged(filter, Cause::kTooSmall, false));
  }
  EXPECT_TRUE(judged(filter, Cause::kNone, false));
  EXPECT_FALSE(judged(filter, Cause::kIdleInTransaction, false));
}

}  // namespace
}  // namespace dbpool::exporter
