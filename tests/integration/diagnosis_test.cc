// The database's side of a pool's connections: who blocks them, at both levels
// of privilege.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "exporter/diagnosis/database_view.h"
#include "tests/integration/pool_fixture.h"
#include "tests/integration/statement_fixture.h"
#include "tests/support/pg_session.h"
#include "tests/support/pgbouncer.h"

namespace dbpool::test {
namespace {

using exporter::Backend;
using exporter::DatabaseView;
using exporter::look_at_backends;
using exporter::ServerSession;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Expected<DatabaseView> look(ServerSession& session,
                            const std::vector<int>& pids) {
  return look_at_backends(session, pids, in(kPatience));
}

class DiagnosisTest : public PoolTest {
 protected:
  DiagnosisTest() {
    server_.sql("CREATE TABLE stock (id int)", database_);
    server_.sql("GRANT ALL ON stock TO app", database_);
    for (const char* role : {"seer", "boss"}) {
      server_.sql("DO $$BEGIN CREATE ROLE " + std::string(role) +
                  " LOGIN; EXCEPTION WHEN duplicate_object THEN END$$");
    }
    server_.sql("GRANT pg_monitor, app TO seer");
    server_.sql("ALTER ROLE boss SUPERUSER");
  }

  std::string url_of(const std::string& user) {
    return server_.url(database_, user);
  }
  std::shared_ptr<ServerSession> session(const std::string& user) {
    return std::make_shared<ServerSession>(
        ConnectionString::parse(url_of(user)).value(), ConnectOptions{});
  }
  // Somebody who is not the pool.
  PgSession foreigner(const std::string& user, const std::string& application) {
    return PgSession(url_of(user) + "&application_name=" + application);
  }
  int pid_of(const std::string& application) {
    return std::stoi(server_.sql_value(
        "SELECT pid FROM pg_stat_activity WHERE datname = '" + database_ +
        "' AND application_name = '" + application + "'"));
  }
  void wait_until_blocked(int pid) {
    ASSERT_TRUE(eventually(kPatience, [&] {
      return backends("pid = " + std::to_string(pid) +
                      " AND wait_event_type = 'Lock'") == 1;
    }));
  }
};

// A pool of one connection whose holder waits for the table.
class BlockedHolder {
 public:
  explicit BlockedHolder(Pool& pool) : lease_(must_acquire(pool)) {
    thread_ = std::thread([this] {
      EXPECT_TRUE(lease_->execute({"take", "DELETE FROM stock"}));
    });
  }
  ~BlockedHolder() { thread_.join(); }
  int pid() const { return lease_->backend_pid(); }

 private:
  Lease lease_;
  std::thread thread_;
};

TEST_F(DiagnosisTest, TheForeignSessionThatHoldsTheLockIsNamed) {
  Pool pool = make_pool(url_of("app"), quiet_options(1));
  PgSession migration = foreigner("boss", "migrate");
  migration.execute("BEGIN; LOCK TABLE stock; SELECT 'it''s <b>mine</b>'");
  const int blocker_pid = pid_of("migrate");
  const BlockedHolder holder(pool);
  wait_until_blocked(holder.pid());

  const auto session = this->session("seer");
  const auto view = look(*session, {holder.pid()});
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_FALSE(view->behind_pooler);
  ASSERT_EQ(view->backends.size(), 2U);
  const Backend* waiting = view->find(holder.pid());
  ASSERT_NE(waiting, nullptr);
  EXPECT_EQ(waiting->state, "active");
  EXPECT_TRUE(waiting->waits_for_lock());
  EXPECT_EQ(waiting->wait_event, "relation");
  EXPECT_EQ(waiting->statement, "DELETE FROM stock");
  EXPECT_TRUE(waiting->in_query);
  EXPECT_TRUE(waiting->may_signal);  // seer is a member of app
  EXPECT_THAT(waiting->blockers, testing::ElementsAre(blocker_pid));
  const Backend* blocker = view->root_blocker(*waiting);
  ASSERT_NE(blocker, nullptr);
  EXPECT_EQ(blocker->pid, blocker_pid);
  EXPECT_FALSE(blocker->hidden);
  EXPECT_EQ(blocker->user, "boss");
  EXPECT_EQ(blocker->database, database_);
  EXPECT_EQ(blocker->application, "migrate");
  EXPECT_TRUE(blocker->is_idle_in_transaction());
  EXPECT_TRUE(blocker->in_state);
  EXPECT_TRUE(blocker->in_transaction);
  EXPECT_FALSE(blocker->in_query);
  EXPECT_THAT(blocker->statement, HasSubstr("<b>mine</b>"));
  EXPECT_TRUE(blocker->is_superuser);
  EXPECT_FALSE(blocker->may_signal);
  migration.execute("ROLLBACK");
}

TEST_F(DiagnosisTest, WithoutPgMonitorTheBlockerIsNamedAndTheRestHidden) {
  Pool pool = make_pool(url_of("app"), quiet_options(1));
  PgSession migration = foreigner("boss", "migrate");
  migration.execute("BEGIN; LOCK TABLE stock");
  const int blocker_pid = pid_of("migrate");
  const BlockedHolder holder(pool);
  wait_until_blocked(holder.pid());

  const auto session = this->session("app");
  const auto view = look(*session, {holder.pid()});
  ASSERT_TRUE(view) << view.error().message;
  const Backend* waiting = view->find(holder.pid());
  ASSERT_NE(waiting, nullptr);
  EXPECT_FALSE(waiting->hidden);  // of the same role
  EXPECT_EQ(waiting->state, "active");
  const Backend* blocker = view->root_blocker(*waiting);
  ASSERT_NE(blocker, nullptr);
  EXPECT_EQ(blocker->pid, blocker_pid);
  EXPECT_TRUE(blocker->hidden);
  EXPECT_EQ(blocker->user, "boss");
  EXPECT_EQ(blocker->application, "migrate");
  EXPECT_EQ(blocker->state, "");
  EXPECT_EQ(blocker->statement, "");
  EXPECT_FALSE(blocker->in_transaction);
  migration.execute("ROLLBACK");
}

TEST_F(DiagnosisTest, AChainOfBlockersIsFollowedToItsEnd) {
  Pool pool = make_pool(url_of("app"), quiet_options(1));
  server_.sql("CREATE TABLE other (id int)", database_);
  PgSession first = foreigner("boss", "first");
  first.execute("BEGIN; LOCK TABLE other");
  PgSession second = foreigner("boss", "second");
  second.execute("BEGIN; LOCK TABLE stock");
  const int first_pid = pid_of("first");
  const int second_pid = pid_of("second");
  std::thread middle([&] { second.execute("LOCK TABLE other"); });
  wait_until_blocked(second_pid);
  {
    const BlockedHolder holder(pool);
    wait_until_blocked(holder.pid());
    const auto session = this->session("seer");
    const auto view = look(*session, {holder.pid()});
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(view->backends.size(), 3U);
    const Backend* waiting = view->find(holder.pid());
    ASSERT_NE(waiting, nullptr);
    EXPECT_THAT(waiting->blockers, testing::ElementsAre(second_pid));
    EXPECT_EQ(view->root_blocker(*waiting), view->find(first_pid));
    first.execute("ROLLBACK");
    middle.join();
    second.execute("ROLLBACK");
  }
}

TEST_F(DiagnosisTest, ABackendThatWaitsForNoLockBlocksNobody) {
  Pool pool = make_pool(url_of("app"), quiet_options(2));
  const Lease idle = must_acquire(pool);
  Lease open = must_acquire(pool);
  ASSERT_TRUE(open->execute("BEGIN"));
  const auto session = this->session("app");
  constexpr int kNobody = 0x7fffffff;
  const auto view =
      look(*session, {idle->backend_pid(), open->backend_pid(), kNobody});
  ASSERT_TRUE(view) << view.error().message;
  ASSERT_EQ(view->backends.size(), 2U);
  EXPECT_EQ(view->find(kNobody), nullptr);
  const Backend* in_transaction = view->find(open->backend_pid());
  ASSERT_NE(in_transaction, nullptr);
  EXPECT_TRUE(in_transaction->is_idle_in_transaction());
  EXPECT_TRUE(in_transaction->in_transaction);
  EXPECT_TRUE(in_transaction->blockers.empty());
  EXPECT_EQ(view->root_blocker(*in_transaction), nullptr);
  EXPECT_FALSE(view->find(idle->backend_pid())->in_transaction);
}

TEST_F(DiagnosisTest, TheLimitsThatBindARoleAreRead) {
  server_.sql("ALTER ROLE app CONNECTION LIMIT 50");
  server_.sql("ALTER DATABASE \"" + database_ + "\" CONNECTION LIMIT 40");
  Pool pool = make_pool(url_of("app"), quiet_options(1));
  const Lease lease = must_acquire(pool);
  const auto session = this->session("app");
  const auto view = look(*session, {});
  server_.sql("ALTER ROLE app CONNECTION LIMIT -1");
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->limits.user, "app");
  EXPECT_EQ(view->limits.database, database_);
  EXPECT_FALSE(view->limits.superuser);
  EXPECT_EQ(view->limits.role_limit, 50);
  EXPECT_EQ(view->limits.database_limit, 40);
  EXPECT_EQ(std::to_string(view->limits.max_connections),
            server_.sql_value("SHOW max_connections"));
  EXPECT_EQ(view->limits.database_sessions, 2);
  EXPECT_GE(view->limits.role_sessions, 2);
  EXPECT_GE(view->limits.sessions, view->limits.role_sessions);
}

TEST_F(DiagnosisTest, SecretsInStatementsOfOthersAreHidden) {
  PgSession other = foreigner("boss", "admin");
  other.execute("BEGIN; ALTER ROLE seer PASSWORD 'pl4nted'; ROLLBACK");
  const auto session = this->session("seer");
  const auto view = look(*session, {pid_of("admin")});
  ASSERT_TRUE(view) << view.error().message;
  ASSERT_EQ(view->backends.size(), 1U);
  EXPECT_THAT(view->backends[0].statement,
              AllOf(HasSubstr("ALTER ROLE"), Not(HasSubstr("pl4nted"))));
}

TEST_F(DiagnosisTest, BehindPgBouncerNoBackendIsMistakenForAnothers) {
  const PgBouncer pooler(server_);
  auto target = ConnectionString::parse(pooler.url(database_)).value();
  Pool pool = make_pool(pooler.url(database_), quiet_options(1));
  const Lease lease = must_acquire(pool);
  EXPECT_NE(std::to_string(lease->backend_pid()),
            text_of(*lease, "SELECT pg_backend_pid()"));
  ServerSession session(target, {});
  const auto view = look(session, {lease->backend_pid()});
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_TRUE(view->behind_pooler);
  EXPECT_TRUE(view->backends.empty());
  EXPECT_GT(view->limits.max_connections, 0);
}

TEST_F(DiagnosisTest, APreparedTransactionBlocksAsNobody) {
  PostgresOptions options;
  options.config = {"max_prepared_transactions = 1"};
  const Postgres postgres(options);
  postgres.sql("CREATE TABLE stock (id int)");
  PgSession(postgres.url())
      .execute("BEGIN; LOCK TABLE stock; PREPARE TRANSACTION 'migrate'");
  Pool pool = make_pool(postgres.url(), quiet_options(1));
  ServerSession session(ConnectionString::parse(postgres.url()).value(), {});
  PgSession watching(postgres.url());
  {
    const BlockedHolder holder(pool);
    const Backend* waiting = nullptr;
    Expected<DatabaseView> view = DatabaseView();
    EXPECT_TRUE(eventually(kPatience, [&] {
      view = look(session, {holder.pid()});
      waiting = view ? view->find(holder.pid()) : nullptr;
      return waiting != nullptr && waiting->waits_for_lock();
    }));
    EXPECT_THAT(waiting->blockers, testing::ElementsAre(0));
    EXPECT_EQ(view->root_blocker(*waiting), nullptr);
    watching.execute("ROLLBACK PREPARED 'migrate'");
  }
}

TEST_F(DiagnosisTest, AQuestionThatHangsEndsAndTheSessionIsKept) {
  Postgres postgres;
  ServerSession session(ConnectionString::parse(postgres.url()).value(), {});
  session.open_ahead(kPatience);
  session.wait_ahead(kPatience);
  PgSession locker(postgres.url());
  locker.execute("BEGIN; LOCK TABLE pg_authid");
  const auto late = look_at_backends(session, {}, in(milliseconds(200)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().statement_failure, StatementFailure::kTimeout);
  locker.execute("ROLLBACK");
  EXPECT_TRUE(look(session, {}));
  EXPECT_EQ(postgres.sql_value("SELECT count(*) FROM pg_stat_activity WHERE "
                               "query LIKE '%pg_database d%' AND pid <> "
                               "pg_backend_pid()"),
            "1");
}

TEST_F(DiagnosisTest, WhatIsNotAskedForWantOfTimeIsNoSilence) {
  const auto open = session("seer");
  ASSERT_TRUE(look(*open, {}));
  const auto late = look_at_backends(*open, {}, Clock::now());
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(look(*open, {}));
}

TEST_F(DiagnosisTest, AQuestionIsGivenUpWhenItIsToStop) {
  const Postgres postgres;
  ServerSession session(ConnectionString::parse(postgres.url()).value(), {});
  session.open_ahead(kPatience);
  session.wait_ahead(kPatience);
  const auto watching = open_connection(postgres.url());
  PgSession locker(postgres.url());
  locker.execute("BEGIN; LOCK TABLE pg_authid");
  std::stop_source stop;
  std::jthread stopper([&] {
    EXPECT_TRUE(eventually(kPatience, [&] {
      return text_of(*watching,
                     "SELECT count(*) FROM pg_locks WHERE NOT granted") == "1";
    }));
    stop.request_stop();
  });
  const auto stopped = look_at_backends(session, {}, in(std::chrono::hours(1)),
                                        stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kCancelled);
}

TEST_F(DiagnosisTest, OneAtATimeUsesTheSessionAndALostOneIsReplaced) {
  const auto session = this->session("app");
  int pid = 0;
  ASSERT_TRUE(session->use(in(kPatience), [&](Connection& connection) {
    pid = connection.backend_pid();
    const auto meanwhile = session->use(
        in(milliseconds(1)), [](Connection&) { return Expected<void>(); });
    EXPECT_FALSE(meanwhile);
    return Expected<void>();
  }));
  terminate(pid);
  ASSERT_TRUE(eventually(kPatience, [&] {
    return backends("pid = " + std::to_string(pid)) == 0;
  }));
  const auto view = look(*session, {});
  EXPECT_TRUE(view) << view.error().message;
  EXPECT_EQ(backends("usename = 'app'"), 1);
}

}  // namespace
}  // namespace dbpool::test
