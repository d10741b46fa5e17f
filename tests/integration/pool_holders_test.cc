// Who holds the connections of a pool, and what runs on them.
#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/integration/pool_fixture.h"

namespace dbpool::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class PoolHoldersTest : public PoolTest {};

ConnectionStats only_connection(const Pool& pool) {
  const auto all = pool.connections();
  if (all.size() != 1) throw std::runtime_error("not one connection");
  return all.front();
}

TEST_F(PoolHoldersTest, EachConnectionTellsWhoHoldsItAndWhatRanLast) {
  Pool pool = this->pool(quiet_options(3));
  EXPECT_TRUE(pool.connections().empty());
  Lease idle = must_acquire(pool, AcquireOptions(Tag("earlier")));
  const int idle_pid = idle->backend_pid();
  Lease first = must_acquire(pool, AcquireOptions(Tag("checkout")));
  const Lease second = must_acquire(pool);
  ASSERT_TRUE(first->execute({"answer", "SELECT $1::int"}, {41234567}));
  idle.release();

  const auto all = pool.connections();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].state, ConnectionState::kActive);
  EXPECT_EQ(all[0].tag, "checkout");
  EXPECT_THAT(all[0].file, EndsWith("pool_fixture.h"));
  EXPECT_GT(all[0].line, 0U);
  EXPECT_EQ(all[0].backend_pid, first->backend_pid());
  EXPECT_EQ(all[0].uses, 1U);
  EXPECT_GE(all[0].age, all[0].in_state);
  EXPECT_EQ(all[0].transaction, TransactionStatus::kIdle);
  EXPECT_EQ(all[0].in_transaction, Duration::zero());
  ASSERT_TRUE(all[0].statement);
  EXPECT_EQ(all[0].statement->name, "answer");
  EXPECT_EQ(all[0].statement->text, "SELECT $1::int");
  EXPECT_FALSE(all[0].statement->running);
  EXPECT_TRUE(all[0].statement_is_of_lease());
  EXPECT_GE(all[0].statement->started_ago, all[0].statement->took);
  EXPECT_EQ(all[1].backend_pid, second->backend_pid());
  EXPECT_EQ(all[1].tag, "");
  EXPECT_FALSE(all[1].statement);
  EXPECT_EQ(all[2].state, ConnectionState::kIdle);
  EXPECT_EQ(all[2].backend_pid, idle_pid);
  EXPECT_EQ(all[2].tag, "");
  EXPECT_EQ(all[2].file, "");
}

TEST_F(PoolHoldersTest, ARunningStatementIsSeenByOthers) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  std::thread caller([&] {
    EXPECT_FALSE(lease->execute({"nap", "SELECT pg_sleep(3600)"}));
  });
  const auto is_running = [&] {
    const ConnectionStats stats = only_connection(pool);
    return stats.transaction == TransactionStatus::kActive && stats.statement &&
           stats.statement->running && stats.statement->name == "nap" &&
           stats.statement->started_ago == stats.statement->took;
  };
  EXPECT_TRUE(eventually(kPatience, is_running));
  terminate(lease->backend_pid());
  caller.join();
  EXPECT_FALSE(only_connection(pool).statement->running);
  EXPECT_EQ(only_connection(pool).transaction, TransactionStatus::kUnknown);
}

TEST_F(PoolHoldersTest, AnOpenTransactionIsToldWithItsAge) {
  Pool pool = this->pool(quiet_options(1));
  Lease lease = must_acquire(pool);
  ASSERT_TRUE(lease->execute("BEGIN"));
  const ConnectionStats begun = only_connection(pool);
  EXPECT_EQ(begun.transaction, TransactionStatus::kInTransaction);
  EXPECT_GT(begun.in_transaction, Duration::zero());
  ASSERT_FALSE(lease->execute("SELECT nothing"));
  const ConnectionStats failed = only_connection(pool);
  EXPECT_EQ(failed.transaction, TransactionStatus::kInError);
  EXPECT_GE(failed.in_transaction, begun.in_transaction);
  ASSERT_TRUE(lease->execute("ROLLBACK"));
  EXPECT_EQ(only_connection(pool).transaction, TransactionStatus::kIdle);
  EXPECT_EQ(only_connection(pool).in_transaction, Duration::zero());
}

TEST_F(PoolHoldersTest, AConnectionThatWasCleanedIsInNoTransaction) {
  Pool pool = this->pool(quiet_options(1));
  Lease dirty = must_acquire(pool);
  ASSERT_TRUE(dirty->execute("BEGIN"));
  dirty.release();
  const Lease next = must_acquire(pool);
  const ConnectionStats stats = only_connection(pool);
  EXPECT_EQ(stats.transaction, TransactionStatus::kIdle);
  EXPECT_EQ(stats.uses, 2U);
  // It ran for another lease, which shows.
  ASSERT_TRUE(stats.statement);
  EXPECT_FALSE(stats.statement_is_of_lease());
}

TEST_F(PoolHoldersTest, StatementsAreCutAndShowNoSecret) {
  Pool pool = make_pool(server_.tcp_url(database_), quiet_options(1), sink_);
  Lease lease = must_acquire(pool);
  const std::string cut = "SELECT '" + std::string(10'000, 'x') + "'";
  ASSERT_TRUE(lease->execute(cut));
  EXPECT_EQ(only_connection(pool).statement->text,
            cut.substr(0, kShownStatementCharacters));
  for (const std::string& sql :
       {"ALTER ROLE app PASSWORD '" + std::string(kAppPassword) + "'",
        "SELECT '" + std::string(kAppPassword) + "'",
        "SELECT '" + std::string(185, ' ') + std::string(kAppPassword) + "'"}) {
    ASSERT_TRUE(lease->execute(sql));
    const std::string text = only_connection(pool).statement->text;
    EXPECT_THAT(text, AllOf(HasSubstr("***"), Not(HasSubstr("app-P")))) << sql;
  }
}

TEST_F(PoolHoldersTest, ATimeoutTellsWhatItsHoldersDo) {
  Pool pool = this->pool(quiet_options(2));
  Lease named = must_acquire(pool, AcquireOptions(Tag("checkout")));
  ASSERT_TRUE(named->execute("BEGIN"));
  ASSERT_TRUE(named->execute({"reserve", "SELECT 1"}));
  Lease unnamed = must_acquire(pool);
  ASSERT_TRUE(unnamed->execute("SELECT 2,\n       'a\"b'"));
  auto late = pool.acquire(in(milliseconds(30)));
  ASSERT_FALSE(late);
  EXPECT_THAT(
      late.error().message,
      AllOf(HasSubstr("\"checkout\" at pool_fixture.h:"),
            HasSubstr("backend " + std::to_string(named->backend_pid()) +
                      ", \"reserve\" ended "),
            HasSubstr(" ago, in a transaction; "),
            HasSubstr("backend " + std::to_string(unnamed->backend_pid()) +
                      ", \"SELECT 2, 'a\"b'\" ended ")));
}

TEST_F(PoolHoldersTest, ConnectionsMayBeReadWhileTheyAreUsed) {
  Pool pool = this->pool(quiet_options(4));
  std::vector<std::thread> callers;
  callers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        Lease lease = must_acquire(pool, AcquireOptions(Tag("busy")));
        EXPECT_TRUE(lease->execute({"busy", "SELECT 1"}));
        if (round % 10 > 0) continue;
        EXPECT_TRUE(lease->execute("BEGIN"));  // comes back dirty
      }
    });
  }
  while (pool.stats().acquires < 200) {
    for (const ConnectionStats& stats : pool.connections()) {
      if (stats.state != ConnectionState::kActive) continue;
      EXPECT_EQ(stats.tag, "busy");
    }
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace dbpool::test
