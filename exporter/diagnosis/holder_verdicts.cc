#include "exporter/diagnosis/holder_verdicts.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/base/duration_words.h"
#include "exporter/diagnosis/words.h"

namespace dbpool::exporter {

namespace {

// A holder and its backend; null: not known.
struct Pair {
  const ConnectionStats* holder;
  const Backend* backend;
};
using Pairs = std::vector<Pair>;  // held longest first

Pairs pairs_of(const DiagnosisFacts& facts) {
  Pairs pairs;
  for (const ConnectionStats& connection : facts.connections) {
    if (connection.state != ConnectionState::kActive) continue;
    pairs.push_back({&connection, facts.database ? facts.database->find(
                                                       connection.backend_pid)
                                                 : nullptr});
  }
  return pairs;
}

bool is_running(const Pair& pair) {
  return pair.holder->transaction == TransactionStatus::kActive;
}

// For how long it has run its statement, or none.
Duration doing_so_for(const Pair& pair) {
  const ConnectionStats& holder = *pair.holder;
  if (is_running(pair)) {
    return holder.statement ? holder.statement->took : Duration::zero();
  }
  if (!holder.statement_is_of_lease()) return holder.in_state;
  return holder.statement->started_ago - holder.statement->took;
}

// --- Locks -------------------------------------------------------------------

// Does it hold its lock for a moment only, as one of many that want it? Where
// they queue for it a lease takes as long as the queue, but what it does last
// has just begun.
bool is_brief(const Pair& pair, const DiagnosisFacts& facts) {
  const Duration held = pair.holder->in_state;
  if (held < facts.threshold) return true;
  const auto& usual = facts.recent.mean_hold;
  return doing_so_for(pair) < facts.threshold && usual &&
         held <= kUnusual * *usual;
}

// The one that blocks most holders, straight or through others.
Verdict blame(const std::vector<const Backend*>& roots, const Pairs& pairs,
              const DiagnosisFacts& facts) {
  const auto blocked_by = [&](const Backend* root) {
    return std::ranges::count(roots, root);
  };
  const Backend& worst = **std::ranges::max_element(roots, {}, blocked_by);
  const auto blocked = static_cast<std::size_t>(blocked_by(&worst));
  Verdict verdict{Cause::kLockContention,
                  count_words(blocked, pairs.size()) + " wait for a lock of " +
                      backend_words(worst),
                  end_words(worst, facts.database->limits)};
  for (const Pair& pair : pairs) {
    if (pair.backend != &worst) continue;
    verdict.finding +=
        "; it is the pool's own, held by " + holder_words(*pair.holder);
    if (!is_brief(pair, facts)) continue;
    verdict.finding += ", for " + duration_for_people(pair.holder->in_state);
    verdict.action =
        "many requests want the same row, or the same lock, one after the "
        "other: make the transactions that take it shorter, or spread what "
        "they change over several rows; to end one of them only lets the "
        "next one in";
  }
  return verdict;
}

std::optional<Verdict> judge_locks(const DiagnosisFacts& facts,
                                   const Pairs& pairs) {
  constexpr std::size_t kPart = 5;
  std::vector<const Backend*> roots;
  std::size_t waiting = 0;
  for (const Pair& pair : pairs) {
    if (pair.backend == nullptr || !pair.backend->waits_for_lock()) continue;
    ++waiting;
    const Backend* root = facts.database->root_blocker(*pair.backend);
    if (root != nullptr) roots.push_back(root);
  }
  if (waiting == 0 || waiting * kPart < pairs.size()) return std::nullopt;
  if (!roots.empty()) return blame(roots, pairs, facts);
  return Verdict{Cause::kLockContention,
                 count_words(waiting, pairs.size()) + " wait for a lock",
                 "look at pg_locks and pg_prepared_xacts: whoever holds it is "
                 "gone by now, or is a prepared transaction"};
}

// --- Holders -----------------------------------------------------------------

// "; to `what`: " and the SQL; empty when its backend could not be looked up,
// so that nothing is to be sent to it.
std::string with_sql(std::string_view what, std::string_view function,
                     const Pair& pair, const DiagnosisFacts& facts) {
  if (pair.backend == nullptr) return "";
  return "; to " + std::string(what) + ": " +
         call(function, pair.holder->backend_pid) +
         privilege_words(*pair.backend, facts.database->limits);
}

std::optional<Verdict> judge_leaks(const DiagnosisFacts& facts,
                                   const Pairs& pairs) {
  if (!facts.leak_threshold) return std::nullopt;
  Pairs leaked;
  for (const Pair& pair : pairs) {
    if (pair.holder->in_state >= *facts.leak_threshold && !is_running(pair)) {
      leaked.push_back(pair);
    }
  }
  if (leaked.empty()) return std::nullopt;
  const ConnectionStats& oldest = *leaked.front().holder;
  return Verdict{Cause::kLeak,
                 count_words(leaked.size(), pairs.size()) +
                     " were not given back for longer than " +
                     duration_for_people(*facts.leak_threshold) +
                     " and run no statement, for longest that of " +
                     holder_words(oldest) + ", for " +
                     duration_for_people(oldest.in_state),
                 "look for a way out of that code that keeps its lease; until "
                 "it is mended only a restart of its program frees them"};
}

Verdict blame_statements(const DiagnosisFacts& facts, const Pairs& running,
                         std::size_t all) {
  const auto took = [](const Pair& pair) {
    const auto& statement = pair.holder->statement;
    return statement ? statement->took : Duration::zero();
  };
  const Pair& slowest = *std::ranges::max_element(running, {}, took);
  return {
      Cause::kSlowQueries,
      count_words(running.size(), all) +
          " run a statement, for longest that of " +
          holder_words(*slowest.holder) + ", for " +
          duration_for_people(took(slowest)) +
          (slowest.backend == nullptr
               ? "; whether they wait for locks could not be looked up"
               : ""),
      "make these statements faster, or fewer at once" +
          with_sql("cancel that one now", "pg_cancel_backend", slowest, facts)};
}

Verdict blame_transactions(const DiagnosisFacts& facts, const Pairs& open,
                           std::size_t all) {
  const auto age = [](const Pair& pair) { return pair.holder->in_transaction; };
  const Pair& oldest = *std::ranges::max_element(open, {}, age);
  return {
      Cause::kIdleInTransaction,
      count_words(open.size(), all) +
          " are idle in a transaction, for longest that of " +
          holder_words(*oldest.holder) + ", open for " +
          duration_for_people(age(oldest)),
      "let that code end its transaction before it does other work" +
          with_sql("roll it back now", "pg_terminate_backend", oldest, facts)};
}

Verdict blame_idle(const Pairs& idle, std::size_t all) {
  return {Cause::kIdleInTransaction,
          count_words(idle.size(), all) +
              " are held while the database is idle, for longest by " +
              holder_words(*idle.front().holder) + ", for " +
              duration_for_people(idle.front().holder->in_state),
          "nothing in the database helps: let that code give its connection "
          "back before it does other work"};
}

// By what they do. Only those that have done so for half of their lease or
// more: of the others it does not tell where their time has gone.
struct Doing {
  Pairs running, open, idle;

  std::size_t quiet() const { return open.size() + idle.size(); }
  std::size_t all() const { return running.size() + quiet(); }
};

Doing sorted(const Pairs& pairs) {
  Doing doing;
  for (const Pair& pair : pairs) {
    if (2 * doing_so_for(pair) < pair.holder->in_state) continue;
    const bool in_transaction = pair.holder->in_transaction > Duration::zero();
    (is_running(pair) ? doing.running
     : in_transaction ? doing.open
                      : doing.idle)
        .push_back(pair);
  }
  return doing;
}

Verdict blame_quiet(const DiagnosisFacts& facts, const Doing& doing,
                    std::size_t all) {
  return doing.open.size() >= doing.idle.size()
             ? blame_transactions(facts, doing.open, all)
             : blame_idle(doing.idle, all);
}

Doing old_ones(const DiagnosisFacts& facts, const Pairs& pairs) {
  Duration old = facts.threshold;
  if (facts.baseline && facts.baseline->mean_hold) {
    old = std::max(old, kUnusual * *facts.baseline->mean_hold);
  }
  Pairs found;
  for (const Pair& pair : pairs) {
    if (pair.holder->in_state >= old) found.push_back(pair);
  }
  return sorted(found);
}

std::optional<Verdict> judge_old_holders(const DiagnosisFacts& facts,
                                         const Pairs& pairs) {
  const Doing old = old_ones(facts, pairs);
  if (old.all() == 0) return std::nullopt;
  const auto needed = size(facts.load).needed;
  const bool enough_without = needed && *needed <= facts.stats.max_connections;
  if (2 * old.all() < pairs.size() && !enough_without) return std::nullopt;
  if (old.running.size() >= old.quiet()) {
    return blame_statements(facts, old.running, pairs.size());
  }
  return blame_quiet(facts, old, pairs.size());
}

std::optional<Verdict> judge_idle_holders(const DiagnosisFacts& facts,
                                          const Pairs& pairs) {
  const Doing doing = sorted(pairs);
  if (2 * doing.quiet() < pairs.size()) return std::nullopt;
  return blame_quiet(facts, doing, pairs.size());
}

}  // namespace

std::optional<Verdict> judge_holders(const DiagnosisFacts& facts) {
  const Pairs pairs = pairs_of(facts);
  if (pairs.empty()) return std::nullopt;
  if (auto verdict = judge_locks(facts, pairs)) return verdict;
  if (auto verdict = judge_leaks(facts, pairs)) return verdict;
  if (auto verdict = judge_old_holders(facts, pairs)) return verdict;
  return judge_idle_holders(facts, pairs);
}

}  // namespace dbpool::exporter
