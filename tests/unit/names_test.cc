// The names of enumerators are the metrics' label values: a contract.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "dbpool/connection.h"
#include "dbpool/error.h"
#include "dbpool/stats.h"

namespace dbpool {
namespace {

template <typename Enum>
std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(to_string(static_cast<Enum>(i)));
  }
  return all;
}

using Names = std::vector<std::string>;

TEST(Names, AcquireFailures) {
  EXPECT_EQ(names<AcquireFailure>(kAcquireFailureCount),
            (Names{"timeout_capacity", "timeout_opening",
                   "timeout_backend_down", "queue_full", "backend_down",
                   "server_slots", "cancelled", "closed"}));
}

TEST(Names, ConnectFailures) {
  EXPECT_EQ(names<ConnectFailure>(kConnectFailureCount),
            (Names{"resolve", "refused", "timeout", "tls", "auth",
                   "too_many_connections", "starting_up", "other"}));
}

TEST(Names, StatementFailuresAndOutcomes) {
  EXPECT_EQ(names<StatementFailure>(kStatementFailureCount),
            (Names{"timeout", "connection_lost", "server_error"}));
  EXPECT_EQ(names<Outcome>(3), (Names{"not_sent", "failed", "in_doubt"}));
  EXPECT_EQ(names<ErrorKind>(7),
            (Names{"usage", "acquire", "connect", "statement", "cancelled",
                   "result_too_large", "forked"}));
}

TEST(Names, StatesAndReasons) {
  EXPECT_EQ(names<ConnectionState>(kConnectionStateCount),
            (Names{"opening", "checking", "idle", "active", "closing"}));
  EXPECT_EQ(names<WaitReason>(kWaitReasonCount),
            (Names{"capacity", "opening", "backend_down", "server_slots"}));
  EXPECT_EQ(names<CloseReason>(kCloseReasonCount),
            (Names{"idle_timeout", "max_uses", "max_lifetime", "broken",
                   "check_failed", "dirty", "resize", "drain", "reload"}));
  EXPECT_EQ(names<ConnectPhase>(kConnectPhaseCount),
            (Names{"resolve", "tcp", "tls", "auth"}));
  EXPECT_EQ(names<TransactionStatus>(5),
            (Names{"idle", "active", "in_transaction", "in_error", "unknown"}));
}

}  // namespace
}  // namespace dbpool
