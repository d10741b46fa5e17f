#include "exporter/diagnosis/database_view.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "dbpool/utf8.h"
#include "exporter/diagnosis/server_sql.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

namespace {

// What is looked through for secrets before it is cut to what is shown.
constexpr std::size_t kSearchedCharacters = 1600;
constexpr std::size_t kShownCharacters = 200;

// Sessions of other databases and roles count; what their state is, does not.
std::string_view limits_sql() {
  static const std::string kSql =
      "SELECT pg_backend_pid(), current_user, current_database(), "
      "me.rolsuper, current_setting('max_connections')::int4, " +
      std::string(kReservedConnectionsSql) +
      ", me.rolconnlimit, d.datconnlimit, s.total, s.of_role, s.of_database "
      "FROM pg_catalog.pg_roles me, pg_catalog.pg_database d, "
      "(SELECT count(*) AS total, "
      "count(*) FILTER (WHERE usename = current_user) AS of_role, "
      "count(*) FILTER (WHERE datname = current_database()) AS of_database "
      "FROM pg_catalog.pg_stat_activity WHERE " +
      std::string(kIsClientSql) +
      ") s WHERE me.rolname = current_user AND d.datname = current_database()";
  return kSql;
}

// CASE keeps pg_blocking_pids() from those who do not wait for a lock.
constexpr std::string_view kBackendsSql =
    "SELECT a.pid, a.backend_type IS NULL, coalesce(a.usename, ''), "
    "coalesce(a.datname, ''), coalesce(a.application_name, ''), "
    "coalesce(a.backend_type, ''), coalesce(a.state, ''), "
    "coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''), "
    "extract(epoch FROM clock_timestamp() - a.state_change)::float8, "
    "CASE WHEN a.state = 'active' THEN "
    "extract(epoch FROM clock_timestamp() - a.query_start)::float8 END, "
    "extract(epoch FROM clock_timestamp() - a.xact_start)::float8, "
    "coalesce(a.query, ''), coalesce(r.rolsuper, false), "
    "coalesce(CASE WHEN me.rolsuper THEN true WHEN r.rolsuper THEN false "
    "ELSE pg_has_role(a.usesysid, 'USAGE') "
    "OR pg_has_role('pg_signal_backend', 'USAGE') END, false), "
    "CASE WHEN a.wait_event_type = 'Lock' "
    "THEN array_to_string(pg_blocking_pids(a.pid), ',') ELSE '' END "
    "FROM pg_catalog.pg_stat_activity a "
    "LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid "
    "JOIN pg_catalog.pg_roles me ON me.rolname = current_user "
    "WHERE a.pid = ANY ($1::int4[])";

// Reads one row from the left, and remembers the first value that did not fit.
class RowReader {
 public:
  RowReader(const Rows& rows, std::size_t row) : rows_(rows), row_(row) {}

  template <typename T>
  void next(T& into) {
    auto value = rows_.get<T>(row_, column_++);
    if (value) {
      into = *std::move(value);
    } else if (!error_) {
      error_ = std::move(value.error());
    }
  }
  void next(std::optional<Duration>& into) {
    std::optional<double> seconds;
    next(seconds);
    if (!seconds) return;
    into = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(std::max(*seconds, 0.0)));
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const Rows& rows_;
  const std::size_t row_;
  std::size_t column_ = 0;
  std::optional<Error> error_;
};

// One turn at the server.
struct Turn {
  Connection& connection;
  const ConnectionString& target;
  TimePoint deadline;
  const std::stop_token& stop;
};

Expected<Rows> run(const Turn& turn, std::string_view sql,
                   const Params& params) {
  const Duration left = turn.deadline - Clock::now();
  if (left <= Duration::zero()) {
    // Whoever has answered so far is not silent, late as it may be.
    return Unexpected(
        Error{.kind = ErrorKind::kCancelled,
              .message = "the time was over before all was asked"});
  }
  ExecuteOptions options;
  options.timeout = left;
  options.stop = turn.stop;
  options.max_result_bytes = std::size_t{16} << 20;
  return turn.connection.execute({kDiagnosisStatement, sql}, params, options);
}

std::vector<int> parse_pids(std::string_view text) {
  std::vector<int> pids;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    int pid = 0;
    std::from_chars(text.data(), text.data() + end, pid);
    // Parallel workers of one session each name it.
    if (std::ranges::find(pids, pid) == pids.end()) pids.push_back(pid);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pids;
}

std::string as_array(std::span<const int> pids) {
  std::string text = "{";
  for (const int pid : pids) {
    if (text.size() > 1) text += ',';
    text += std::to_string(pid);
  }
  return text + '}';
}

std::string shown_statement(std::string_view sql,
                            const ConnectionString& target) {
  const std::string safe = target.redact(utf8_prefix(sql, kSearchedCharacters));
  return std::string(utf8_prefix(safe, kShownCharacters));
}

Expected<Backend> read_backend(const Rows& rows, std::size_t row,
                               const ConnectionString& target) {
  Backend backend;
  std::string statement;
  std::string blockers;
  RowReader reader(rows, row);
  reader.next(backend.pid);
  reader.next(backend.hidden);
  reader.next(backend.user);
  reader.next(backend.database);
  reader.next(backend.application);
  reader.next(backend.type);
  reader.next(backend.state);
  reader.next(backend.wait_event_type);
  reader.next(backend.wait_event);
  reader.next(backend.in_state);
  reader.next(backend.in_query);
  reader.next(backend.in_transaction);
  reader.next(statement);
  reader.next(backend.is_superuser);
  reader.next(backend.may_signal);
  reader.next(blockers);
  if (reader.error()) return Unexpected(*reader.error());
  // "<insufficient privilege>" is no statement.
  if (!backend.hidden) backend.statement = shown_statement(statement, target);
  backend.application = target.redact(backend.application);
  backend.blockers = parse_pids(blockers);
  return backend;
}

// Whether a pooler stands between.
Expected<bool> read_limits(const Turn& turn, ServerLimits& limits) {
  const auto rows = run(turn, limits_sql(), {});
  if (!rows) return Unexpected(rows.error());
  int pid = 0;
  RowReader reader(*rows, 0);
  reader.next(pid);
  reader.next(limits.user);
  reader.next(limits.database);
  reader.next(limits.superuser);
  reader.next(limits.max_connections);
  reader.next(limits.reserved_connections);
  reader.next(limits.role_limit);
  reader.next(limits.database_limit);
  reader.next(limits.sessions);
  reader.next(limits.role_sessions);
  reader.next(limits.database_sessions);
  if (reader.error()) return Unexpected(*reader.error());
  return pid != turn.connection.backend_pid();
}

// Adds the backends of `pids` to the view.
Expected<void> add_backends(const Turn& turn, std::span<const int> pids,
                            DatabaseView& view) {
  const auto rows = run(turn, kBackendsSql, {as_array(pids)});
  if (!rows) return Unexpected(rows.error());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    auto backend = read_backend(*rows, row, turn.target);
    if (!backend) return Unexpected(std::move(backend.error()));
    view.backends.push_back(*std::move(backend));
  }
  return {};
}

// Those who block somebody in the view and were not asked for yet.
std::vector<int> blockers_to_ask(const DatabaseView& view,
                                 std::set<int>& asked) {
  std::vector<int> pids;
  for (const Backend& backend : view.backends) {
    for (const int pid : backend.blockers) {
      if (pid > 0 && asked.insert(pid).second) pids.push_back(pid);
    }
  }
  pids.resize(std::min(pids.size(), kMostBackends));
  return pids;
}

Expected<DatabaseView> look(const Turn& turn, std::span<const int> pids) {
  DatabaseView view;
  const auto behind_pooler = read_limits(turn, view.limits);
  if (!behind_pooler) return Unexpected(behind_pooler.error());
  view.behind_pooler = *behind_pooler;
  if (view.behind_pooler) return view;
  std::vector<int> next(
      pids.begin(), pids.begin() + static_cast<std::ptrdiff_t>(
                                       std::min(pids.size(), kMostBackends)));
  std::set<int> asked(next.begin(), next.end());
  for (std::size_t step = 0; step <= kMostBlockingSteps && !next.empty();
       ++step) {
    const auto added = add_backends(turn, next, view);
    if (!added) return Unexpected(added.error());
    next = blockers_to_ask(view, asked);
  }
  return view;
}

}  // namespace

const Backend* DatabaseView::find(int pid) const {
  const auto found = std::ranges::find(backends, pid, &Backend::pid);
  return found == backends.end() ? nullptr : &*found;
}

const Backend* DatabaseView::root_blocker(const Backend& backend) const {
  const Backend* root = nullptr;
  const Backend* at = &backend;
  std::set<int> seen = {backend.pid};
  while (!at->blockers.empty()) {
    const Backend* next = nullptr;
    for (const int pid : at->blockers) {
      if (next == nullptr) next = find(pid);
    }
    if (next == nullptr) break;
    root = at = next;
    if (!seen.insert(next->pid).second) break;
  }
  return root;
}

Expected<DatabaseView> look_at_backends(ServerSession& session,
                                        std::span<const int> pids,
                                        TimePoint deadline,
                                        const std::stop_token& stop) {
  DatabaseView view;
  const auto ask = [&](Connection& connection) -> Expected<void> {
    auto found = look({connection, session.target(), deadline, stop}, pids);
    if (!found) return Unexpected(std::move(found.error()));
    view = *std::move(found);
    return {};
  };
  auto looked = session.use(deadline, ask, stop);
  if (looked) return view;
  looked.error().message = session.target().redact(looked.error().message);
  return Unexpected(std::move(looked.error()));
}

}  // namespace dbpool::exporter
