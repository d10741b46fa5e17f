#include "exporter/diagnosis/words.h"

#include <algorithm>

#include "exporter/base/duration_words.h"
#include "exporter/base/holders.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kHidden =
    "state hidden from the exporter's role (GRANT pg_monitor to it)";

// What others chose cannot end the quotation.
std::string quoted(std::string_view text) { return to_utf8(in_quotes(text)); }

}  // namespace

std::string_view headline(Cause cause) noexcept {
  switch (cause) {
    case Cause::kNone:
      return "No request waits for long";
    case Cause::kBackendDown:
      return "The database cannot be reached";
    case Cause::kServerSlots:
      return "The database grants no more connections";
    case Cause::kLockContention:
      return "Blocked by a lock";
    case Cause::kLeak:
      return "Connections are not given back";
    case Cause::kSlowQueries:
      return "Slow queries hold the connections";
    case Cause::kIdleInTransaction:
      return "Connections are held while the database is idle";
    case Cause::kOpeningSlow:
      return "Opening connections is slow";
    case Cause::kTooSmall:
      return "The pool is too small for its load";
  }
  return to_string(cause);
}

std::string_view end_headline(Cause was, bool is_served) noexcept {
  if (was != Cause::kBackendDown) return "requests do not wait any more";
  return is_served ? "the database is back"
                   : "no request asks for a connection any more";
}

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

std::string backend_words(const Backend& backend) {
  std::string words = "PID " + std::to_string(backend.pid);
  if (!backend.user.empty()) words += ", user " + quoted(backend.user);
  if (!backend.application.empty()) {
    words += ", application " + quoted(backend.application);
  }
  words += ", " + state_for_people(backend);
  return words;
}

std::string holder_words(const ConnectionStats& holder) {
  std::string words = acquired_at(holder);
  return holder.tag.empty() ? words : quoted(holder.tag) + " at " + words;
}

std::string count_words(std::size_t count, std::size_t of) {
  return std::to_string(count) + " of " + std::to_string(of) + " connections";
}

std::string call(std::string_view function, int pid) {
  return "SELECT " + std::string(function) + "(" + std::to_string(pid) + ")";
}

std::string privilege_words(const Backend& backend, const ServerLimits& me) {
  if (backend.may_signal) return " (" + quoted(me.user) + " may do so)";
  if (backend.is_superuser || backend.user.empty()) {
    return " (this takes a superuser)";
  }
  return " (this takes the role " + quoted(backend.user) +
         ", a member of it or of pg_signal_backend)";
}

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

Ceiling ceiling_of(const PoolStats& stats, const ServerLimits& limits) {
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
  // Those being opened have no session yet.
  const std::int64_t opening =
      stats.connections[static_cast<std::size_t>(ConnectionState::kOpening)];
  return {stats.total - opening + std::max<std::int64_t>(bound.free, 0),
          std::move(bound.name)};
}

}  // namespace dbpool::exporter
