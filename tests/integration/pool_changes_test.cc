// Options and a database that change while the pool is in use.
#include <gmock/gmock.h>

#include <algorithm>
#include <asio/use_future.hpp>
#include <atomic>
#include <future>
#include <thread>

#include "tests/integration/pool_fixture.h"
#include "tests/support/entries.h"

namespace dbpool::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Callers that run a statement on a lease, again and again.
class Load {
 public:
  Load(Pool& pool, int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, &pool] {
        while (!stop_) run_one(pool);
      });
    }
  }
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  // So many more have been served.
  bool goes_on(int more = 20) const {
    const int before = served_;
    return eventually(kPatience, [&] { return served_ >= before + more; });
  }
  std::string first_error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  void run_one(Pool& pool) {
    auto lease = pool.acquire();
    if (!lease) return keep(lease.error());
    auto rows = (*lease)->execute("SELECT 1");
    if (!rows) return keep(rows.error());
    ++served_;
  }
  void keep(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (error_.empty()) error_ = error.message;
  }

  std::atomic<bool> stop_ = false;
  std::atomic<int> served_ = 0;
  mutable std::mutex mutex_;
  std::string error_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

class PoolChangesTest : public PoolTest {
 protected:
  ~PoolChangesTest() override {
    if (has_role_) server_.sql("DROP ROLE " + role());
  }

  std::string role() const { return database_ + "_changer"; }
  // Of a role of this test's own, over TCP, where passwords count.
  ConnectionString with_password(const std::string& password) {
    if (!std::exchange(has_role_, true)) {
      server_.sql("CREATE ROLE " + role() + " LOGIN PASSWORD '" + password +
                  "'");
    }
    return parsed("host=127.0.0.1 port=" + std::to_string(server_.port()) +
                  " user=" + role() + " password=" + password +
                  " dbname=" + database_);
  }
  ConnectionString with_name(const std::string& application_name) {
    ConnectionString target = parsed(url());
    EXPECT_TRUE(target.set("application_name", application_name));
    return target;
  }
  static ConnectionString parsed(const std::string& text) {
    return ConnectionString::parse(text).value();
  }
  Pool pool_on(const ConnectionString& target, const PoolOptions& options) {
    return std::move(Pool::create(target, options, sink_).value());
  }
  // So many connections that are open and idle.
  static void fill(Pool& pool, std::size_t count) {
    std::vector<Lease> leases;
    while (leases.size() < count) leases.push_back(must_acquire(pool));
  }
  static std::string ask(Lease& lease, const char* sql) {
    return lease->execute(sql).value().get<std::string>(0, 0).value();
  }
  static std::uint64_t reloaded(const Pool& pool) {
    return at(pool.stats().closed_by_reason, CloseReason::kReload);
  }
  static bool replaces(Pool& pool, std::uint64_t count) {
    return eventually(kPatience, [&] { return reloaded(pool) >= count; });
  }

 private:
  bool has_role_ = false;
};

// --- Options -----------------------------------------------------------------

TEST_F(PoolChangesTest, WhatCannotChangeIsRefusedByNameAndChangesNothing) {
  Pool pool = this->pool(quiet_options(2));
  const auto refused = [&](auto change) {
    PoolOptions options = pool.options();
    options.max_connections = 7;
    change(options);
    auto result = pool.reconfigure(options);
    EXPECT_EQ(pool.stats().max_connections, 2u);
    if (result) return std::string("accepted");
    EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
    return result.error().message;
  };
  EXPECT_EQ(refused([](auto& o) { o.name = "other"; }),
            "PoolOptions::name cannot change while the pool runs");
  EXPECT_THAT(refused([](auto& o) { o.pipeline_depth = 8; }),
              HasSubstr("pipeline_depth"));
  EXPECT_THAT(refused([](auto& o) { o.max_query_names = 5; }),
              HasSubstr("max_query_names"));
  EXPECT_THAT(refused([](auto& o) { o.random_seed = 2; }),
              HasSubstr("random_seed"));
  EXPECT_THAT(refused([](auto& o) { o.idle_timeout = seconds(-1); }),
              HasSubstr("idle_timeout"));
}

TEST_F(PoolChangesTest, TheOptionsInForceAreTold) {
  PoolOptions options = quiet_options(2);
  options.random_seed.reset();
  Pool pool = this->pool(options);
  options.max_connections = 3;
  options.acquire_timeout = seconds(7);
  ASSERT_TRUE(pool.reconfigure(options));
  EXPECT_EQ(pool.options().max_connections, 3u);
  EXPECT_EQ(pool.options().acquire_timeout, seconds(7));
  EXPECT_TRUE(pool.options().random_seed.has_value());
  EXPECT_TRUE(pool.reconfigure(pool.options()));
}

TEST_F(PoolChangesTest, ANewStatementTimeoutHoldsForALeaseThatIsOut) {
  PoolOptions options = quiet_options(1);
  options.statement_timeout.reset();
  Pool pool = this->pool(options);
  Lease lease = must_acquire(pool);
  options.statement_timeout = milliseconds(20);
  ASSERT_TRUE(pool.reconfigure(options));
  auto rows = lease->execute("SELECT pg_sleep(600)");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().statement_failure, StatementFailure::kTimeout);
  options.statement_timeout.reset();
  ASSERT_TRUE(pool.reconfigure(options));
  EXPECT_EQ(select_one(lease), 1);
}

TEST_F(PoolChangesTest, ANewAcquireTimeoutHoldsForTheNextRequest) {
  PoolOptions options = quiet_options(1);
  Pool pool = this->pool(options);
  const Lease lease = must_acquire(pool);
  options.acquire_timeout = milliseconds(1);
  ASSERT_TRUE(pool.reconfigure(options));
  auto refused = pool.acquire();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().acquire_failure, AcquireFailure::kTimeoutCapacity);
}

TEST_F(PoolChangesTest, ANewBackstopReplacesTheSessionsThatHaveTheOldOne) {
  PoolOptions options = quiet_options(3);
  options.server_statement_timeout = minutes(10);
  Pool pool = this->pool(options);
  Lease lease = must_acquire(pool);
  EXPECT_EQ(ask(lease, "SHOW statement_timeout"), "10min");
  options.server_statement_timeout = minutes(20);
  ASSERT_TRUE(pool.reconfigure(options));
  EXPECT_EQ(ask(lease, "SHOW statement_timeout"), "10min");
  lease.release();
  EXPECT_TRUE(replaces(pool, 1));
  lease = must_acquire(pool);
  EXPECT_EQ(ask(lease, "SHOW statement_timeout"), "20min");
}

// --- The database ------------------------------------------------------------

TEST_F(PoolChangesTest, APasswordThatChangesUnderLoadLosesNoRequest) {
  PoolOptions options = quiet_options(4);
  options.min_connections = 2;
  Pool pool = pool_on(with_password("first-Passw0rd"), options);
  fill(pool, 4);
  Load load(pool, 8);
  EXPECT_TRUE(load.goes_on());
  server_.sql("ALTER ROLE " + role() + " PASSWORD 'second-Passw0rd'");
  ASSERT_TRUE(pool.retarget(with_password("second-Passw0rd")));
  EXPECT_TRUE(eventually(kPatience, [&] {
    EXPECT_LE(pool.stats().total, 4u);
    return reloaded(pool) >= 4;
  }));
  EXPECT_TRUE(load.goes_on());
  load.stop();
  EXPECT_EQ(load.first_error(), "");
  EXPECT_EQ(reloaded(pool), 4u);
  EXPECT_EQ(at(pool.stats().connect_failures, ConnectFailure::kAuth), 0u);
}

TEST_F(PoolChangesTest, AWrongPasswordLeavesThePoolWithItsOldConnections) {
  PoolOptions options = quiet_options(4);
  options.min_connections = 4;
  options.backoff_initial = options.backoff_max = milliseconds(1);
  const ConnectionString right = with_password("right-Passw0rd");
  Pool pool = pool_on(right, options);
  fill(pool, 4);
  Load load(pool, 2);
  ASSERT_TRUE(pool.retarget(with_password("wrong-Passw0rd")));
  EXPECT_TRUE(eventually(kPatience, [&] {
    return at(pool.stats().connect_failures, ConnectFailure::kAuth) >= 5;
  }));
  EXPECT_TRUE(load.goes_on());
  EXPECT_EQ(reloaded(pool), 1u);  // it made room for the first try
  ASSERT_TRUE(pool.retarget(right));
  EXPECT_TRUE(replaces(pool, 4));
  load.stop();
  EXPECT_EQ(load.first_error(), "");
}

TEST_F(PoolChangesTest, TheSameDatabaseAgainIsNoChange) {
  PoolOptions options = quiet_options(2);
  Pool pool = this->pool(options);
  fill(pool, 2);
  ASSERT_TRUE(pool.retarget(parsed(url())));
  ASSERT_TRUE(pool.reconfigure(options));
  fill(pool, 2);
  EXPECT_EQ(pool.stats().opened, 2u);
  EXPECT_EQ(pool.stats().total, 2u);
  EXPECT_EQ(backends(), 2);
}

TEST_F(PoolChangesTest, ALeaseOfTheOldServerIsUsedAndCancelledThere) {
  Postgres other;
  Pool pool = this->pool(quiet_options(2));
  Lease old = must_acquire(pool);
  ASSERT_TRUE(pool.retarget(parsed(other.url())));
  EXPECT_EQ(pool.stats().database, "postgres");
  EXPECT_EQ(pool.target().database(), "postgres");
  Lease fresh = must_acquire(pool);
  EXPECT_EQ(ask(fresh, "SELECT current_database()"), "postgres");
  ExecuteOptions hasty;
  hasty.timeout = milliseconds(20);
  auto rows = old->execute("SELECT pg_sleep(600)", {}, hasty);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().statement_failure, StatementFailure::kTimeout);
  EXPECT_EQ(ask(old, "SELECT current_database()"), database_);
  old.release();
  EXPECT_TRUE(replaces(pool, 1));
  fresh.release();
  EXPECT_EQ(backends(), 0);
}

TEST_F(PoolChangesTest, TheOldPasswordStaysHiddenWhereItIsInUse) {
  Pool pool = pool_on(with_password("forgotten-Passw0rd"), quiet_options(2));
  Lease old = must_acquire(pool);
  ASSERT_TRUE(pool.retarget(with_password("newer-Passw0rd")));
  ASSERT_TRUE(old->execute("SELECT 'it was forgotten-Passw0rd'"));
  const std::vector<ConnectionStats> all = pool.connections();
  ASSERT_EQ(all.size(), 1u);
  ASSERT_TRUE(all[0].statement);
  EXPECT_THAT(all[0].statement->text, HasSubstr("SELECT"));
  EXPECT_THAT(all[0].statement->text, Not(HasSubstr("forgotten")));
}

TEST_F(PoolChangesTest, MultiplexedStatementsMoveOverWithoutALoss) {
  PoolOptions options = quiet_options(2);
  options.pipeline_depth = 4;
  Pool pool = pool_on(with_name("one"), options);
  const auto name = [&] {
    auto rows = pool.async_execute({"name", "SHOW application_name"}, {},
                                   asio::use_future)
                    .get();
    return rows.value().get<std::string>(0, 0).value();
  };
  EXPECT_EQ(name(), "one");
  ASSERT_TRUE(pool.retarget(with_name("two")));
  EXPECT_TRUE(eventually(kPatience, [&] { return name() == "two"; }));
}

// --- Both, again and again ---------------------------------------------------

class ManyChangesTest : public PoolChangesTest {
 protected:
  static PoolOptions base_options() {
    PoolOptions options = quiet_options(4);
    options.min_connections = 4;
    options.pipeline_depth = 4;
    return options;
  }
  static PoolOptions options_of(unsigned round) {
    PoolOptions options = base_options();
    options.max_connections = 2 + round % 5;
    options.min_connections = round % 3;
    options.max_waiting_requests = 50 + round;
    options.max_concurrent_openings = 1 + round % 4;
    options.statement_timeout = seconds(30 + round);
    options.leak_threshold = seconds(30 + round);
    if (round % 4 == 1) options.max_uses = 10;
    if (round % 4 == 2) options.max_lifetime = milliseconds(100);
    if (round % 4 == 3) options.idle_timeout = milliseconds(10);
    if (round % 8 == 4) options.server_statement_timeout = minutes(round);
    return options;
  }

  // Changes under load of both kinds; the first error of a caller.
  std::string change(Pool& pool, unsigned times) {
    Load load(pool, 6);
    std::atomic<bool> stop = false;
    std::string shared_error;
    std::thread sharing([&] {
      while (!stop && shared_error.empty()) {
        auto rows = pool.async_execute("SELECT 1", {}, asio::use_future).get();
        if (!rows) shared_error = rows.error().message;
      }
    });
    for (unsigned round = 0; round < times; ++round) {
      if (round % 2 == 0) {
        EXPECT_TRUE(pool.reconfigure(options_of(round)));
      } else {
        EXPECT_TRUE(pool.retarget(with_name(round % 4 == 1 ? "a" : "b")));
      }
      EXPECT_TRUE(load.goes_on(5));
    }
    stop = true;
    sharing.join();
    load.stop();
    return load.first_error() + shared_error;
  }

  // As it was at the begin.
  void come_to_rest(Pool& pool) {
    EXPECT_TRUE(pool.retarget(with_name("base")));
    EXPECT_TRUE(pool.reconfigure(base_options()));
    EXPECT_TRUE(eventually(kPatience, [&] {
      const PoolStats stats = pool.stats();
      return stats.total == 4 &&
             at(stats.connections, ConnectionState::kIdle) == 4;
    }));
  }
};

TEST_F(ManyChangesTest, TwoHundredUnderLoadLoseNoRequestAndLeaveNothing) {
  const auto threads = [] { return entries_of("/proc/self/task"); };
  const auto descriptors = [] { return entries_of("/proc/self/fd"); };
  Pool pool = pool_on(with_name("base"), base_options());
  EXPECT_EQ(change(pool, 8), "");  // for what is made once and kept
  come_to_rest(pool);
  const std::size_t threads_before = threads();
  const std::size_t descriptors_before = descriptors();
  EXPECT_EQ(change(pool, 200), "");
  come_to_rest(pool);
  EXPECT_TRUE(eventually(kPatience,
                         [&] {
                           return threads() <= threads_before &&
                                  descriptors() <= descriptors_before;
                         }))
      << threads() << " threads, " << descriptors() << " descriptors; before "
      << threads_before << " and " << descriptors_before;
  EXPECT_GT(reloaded(pool), 10u);
  EXPECT_TRUE(pool.close(in(kPatience)).clean());
  EXPECT_EQ(backends(), 0);
}

}  // namespace
}  // namespace dbpool::test
