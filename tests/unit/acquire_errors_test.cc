#include "pool/src/acquire_errors.h"

#include <gmock/gmock.h>

#include <set>

namespace dbpool::detail {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

AcquireFacts busy_pool() {
  AcquireFacts facts;
  facts.stats.name = "orders";
  facts.stats.connections = {1, 0, 0, 3, 0};
  facts.stats.total = 4;
  facts.stats.max_connections = 4;
  facts.stats.waiting_total = 7;
  facts.stats.max_waiting_requests = 100;
  facts.stats.oldest_waiting_age = std::chrono::milliseconds(2500);
  ConnectionStats first;
  first.state = ConnectionState::kActive;
  first.tag = "checkout";
  first.file = "src/checkout.cc";
  first.line = 12;
  first.backend_pid = 4711;
  first.in_state = std::chrono::seconds(12);
  first.transaction = TransactionStatus::kActive;
  first.statement = {.name = "refill",
                     .text = "UPDATE stock",
                     .running = true,
                     .started_ago = std::chrono::seconds(2),
                     .took = std::chrono::seconds(2)};
  ConnectionStats second;
  second.state = ConnectionState::kActive;
  second.file = "cart.cc";
  second.line = 7;
  second.backend_pid = 4712;
  second.in_state = std::chrono::milliseconds(3);
  // Of an earlier lease.
  second.statement = {
      .name = "", .text = "SELECT 1", .started_ago = std::chrono::seconds(2)};
  facts.holders = {first, second};
  return facts;
}

TEST(AcquireErrors, TellLimitsQueueHoldersAndAdvice) {
  const Error error =
      acquire_error(AcquireFailure::kTimeoutCapacity, busy_pool());
  EXPECT_EQ(error.kind, ErrorKind::kAcquire);
  EXPECT_EQ(error.acquire_failure, AcquireFailure::kTimeoutCapacity);
  EXPECT_THAT(
      error.message,
      AllOf(testing::StartsWith("pool \"orders\": "),
            HasSubstr("(timeout_capacity)"),
            HasSubstr("4 of at most 4 connections (1 opening, 0 checking, "
                      "0 idle, 3 active, 0 closing)"),
            HasSubstr("7 of at most 100 requests wait, the oldest for 2.5 s"),
            HasSubstr("held longest: \"checkout\" at checkout.cc:12 for 12 s, "
                      "backend 4711, running \"refill\" for 2 s; cart.cc:7 "
                      "for 0.003 s, backend 4712, no statement yet; "),
            HasSubstr("look at the holders first: raise "
                      "PoolOptions::max_connections only if none of them is "
                      "slow, idle or leaked"),
            Not(HasSubstr("opening error"))));
}

TEST(AcquireErrors, TellLongTimesInPlainNumbers) {
  AcquireFacts facts = busy_pool();
  facts.holders[0].in_state = std::chrono::seconds(4711);
  EXPECT_THAT(acquire_error(AcquireFailure::kTimeoutCapacity, facts).message,
              HasSubstr("checkout.cc:12 for 4711 s, "));
}

TEST(AcquireErrors, TellTheLastOpeningErrorInOneLine) {
  AcquireFacts facts = busy_pool();
  facts.stats.last_failure = {.seen = true,
                              .reason = ConnectFailure::kRefused,
                              .message = "nobody\nlistens",
                              .ago = std::chrono::seconds(3)};
  EXPECT_THAT(acquire_error(AcquireFailure::kBackendDown, facts).message,
              AllOf(HasSubstr("last opening error 3 s ago (refused): "
                              "nobody listens"),
                    Not(HasSubstr("\n"))));
}

TEST(AcquireErrors, EachFailureHasWordsOfItsOwn) {
  std::set<std::string> texts;
  for (std::size_t i = 0; i < kAcquireFailureCount; ++i) {
    const auto failure = static_cast<AcquireFailure>(i);
    const Error error = acquire_error(failure, busy_pool());
    EXPECT_EQ(error.acquire_failure, failure);
    EXPECT_THAT(error.message,
                HasSubstr("(" + std::string(to_string(failure)) + ")"));
    texts.insert(error.message);
  }
  EXPECT_EQ(texts.size(), kAcquireFailureCount);
}

TEST(AcquireErrors, TellTheServersLimitAndThePoolsApart) {
  const Error error = acquire_error(AcquireFailure::kServerSlots, busy_pool());
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("lower PoolOptions::max_connections"),
                    HasSubstr("raise the server's max_connections")));
}

TEST(AcquireErrors, ACancelledAcquireIsOfKindCancelled) {
  const Error error = acquire_error(AcquireFailure::kCancelled, busy_pool());
  EXPECT_EQ(error.kind, ErrorKind::kCancelled);
  EXPECT_THAT(error.message, Not(HasSubstr("held longest")));
}

TEST(AcquireErrors, AForkedPoolSaysWhatToDo) {
  const Error error = forked_error("orders");
  EXPECT_EQ(error.kind, ErrorKind::kForked);
  EXPECT_THAT(error.message, AllOf(HasSubstr("orders"), HasSubstr("fork()")));
}

}  // namespace
}  // namespace dbpool::detail
