#include "exporter/diagnosis/verdict.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "exporter/base/duration_words.h"
#include "exporter/base/setting_words.h"
#include "exporter/diagnosis/holder_verdicts.h"
#include "exporter/diagnosis/sizing.h"
#include "exporter/diagnosis/words.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

std::uint32_t waiting_for(const PoolStats& stats, WaitReason reason) {
  return stats.waiting[static_cast<std::size_t>(reason)];
}

std::uint64_t failed_for(const Load& load, AcquireFailure failure) {
  return load.failures[static_cast<std::size_t>(failure)];
}

std::string number_words(double number) {
  std::array<char, 32> text;
  const int length = std::snprintf(text.data(), text.size(),
                                   number < 100 ? "%.1f" : "%.0f", number);
  return {text.data(), static_cast<std::size_t>(length)};
}

// --- The database ------------------------------------------------------------

std::string last_failure_words(const PoolStats& stats) {
  if (!stats.last_failure.seen) return "";
  return ": " + in_setting_words(stats.last_failure.message);
}

// Frozen, overloaded or cut off: what is open does not end by itself.
std::optional<Verdict> judge_silence(const DiagnosisFacts& facts) {
  if (!facts.is_silent || !is_strained(facts)) return std::nullopt;
  return Verdict{Cause::kBackendDown,
                 "the database does not answer, and no connection was handed "
                 "out meanwhile: " +
                     facts.database_error,
                 "look at the database's host and the way to it: is it frozen, "
                 "overloaded or cut off? The pool goes on by itself"};
}

// What mends itself, and what somebody has to mend first.
std::string_view help_with(const LastFailure& failure) {
  if (failure.seen && (failure.reason == ConnectFailure::kAuth ||
                       failure.reason == ConnectFailure::kTls ||
                       failure.reason == ConnectFailure::kOther)) {
    return "mend what the last opening says, at the database or in this "
           "program's settings; the pool tries again by itself with the "
           "settings that it was started with";
  }
  return "look at the database, its host and the way to it; the pool opens "
         "connections again by itself";
}

// Is one idle, lent or being checked?
bool has_live_connection(const PoolStats& stats) {
  constexpr std::array kLive = {ConnectionState::kChecking,
                                ConnectionState::kIdle,
                                ConnectionState::kActive};
  return std::ranges::any_of(kLive, [&](ConnectionState state) {
    return stats.connections[static_cast<std::size_t>(state)] > 0;
  });
}

std::optional<Verdict> judge_database(const DiagnosisFacts& facts) {
  std::string why = facts.down;
  if (why.empty() &&
      (waiting_for(facts.stats, WaitReason::kBackendDown) > 0 ||
       (!has_live_connection(facts.stats) &&
        (failed_for(facts.recent, AcquireFailure::kBackendDown) > 0 ||
         failed_for(facts.recent, AcquireFailure::kTimeoutBackendDown) > 0)))) {
    why = "no connection is live, and the last opening failed" +
          last_failure_words(facts.stats);
  }
  if (why.empty()) return judge_silence(facts);
  return Verdict{Cause::kBackendDown, std::move(why),
                 std::string(help_with(facts.stats.last_failure))};
}

std::optional<Verdict> judge_slots(const DiagnosisFacts& facts) {
  const auto waiting = waiting_for(facts.stats, WaitReason::kServerSlots);
  const auto failed = failed_for(facts.recent, AcquireFailure::kServerSlots);
  if (waiting == 0 && failed == 0) return std::nullopt;
  Verdict verdict{Cause::kServerSlots,
                  "the database refuses more connections than the " +
                      std::to_string(facts.stats.total) + " of at most " +
                      std::to_string(facts.stats.max_connections) +
                      " that the pool has" + last_failure_words(facts.stats),
                  "free slots: look for idle sessions in pg_stat_activity, or "
                  "make the pools that share this database smaller"};
  if (facts.database) {
    verdict.action += "; what binds is " +
                      ceiling_of(facts.stats, facts.database->limits).bound;
  }
  return verdict;
}

// --- Openings ----------------------------------------------------------------

bool waits_for_openings(const DiagnosisFacts& facts) {
  const auto opening = static_cast<std::size_t>(WaitReason::kOpening);
  const auto capacity = static_cast<std::size_t>(WaitReason::kCapacity);
  const PoolStats& stats = facts.stats;
  if (stats.waiting_total > 0) {
    return stats.waiting[opening] > stats.waiting[capacity];
  }
  return facts.recent.waiting[opening] > facts.recent.waiting[capacity];
}

Verdict judge_openings(const DiagnosisFacts& facts) {
  const PoolStats& stats = facts.stats;
  std::string finding =
      std::to_string(waiting_for(stats, WaitReason::kOpening)) +
      " requests wait for connections that are being opened or checked; " +
      std::to_string(stats.connections[static_cast<std::size_t>(
          ConnectionState::kOpening)]) +
      " are being opened";
  if (const auto count = stats.connect_duration.count(); count > 0) {
    finding += ", which took " +
               duration_for_people(stats.connect_duration.sum /
                                   static_cast<Duration::rep>(count)) +
               " on average so far";
  }
  return {Cause::kOpeningSlow, std::move(finding),
          "see in dbpool_connect_phase_duration_seconds which phase is slow "
          "(resolve, "
          "tcp, tls, auth); raise DB_POOL_MIN so that connections are there "
          "before they are asked for"};
}

bool is_held_by_nobody(const DiagnosisFacts& facts) {
  return facts.stats.waiting_total > 0 &&
         std::ranges::find(facts.connections, ConnectionState::kActive,
                           &ConnectionStats::state) == facts.connections.end();
}

Verdict judge_closing() {
  return {Cause::kOpeningSlow,
          "no lease is out: closing connections fill the limit",
          "wait: they count until the server has let go of them"};
}

// --- Statements and load -----------------------------------------------------

// In what part of the time of the leases lately a statement ran, those that
// still run included; nullopt: there was too little of it to say.
std::optional<double> busy_part(const DiagnosisFacts& facts) {
  constexpr Duration kEnough = std::chrono::seconds(1);
  const Load& lately = facts.recent;
  if (lately.held < kEnough) return std::nullopt;
  Duration busy = lately.statement_time;
  for (const ConnectionStats& holder : facts.connections) {
    if (holder.state != ConnectionState::kActive || !holder.statement ||
        holder.transaction != TransactionStatus::kActive) {
      continue;
    }
    busy += std::min(holder.statement->took, lately.during);
  }
  return metrics::seconds(busy) / metrics::seconds(lately.held);
}

// What a look at the holders misses just after leases have changed hands, or
// while those that were idle have just begun a statement.
std::optional<Verdict> judge_held_idle(const DiagnosisFacts& facts) {
  const auto busy = busy_part(facts);
  if (!busy || *busy >= 0.5) return std::nullopt;
  const auto& hold = facts.recent.mean_hold;
  return Verdict{
      Cause::kIdleInTransaction,
      (hold ? "leases are held for " + duration_for_people(*hold) +
                  " on average, and "
            : "leases do not change hands, and ") +
          "statements run in " + number_words(100 * *busy) + " % of that time",
      "nothing in the database helps: let callers do their other work before "
      "they take a connection, or after they have given it back"};
}

// While nothing is known of what is usual. A lease of a slow statement may have
// short ones beside it, which lower the mean.
bool is_slow(const DiagnosisFacts& facts, Duration mean) {
  if (mean >= facts.threshold) return true;
  return mean >= kGoodWait && facts.recent.mean_hold >= facts.threshold &&
         busy_part(facts) >= 0.5;
}

std::optional<Verdict> judge_statements(const DiagnosisFacts& facts) {
  constexpr std::uint64_t kEnoughStatements = 20;
  const auto& now = facts.recent.mean_statement;
  if (!now) return std::nullopt;
  std::string finding =
      "statements take " + duration_for_people(*now) + " on average";
  if (facts.baseline && facts.baseline->statements >= kEnoughStatements) {
    const Duration usual = *facts.baseline->mean_statement;
    if (facts.recent.statements < kEnoughStatements ||
        *now < kUnusual * usual) {
      return std::nullopt;
    }
    finding += ", where " + duration_for_people(usual) +
               " were usual within the last hour";
  } else if (!is_slow(facts, *now)) {
    return std::nullopt;
  } else if (facts.recent.mean_hold) {
    finding += ", and leases " + duration_for_people(*facts.recent.mean_hold);
  }
  return Verdict{Cause::kSlowQueries, std::move(finding),
                 "see in dbpool_query_duration_seconds which of them are slow, "
                 "and look at their plans and at the database's load"};
}

std::string offered_words(const Load& load, double offered) {
  return number_words(offered) + " connections are offered by " +
         number_words(load.arrivals_per_second()) + " acquires/s × " +
         duration_for_people(*load.mean_hold);
}

Verdict judge_size(const DiagnosisFacts& facts) {
  const std::uint32_t max = facts.stats.max_connections;
  const Sizing sizing = size(facts.load);
  Verdict verdict{Cause::kTooSmall, "", ""};
  if (!sizing.offered) {
    verdict.finding =
        "more is asked for than " + std::to_string(max) + " connections serve";
  } else if (!sizing.is_known) {
    verdict.finding = offered_words(facts.load, *sizing.offered) +
                      "; these are too few to say how many would do";
  } else if (!sizing.needed || *sizing.needed > max) {
    verdict.finding = offered_words(facts.load, *sizing.offered) + "; ";
    verdict.finding += sizing.needed
                           ? std::to_string(*sizing.needed) +
                                 " would keep 99 % of waits under 100 ms"
                           : "no number keeps 99 % of waits under 100 ms";
  } else {
    verdict.finding = offered_words(facts.load, *sizing.offered) +
                      ", fewer than the " + std::to_string(max) +
                      " there are: they come in bursts, up to " +
                      std::to_string(facts.stats.waiting_peak) + " waited";
    verdict.action =
        "ask for fewer at once, or raise DB_POOL_MAX if such bursts are usual; "
        "a machine that is too busy to run this program looks the same";
    return verdict;
  }
  verdict.action =
      "raise DB_POOL_MAX, no further than the database allows, hold leases "
      "for less time, or ask for fewer at once";
  return verdict;
}

Verdict calm(const PoolStats& stats) {
  if (stats.waiting_total == 0) {
    return {Cause::kNone, "no request waits for a connection",
            "nothing is to be done"};
  }
  return {Cause::kNone, "no request has waited for longer than 100 ms",
          "nothing is to be done"};
}

}  // namespace

std::string_view to_string(Cause cause) noexcept {
  constexpr std::array<std::string_view, kCauseCount> kNames = {
      "none",     "backend_down", "server_slots",        "lock_contention",
      "leak",     "slow_queries", "idle_in_transaction", "opening_slow",
      "too_small"};
  return kNames[static_cast<std::size_t>(cause)];
}

Sizing size(const Load& load) {
  // Fewer tell little about the rest.
  constexpr std::uint64_t kEnoughGrants = 20;
  Sizing sizing;
  sizing.offered = load.offered();
  if (!sizing.offered || load.granted < kEnoughGrants) return sizing;
  sizing.is_known = true;
  sizing.needed = needed_connections(
      {load.arrivals_per_second(), *load.mean_hold, load.hold_variation});
  return sizing;
}

bool is_served(const DiagnosisFacts& facts) {
  return facts.recent.granted > 0 || has_live_connection(facts.stats) ||
         facts.database.has_value();
}

bool is_strained(const DiagnosisFacts& facts) {
  return facts.stats.oldest_waiting_age > kGoodWait ||
         facts.recent.misses_objective();
}

Verdict judge(const DiagnosisFacts& facts) {
  if (auto verdict = judge_database(facts)) return *std::move(verdict);
  if (auto verdict = judge_slots(facts)) return *std::move(verdict);
  if (!is_strained(facts)) return calm(facts.stats);
  if (waits_for_openings(facts)) return judge_openings(facts);
  if (is_held_by_nobody(facts)) return judge_closing();
  if (auto verdict = judge_holders(facts)) return *std::move(verdict);
  if (auto verdict = judge_held_idle(facts)) return *std::move(verdict);
  if (auto verdict = judge_statements(facts)) return *std::move(verdict);
  return judge_size(facts);
}

Verdict judge_once(const DiagnosisFacts& facts) {
  Verdict verdict = judge(facts);
  if (verdict.cause != Cause::kNone || !facts.is_unreachable) return verdict;
  const std::string action(help_with(facts.stats.last_failure));
  if (facts.recent.granted == 0) {
    return {Cause::kBackendDown, facts.database_error, action};
  }
  // What is open still serves.
  verdict.finding += ", but a connection beside the pool gets no answer: " +
                     facts.database_error;
  verdict.action = action;
  return verdict;
}

}  // namespace dbpool::exporter
