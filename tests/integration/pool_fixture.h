// What the tests of the pool share: a sink that remembers, and a pool on a
// database of its own.
#ifndef DBPOOL_TESTS_INTEGRATION_POOL_FIXTURE_H_
#define DBPOOL_TESTS_INTEGRATION_POOL_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/pool.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres.h"

namespace dbpool::test {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// How long something may take that must happen; only a hang takes longer.
inline constexpr std::chrono::milliseconds kPatience = seconds(60);

inline TimePoint in(Duration span) { return Clock::now() + span; }
inline TimePoint long_ago() { return Clock::now() - seconds(1); }

template <typename Enum, typename Value, std::size_t kSize>
const Value& at(const std::array<Value, kSize>& values, Enum index) {
  return values[static_cast<std::size_t>(index)];
}

// One lease of a LeaseEvent, with its texts.
struct ToldLease {
  std::string tag;
  std::string file;
  int backend_pid;
};

class RecordingSink final : public EventSink {
 public:
  struct Record {
    std::vector<int> opened;  // backend pids
    std::vector<std::string> failures;
    std::vector<std::pair<int, CloseReason>> closed;
    std::vector<ToldLease> leaks;
    std::vector<ToldLease> dirty;
    std::vector<ToldLease> abandoned;
  };

  Record record() const {
    const std::lock_guard lock(mutex_);
    return record_;
  }

  void connection_opened(const ConnectionOpenedEvent& event) noexcept override {
    const std::lock_guard lock(mutex_);
    record_.opened.push_back(event.backend_pid);
  }
  void connect_failed(const ConnectFailedEvent& event) noexcept override {
    const std::lock_guard lock(mutex_);
    record_.failures.emplace_back(event.message);
  }
  void connection_closed(const ConnectionClosedEvent& event) noexcept override {
    const std::lock_guard lock(mutex_);
    record_.closed.emplace_back(event.backend_pid, event.reason);
  }
  void leak_suspected(const LeaseEvent& event) noexcept override {
    keep(record_.leaks, event);
  }
  void dirty_return(const LeaseEvent& event) noexcept override {
    keep(record_.dirty, event);
  }
  void lease_abandoned(const LeaseEvent& event) noexcept override {
    keep(record_.abandoned, event);
  }

 private:
  void keep(std::vector<ToldLease>& list, const LeaseEvent& event) noexcept {
    const std::lock_guard lock(mutex_);
    list.push_back({.tag = std::string(event.tag),
                    .file = std::string(event.file),
                    .backend_pid = event.backend_pid});
  }

  mutable std::mutex mutex_;
  Record record_;  // guarded by mutex_
};

// Nothing is opened, checked or closed unless a test wants it.
inline PoolOptions quiet_options(std::uint32_t max_connections) {
  PoolOptions options;
  options.max_connections = max_connections;
  options.min_connections = 0;
  options.acquire_timeout = kPatience;
  options.open_timeout = kPatience;
  options.idle_timeout = {};
  options.check_after_idle = kPatience;
  options.check_timeout = kPatience;
  options.close_timeout = kPatience;
  options.random_seed = 1;
  return options;
}

inline Pool make_pool(const std::string& url, PoolOptions options,
                      std::shared_ptr<EventSink> sink = {}) {
  auto target = ConnectionString::parse(url);
  if (!target) throw std::runtime_error(target.error().message);
  auto pool =
      Pool::create(std::move(*target), std::move(options), std::move(sink));
  if (!pool) throw std::runtime_error(pool.error().message);
  return std::move(*pool);
}

inline Lease must_acquire(Pool& pool, const AcquireOptions& options = {}) {
  auto lease = pool.acquire(options);
  if (!lease) throw std::runtime_error(lease.error().message);
  return std::move(*lease);
}

inline int select_one(Lease& lease) {
  auto rows = lease->execute("SELECT 1");
  if (!rows) throw std::runtime_error(rows.error().message);
  return rows->get<int>(0, 0).value();
}

// Tests against the server that all tests of a process share.
class PoolTest : public testing::Test {
 protected:
  Pool pool(PoolOptions options) {
    return make_pool(url(), std::move(options), sink_);
  }
  std::string url() { return server_.url(database_); }
  // Sessions of the test's database that `condition` holds for.
  int backends(const std::string& condition = "true") {
    return std::stoi(server_.sql_value(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '" + database_ +
        "' AND backend_type = 'client backend' AND " + condition));
  }
  void terminate(int backend_pid) {
    server_.sql("SELECT pg_terminate_backend(" + std::to_string(backend_pid) +
                ")");
  }

  Postgres& server_ = shared_postgres();
  const std::string database_ = server_.create_database();
  const std::shared_ptr<RecordingSink> sink_ =
      std::make_shared<RecordingSink>();
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_INTEGRATION_POOL_FIXTURE_H_
