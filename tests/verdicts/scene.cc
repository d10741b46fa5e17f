#include "tests/verdicts/scene.h"

#include <spdlog/sinks/null_sink.h>
#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "dbpool/pool.h"
#include "exporter/diagnosis/exhaustion_watch.h"
#include "exporter/diagnosis/server_session.h"
#include "exporter/logging/logger.h"
#include "tests/support/eventually.h"
#include "tests/support/pg_session.h"
#include "tests/support/postgres.h"
#include "tests/verdicts/callers.h"
#include "tests/verdicts/slow_door.h"

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Only a hang takes longer.
constexpr Duration kPatience = seconds(60);
constexpr int kSlots = 40;  // of the server

PostgresOptions server_options() {
  PostgresOptions options;
  options.config = {"max_connections = " + std::to_string(kSlots)};
  return options;
}

bool has(const std::vector<Fault>& faults, Fault fault) {
  return std::ranges::find(faults, fault) != faults.end();
}

class Scene {
 public:
  Scene(std::vector<Fault> faults, std::uint32_t seed);

  Course play();

 private:
  PoolOptions pool_options() const;
  // Waits until the cause in force is, or is not, none.
  bool becomes(bool calm, Duration within);
  Cause cause() const { return watch_.verdict().verdict.cause; }
  void begin(Fault fault);
  void end(Fault fault);
  void take_slots();
  void end_statements();
  void signal_all(int number) const;
  void watch_faults(Course& course);
  void watch_cure(Course& course);

  const std::vector<Fault> faults_;
  const std::uint32_t seed_;
  const int max_;  // connections of the pool
  Postgres server_{server_options()};
  SlowDoor door_{server_.port()};
  exporter::Logger log_{{}, std::make_shared<spdlog::sinks::null_sink_mt>()};
  std::optional<Pool> pool_;
  exporter::ExhaustionWatch watch_;
  std::optional<Callers> callers_;
  std::optional<PgSession> locker_;
  std::vector<PgSession> takers_;
};

ConnectionString target_of(const std::string& url, int port = 0) {
  ConnectionString target = ConnectionString::parse(url).value();
  if (port != 0) {
    static_cast<void>(target.set("port", std::to_string(port)));
  }
  return target;
}

Pool& open_pool(std::optional<Pool>& pool, const ConnectionString& target,
                const PoolOptions& options) {
  pool.emplace(Pool::create(target, options).value());
  return *pool;
}

Scene::Scene(std::vector<Fault> faults, std::uint32_t seed)
    : faults_(std::move(faults)),
      seed_(seed),
      max_(5 + static_cast<int>(seed % 6)),
      watch_(
          open_pool(pool_, target_of(server_.tcp_url(), door_.port()),
                    pool_options()),
          std::make_shared<exporter::ServerSession>(target_of(server_.url()),
                                                    ConnectOptions{}),
          {.threshold = kThreshold, .timeout = seconds(2)},
          [] { return std::string(); },
          std::make_shared<exporter::ReportNumbers>(), log_) {
  server_.sql("CREATE TABLE stock (id int); GRANT ALL ON stock TO app");
  watch_.start();
  // With few of them a small pool is calm, and grows when others come.
  const int regulars = has(faults_, Fault::kSlots) ? 2 : 2 * max_;
  callers_.emplace(*pool_, regulars, seed);
}

PoolOptions Scene::pool_options() const {
  PoolOptions options;
  options.max_connections = static_cast<std::uint32_t>(max_);
  options.min_connections = 1;
  options.leak_threshold = kLeakThreshold;
  options.open_timeout = seconds(30);
  options.backoff_max = milliseconds(500);
  options.random_seed = seed_;
  return options;
}

// As a session that may use slots which are reserved, and goes away before
// callers come.
void Scene::take_slots() {
  while (true) {
    try {
      takers_.emplace_back(server_.tcp_url());
    } catch (const std::runtime_error&) {
      return;
    }
  }
}

void Scene::end_statements() {
  server_.sql(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = "
      "'app' AND state = 'active'");
}

// To the postmaster first, which would begin others.
void Scene::signal_all(int number) const {
  const std::string pid = std::to_string(server_.pid());
  ::kill(server_.pid(), number);
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  for (pid_t child = 0; children >> child;) ::kill(child, number);
}

void Scene::begin(Fault fault) {
  switch (fault) {
    case Fault::kLock:
      locker_.emplace(server_.url());
      locker_->execute("BEGIN; LOCK TABLE stock");
      return;
    case Fault::kSlow:
      return callers_->run_slowly(true);
    case Fault::kLeak:
      return callers_->leak(faults_.size() > 1 ? max_ / 2 : max_);
    case Fault::kThink:
      return callers_->think_inside(true);
    case Fault::kLoad:
      return callers_->crowd(5 * max_, seed_ + 1000);
    case Fault::kSlots:
      take_slots();
      return callers_->crowd(2 * max_, seed_ + 1000);
    case Fault::kOpening:
      door_.shut();
      server_.sql(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
          "usename = 'app'");
      return;
    case Fault::kDown:
      return server_.stop(StopMode::kImmediate);
    case Fault::kFrozen:
      return signal_all(SIGSTOP);
  }
}

void Scene::end(Fault fault) {
  switch (fault) {
    case Fault::kLock:
      return locker_.reset();
    case Fault::kSlow:
      callers_->run_slowly(false);
      return end_statements();
    case Fault::kLeak:
      return callers_->give_back();
    case Fault::kThink:
      return callers_->think_inside(false);
    case Fault::kLoad:
      return callers_->disperse();
    case Fault::kSlots:
      takers_.clear();
      return callers_->disperse();
    case Fault::kOpening:
      return door_.open();
    case Fault::kDown:
      return server_.start();
    case Fault::kFrozen:
      return signal_all(SIGCONT);
  }
}

bool Scene::becomes(bool calm, Duration within) {
  return eventually(
      std::chrono::duration_cast<milliseconds>(within),
      [&] { return (cause() == Cause::kNone) == calm; }, milliseconds(20));
}

// What is to be seen is what is in force when the verdict is due, and when it
// came.
void Scene::watch_faults(Course& course) {
  const Duration own = has(faults_, Fault::kLeak) ? kLeakThreshold : kThreshold;
  const TimePoint begun = Clock::now();
  for (const Fault fault : faults_) begin(fault);
  const TimePoint due = begun + own + kDue;
  bool was_right = false;
  while (Clock::now() < due) {
    const Cause now = cause();
    course.ever_too_small |=
        now == Cause::kTooSmall && Clock::now() >= begun + own;
    const bool is_right =
        std::ranges::find(faults_, now, cause_of) != faults_.end();
    if (is_right && !was_right) {
      course.named_after = Clock::now() - begun - own;
    }
    was_right = is_right;
    std::this_thread::sleep_for(milliseconds(20));
  }
  const exporter::Verdict verdict = watch_.verdict().verdict;
  course.named = verdict.cause;
  course.finding = verdict.finding;
}

void Scene::watch_cure(Course& course) {
  for (const Fault fault : faults_) end(fault);
  const TimePoint cured = Clock::now();
  if (becomes(true, kPatience)) course.cleared_after = Clock::now() - cured;
}

Course Scene::play() {
  Course course;
  course.faults = faults_;
  course.named_after = course.cleared_after = kPatience;
  // The first openings are over, and calm has lasted.
  if (!eventually(std::chrono::duration_cast<milliseconds>(kPatience),
                  [&] { return pool_->stats().acquires >= 50; })) {
    throw std::runtime_error("the callers are not served");
  }
  for (int tries = 0; tries < 10; ++tries) {
    if (becomes(true, kPatience) && !becomes(false, seconds(3))) break;
  }
  course.calm = cause();
  watch_faults(course);
  watch_cure(course);
  return course;
}

}  // namespace

std::string_view to_string(Fault fault) noexcept {
  constexpr std::array<std::string_view, kFaultCount> kNames = {
      "lock",           "slow statements",
      "leak",           "thinking in a transaction",
      "load",           "slots taken",
      "slow opening",   "database stopped",
      "database frozen"};
  return kNames[static_cast<std::size_t>(fault)];
}

Cause cause_of(Fault fault) noexcept {
  constexpr std::array<Cause, kFaultCount> kCauses = {
      Cause::kLockContention,    Cause::kSlowQueries, Cause::kLeak,
      Cause::kIdleInTransaction, Cause::kTooSmall,    Cause::kServerSlots,
      Cause::kOpeningSlow,       Cause::kBackendDown, Cause::kBackendDown};
  return kCauses[static_cast<std::size_t>(fault)];
}

bool Course::is_named() const {
  return std::ranges::find(faults, named, cause_of) != faults.end();
}

Course play(const std::vector<Fault>& faults, std::uint32_t seed) {
  return Scene(faults, seed).play();
}

}  // namespace dbpool::test
