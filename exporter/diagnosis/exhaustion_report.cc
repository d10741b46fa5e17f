#include "exporter/diagnosis/exhaustion_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "exporter/duration_words.h"
#include "exporter/holders.h"
#include "exporter/setting_words.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kHidden =
    "hidden: the role may not see it (it needs pg_monitor)";

// A holder and its backend; null: not known.
struct Pair {
  const ConnectionStats* holder;
  const Backend* backend;
};

std::vector<Pair> pairs_of(const ExhaustionReport& report) {
  std::vector<Pair> pairs;
  for (const ConnectionStats& connection : report.connections) {
    if (connection.state != ConnectionState::kActive) continue;
    const Backend* backend = report.database
                                 ? report.database->find(connection.backend_pid)
                                 : nullptr;
    pairs.push_back({&connection, backend});
  }
  return pairs;
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::string holder_words(const ConnectionStats& holder) {
  std::string words = acquired_at(holder);
  return holder.tag.empty() ? words : quoted(holder.tag) + " at " + words;
}

std::string call(std::string_view function, int pid) {
  return "SELECT " + std::string(function) + "(" + std::to_string(pid) + ")";
}

// Who may send it, so that nobody tries in vain amid an outage.
std::string privilege_words(const Backend& backend, const ServerLimits& me) {
  if (backend.may_signal) return " (" + quoted(me.user) + " may do so)";
  if (backend.is_superuser || backend.user.empty()) {
    return " (this takes a superuser)";
  }
  return " (this takes the role " + quoted(backend.user) +
         ", a member of it or of pg_signal_backend)";
}

std::string backend_words(const Backend& backend) {
  std::string words = "PID " + std::to_string(backend.pid);
  if (!backend.user.empty()) words += ", user " + quoted(backend.user);
  if (!backend.application.empty()) {
    words += ", application " + quoted(backend.application);
  }
  words += ", " + state_for_people(backend);
  return words;
}

// What ends a session's hold on its locks. A cancel does nothing to a session
// that runs no statement.
std::string end_words(const Backend& backend, const ServerLimits& me) {
  if (backend.is_idle_in_transaction()) {
    return "end its session, which rolls it back: " +
           call("pg_terminate_backend", backend.pid) +
           privilege_words(backend, me);
  }
  std::string words =
      "cancel its statement: " + call("pg_cancel_backend", backend.pid) +
      privilege_words(backend, me);
  if (backend.hidden) {
    words +=
        "; if it still holds the lock then, it is idle in a transaction: " +
        call("pg_terminate_backend", backend.pid);
  }
  return words;
}

std::string count_words(std::size_t count, std::size_t of) {
  return std::to_string(count) + " of " + std::to_string(of) + " connections";
}

// The one that blocks most holders, straight or through others.
std::optional<Advice> advise_on_locks(const ExhaustionReport& report,
                                      const std::vector<Pair>& pairs) {
  std::vector<const Backend*> roots;
  std::size_t waiting = 0;
  for (const Pair& pair : pairs) {
    if (pair.backend == nullptr || !pair.backend->waits_for_lock()) continue;
    ++waiting;
    const Backend* root = report.database->root_blocker(*pair.backend);
    if (root != nullptr) roots.push_back(root);
  }
  if (waiting == 0) return std::nullopt;
  if (roots.empty()) {
    return Advice{count_words(waiting, pairs.size()) + " wait for a lock",
                  "look at pg_locks and pg_prepared_xacts: whoever holds it is "
                  "gone by now, or is a prepared transaction"};
  }
  const auto blocked_by = [&](const Backend* root) {
    return std::ranges::count(roots, root);
  };
  const Backend& worst = **std::ranges::max_element(roots, {}, blocked_by);
  const auto blocked = static_cast<std::size_t>(blocked_by(&worst));
  Advice advice{count_words(blocked, pairs.size()) + " wait for a lock of " +
                    backend_words(worst),
                end_words(worst, report.database->limits)};
  for (const Pair& pair : pairs) {
    if (pair.backend != &worst) continue;
    advice.finding +=
        "; it is the pool's own, held by " + holder_words(*pair.holder);
  }
  return advice;
}

bool is_running(const Pair& pair) {
  return pair.holder->transaction == TransactionStatus::kActive;
}

bool is_in_transaction(const Pair& pair) {
  return pair.holder->in_transaction > Duration::zero() && !is_running(pair);
}

std::string with_sql(std::string_view function, const Pair& pair,
                     const ExhaustionReport& report) {
  if (pair.backend == nullptr) {
    return "its backend could not be looked up, so nothing is to be sent to "
           "it";
  }
  return call(function, pair.holder->backend_pid) +
         privilege_words(*pair.backend, report.database->limits);
}

Advice advise_on_statements(const ExhaustionReport& report,
                            const std::vector<Pair>& running, std::size_t all) {
  const auto took = [](const Pair& pair) {
    const auto& statement = pair.holder->statement;
    return statement ? statement->took : Duration::zero();
  };
  const Pair& slowest = *std::ranges::max_element(running, {}, took);
  return {count_words(running.size(), all) +
              " run a statement, for longest that of " +
              holder_words(*slowest.holder) + ", for " +
              duration_for_people(took(slowest)),
          "if it is one too many, cancel it: " +
              with_sql("pg_cancel_backend", slowest, report) +
              "; else make these statements faster, or fewer at once"};
}

Advice advise_on_transactions(const ExhaustionReport& report,
                              const std::vector<Pair>& open, std::size_t all) {
  const auto age = [](const Pair& pair) { return pair.holder->in_transaction; };
  const Pair& oldest = *std::ranges::max_element(open, {}, age);
  return {count_words(open.size(), all) +
              " are idle in a transaction, for longest that of " +
              holder_words(*oldest.holder) + ", open for " +
              duration_for_people(age(oldest)),
          "let that code end its transaction before it does other work; to "
          "roll it back now: " +
              with_sql("pg_terminate_backend", oldest, report)};
}

// Why there is nothing to advise on, or nullopt.
std::optional<Advice> advise_on_calm(const PoolStats& stats) {
  if (stats.waiting[static_cast<std::size_t>(WaitReason::kCapacity)] > 0) {
    return std::nullopt;
  }
  if (stats.waiting_total == 0) {
    return Advice{"no request waits for a connection", "nothing is to be done"};
  }
  return Advice{"requests wait, but not for capacity",
                "see /health for what they wait for"};
}

// Each lease came and went at least once while somebody waited: no single
// holder is to blame.
std::optional<Advice> advise_on_turnover(const PoolStats& stats,
                                         const std::vector<Pair>& pairs) {
  if (pairs.empty()) return std::nullopt;
  const Duration longest = pairs.front().holder->in_state;
  if (2 * longest >= stats.oldest_waiting_age) return std::nullopt;
  return Advice{"no lease is older than " + duration_for_people(longest) +
                    ", while a request has waited for " +
                    duration_for_people(stats.oldest_waiting_age) +
                    ": more is asked for than " +
                    std::to_string(stats.max_connections) +
                    " connections serve",
                "hold leases for less time, shed load, or raise DB_POOL_MAX, "
                "no further than the database allows"};
}

// By what most of them do.
Advice advise_on_holders(const ExhaustionReport& report,
                         const std::vector<Pair>& pairs) {
  if (pairs.empty()) {
    return {"no lease is out: closing connections fill the limit",
            "wait: they count until the server has let go of them"};
  }
  std::vector<Pair> running;
  std::vector<Pair> open;
  std::vector<Pair> idle;
  for (const Pair& pair : pairs) {  // held longest first
    (is_running(pair)          ? running
     : is_in_transaction(pair) ? open
                               : idle)
        .push_back(pair);
  }
  const std::size_t all = pairs.size();
  if (running.size() >= std::max(open.size(), idle.size())) {
    return advise_on_statements(report, running, all);
  }
  if (open.size() >= idle.size()) {
    return advise_on_transactions(report, open, all);
  }
  return {count_words(idle.size(), all) +
              " are held while the database is idle, for longest by " +
              holder_words(*idle.front().holder) + ", for " +
              duration_for_people(idle.front().holder->in_state),
          "nothing in the database helps: let that code give its connection "
          "back before it does other work"};
}

std::string ceiling_of(const PoolStats& stats, const ServerLimits& limits) {
  struct Bound {
    std::int64_t free;
    std::string name;
  };
  const std::int64_t reserved =
      limits.superuser ? 0 : limits.reserved_connections;
  Bound bound{limits.max_connections - reserved - limits.sessions,
              "max_connections of the server (" +
                  std::to_string(limits.max_connections) + ", " +
                  std::to_string(reserved) + " of them reserved, " +
                  std::to_string(limits.sessions) + " taken)"};
  const auto narrow = [&](std::int32_t limit, std::int64_t taken,
                          std::string_view whose) {
    if (limits.superuser || limit < 0 || limit - taken >= bound.free) return;
    bound = {limit - taken, "the CONNECTION LIMIT of " + std::string(whose) +
                                " (" + std::to_string(limit) + ", " +
                                std::to_string(taken) + " taken)"};
  };
  narrow(limits.role_limit, limits.role_sessions,
         "the role " + quoted(limits.user));
  narrow(limits.database_limit, limits.database_sessions,
         "the database " + quoted(limits.database));
  const std::int64_t most = stats.total + std::max<std::int64_t>(bound.free, 0);
  return "before DB_POOL_MAX (" + std::to_string(stats.max_connections) +
         ") is raised: the database grants this pool " + std::to_string(most) +
         " connections at most now, bound by " + bound.name;
}

}  // namespace

std::string state_for_people(const Backend& backend) {
  if (backend.hidden) return std::string(kHidden);
  std::string words = backend.state.empty() ? backend.type : backend.state;
  if (backend.in_state) {
    words += " for " + duration_for_people(*backend.in_state);
  }
  if (!backend.wait_event.empty() && backend.state == "active") {
    words +=
        ", waits for " + backend.wait_event_type + '/' + backend.wait_event;
  }
  return words;
}

ExhaustionReport make_report(PoolStats stats,
                             std::vector<ConnectionStats> connections,
                             Expected<DatabaseView> database) {
  ExhaustionReport report;
  report.stats = std::move(stats);
  report.connections = std::move(connections);
  if (!database) {
    report.database_error =
        in_setting_words(std::move(database.error().message));
  } else {
    report.database = *std::move(database);
    report.ceiling = ceiling_of(report.stats, report.database->limits);
    if (report.database->behind_pooler) {
      report.database_error =
          "a pooler stands between: the PIDs known here are not the server's, "
          "so that no backend can be looked up";
    }
  }
  const std::vector<Pair> pairs = pairs_of(report);
  auto advice = advise_on_locks(report, pairs);
  if (!advice) advice = advise_on_calm(report.stats);
  if (!advice) advice = advise_on_turnover(report.stats, pairs);
  report.advice =
      advice ? *std::move(advice) : advise_on_holders(report, pairs);
  return report;
}

}  // namespace dbpool::exporter
