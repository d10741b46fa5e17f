// The server's own statement_timeout, for statements that no cancel reaches.
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "tests/integration/fake_server.h"
#include "tests/integration/pool_fixture.h"
#include "tests/support/scoped_env.h"

namespace dbpool::test {
namespace {

PoolOptions with_server_timeout(Duration timeout) {
  PoolOptions options = quiet_options(1);
  options.server_statement_timeout = timeout;
  return options;
}

std::string show(Connection& connection, const std::string& setting) {
  auto rows = connection.execute("SHOW " + setting);
  if (!rows) return rows.error().message;
  return rows->get<std::string>(0, 0).value();
}

class ServerTimeoutTest : public PoolTest {};

TEST_F(ServerTimeoutTest, IsWhatWasAskedFor) {
  Pool pool = this->pool(with_server_timeout(milliseconds(12'345)));
  Lease lease = must_acquire(pool);
  EXPECT_EQ(show(*lease, "statement_timeout"), "12345ms");
}

TEST_F(ServerTimeoutTest, SurvivesTheCleanUpOfADirtyReturn) {
  Pool pool = this->pool(with_server_timeout(seconds(12)));
  {
    Lease lease = must_acquire(pool);
    ASSERT_TRUE(lease->execute("BEGIN"));
  }
  Lease lease = must_acquire(pool);
  EXPECT_EQ(at(pool.stats().closed_by_reason, CloseReason::kDirty), 0U);
  EXPECT_EQ(show(*lease, "statement_timeout"), "12s");
}

TEST_F(ServerTimeoutTest, IsAddedToTheOptionsOfTheConnectionString) {
  auto target = ConnectionString::parse(url()).value();
  ASSERT_TRUE(target.set("options", "-c work_mem=5MB"));
  auto pool = Pool::create(target, with_server_timeout(seconds(12)));
  ASSERT_TRUE(pool);
  Lease lease = must_acquire(*pool);
  EXPECT_EQ(show(*lease, "statement_timeout"), "12s");
  EXPECT_EQ(show(*lease, "work_mem"), "5MB");
}

TEST_F(ServerTimeoutTest, IsAddedToTheOptionsOfTheEnvironment) {
  const ScopedEnv variable("PGOPTIONS", "-c work_mem=6MB");
  Pool pool = this->pool(with_server_timeout(seconds(12)));
  Lease lease = must_acquire(pool);
  EXPECT_EQ(show(*lease, "statement_timeout"), "12s");
  EXPECT_EQ(show(*lease, "work_mem"), "6MB");
}

TEST_F(ServerTimeoutTest, GivesWayToOneThatTheUserChose) {
  for (const char* options :
       {"-c statement_timeout=7s", "--statement-timeout=7s"}) {
    const ScopedEnv variable("PGOPTIONS", options);
    Pool pool = this->pool(with_server_timeout(seconds(12)));
    Lease lease = must_acquire(pool);
    EXPECT_EQ(show(*lease, "statement_timeout"), "7s") << options;
  }
}

TEST_F(ServerTimeoutTest, HoldsForAConnectionWithoutAPool) {
  ConnectOptions options;
  options.timeout = kPatience;
  options.server_statement_timeout = seconds(12);
  auto connected = connect(ConnectionString::parse(url()).value(), options);
  ASSERT_TRUE(connected) << connected.error().message;
  EXPECT_EQ(show(*connected->connection, "statement_timeout"), "12s");
}

// Refuses start-up options, as PgBouncer does; else a way to the server.
class PickyPooler {
 public:
  explicit PickyPooler(int server_port)
      : server_port_(server_port),
        listener_([this](int client, const std::string& startup) {
          serve(client, startup);
        }) {}

  int port() const { return listener_.port(); }
  int refused() const { return refused_; }

 private:
  void serve(int client, const std::string& startup) {
    if (startup.find("statement_timeout") != std::string::npos) {
      ++refused_;
      FakeServer::send(client,
                       FakeServer::error_response(
                           "08P01", "unsupported startup parameter: options"));
      return;
    }
    const UniqueFd server = connect_to(server_port_);
    FakeServer::send(server.get(), startup);
    FakeServer::relay(client, server.get());
  }

  const int server_port_;
  std::atomic<int> refused_ = 0;
  FakeServer listener_;
};

TEST_F(ServerTimeoutTest, IsDoneWithoutBehindAPoolerThatRefusesIt) {
  // The pooler takes one connection at a time and must outlive the pool.
  PickyPooler pooler(server_.port());
  auto target =
      ConnectionString::parse("postgresql://" + std::string(kAppUser) + ":" +
                              std::string(kAppPassword) +
                              "@127.0.0.1:" + std::to_string(pooler.port()) +
                              "/" + database_ + "?sslmode=disable")
          .value();
  auto pool = Pool::create(target, with_server_timeout(seconds(12)));
  ASSERT_TRUE(pool);
  for (int i = 0; i < 3; ++i) {
    Lease lease = must_acquire(*pool);
    EXPECT_EQ(show(*lease, "statement_timeout"), "0");
    static_cast<void>(
        lease->execute("SELECT pg_terminate_backend("
                       "pg_backend_pid())"));
  }
  // It is asked once, and a refusal is no failed opening.
  EXPECT_EQ(pooler.refused(), 1);
  EXPECT_EQ(pool->stats().opened, 3U);
  for (const auto failures : pool->stats().connect_failures) {
    EXPECT_EQ(failures, 0U);
  }
}

}  // namespace
}  // namespace dbpool::test
