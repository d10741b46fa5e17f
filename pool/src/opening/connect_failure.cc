#include "pool/src/opening/connect_failure.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "pool/src/base/text.h"
#include "pool/src/opening/target_names.h"
#include "pool/src/session/pg_result.h"
#include "pool/src/tls/tls_failure.h"

namespace dbpool::detail {
namespace {

constexpr std::size_t kMaxDetail = 300;    // bytes of others' words
constexpr std::size_t kMaxMessage = 1000;  // bytes of a joined message
constexpr std::size_t kMaxMessages = 8;    // hosts told in one message

struct ServerAnswer {
  std::string sqlstate;   // empty: the server said nothing
  std::string_view text;  // its primary message, or libpq's whole text
};

// Finds "FATAL:  28P01: what happened" in a verbose text, at or after `from`.
// The severity is translated, the two blanks and the code are not.
std::size_t find_code(std::string_view text, std::size_t from) {
  while (true) {
    const std::size_t at = text.find(":  ", from);
    if (at == std::string_view::npos) return at;
    if (is_sqlstate(text.substr(at + 3, 5)) && text.substr(at + 8, 2) == ": ") {
      return at + 3;
    }
    from = at + 1;
  }
}

// With sslmode=prefer libpq tries twice, with and without TLS, and keeps both
// answers. "No pg_hba.conf entry" for the second hides what the first said.
ServerAnswer server_answer(std::string_view text) {
  ServerAnswer best{.sqlstate = {}, .text = text};
  for (std::size_t at = find_code(text, 0); at != std::string_view::npos;
       at = find_code(text, at)) {
    const std::string_view code = text.substr(at, 5);
    const bool better =
        best.sqlstate.empty() ||
        (best.sqlstate.starts_with("28") && !code.starts_with("28"));
    if (!better) continue;
    const std::string_view rest = text.substr(at + 7);
    best = {.sqlstate = std::string(code),
            .text = rest.substr(0, rest.find('\n'))};
  }
  return best;
}

bool has(std::string_view text, std::initializer_list<std::string_view> any) {
  return std::ranges::any_of(any, [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

// libpq puts strerror's words into its text: the same words in any language.
bool has_errno(std::string_view text, std::initializer_list<int> any) {
  return std::ranges::any_of(any, [text](int code) {
    std::array<char, 128> buffer;
    const char* const words = ::strerror_r(code, buffer.data(), buffer.size());
    return text.find(words) != std::string_view::npos;
  });
}

bool was_closed_by_peer(std::string_view text) {
  return has_errno(text, {ECONNRESET, EPIPE, ENOTCONN, ECONNABORTED}) ||
         has(text, {"closed the connection unexpectedly", "EOF detected",
                    "unexpected eof"});
}

ConnectFailure classify_code(std::string_view sqlstate, std::string_view text) {
  if (sqlstate.starts_with("28") || sqlstate == "42501") {
    return ConnectFailure::kAuth;
  }
  // PgBouncer has a code of its own for a full house.
  if (sqlstate == "53300" || has(text, {"no more connections allowed"})) {
    return ConnectFailure::kTooManyConnections;
  }
  if (sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03") {
    return ConnectFailure::kStartingUp;
  }
  return ConnectFailure::kOther;
}

ConnectFailure classify_text(const AttemptFacts& facts) {
  const std::string_view text = facts.text;
  if (facts.needs_password) return ConnectFailure::kAuth;
  if (facts.wrong_session) return ConnectFailure::kOther;
  if (has_errno(text, {ECONNREFUSED, ENOENT, EHOSTUNREACH, ENETUNREACH}) &&
      facts.phase == ConnectPhase::kTcp) {
    return ConnectFailure::kRefused;
  }
  if (has_errno(text, {ETIMEDOUT})) return ConnectFailure::kTimeout;
  if (was_closed_by_peer(text)) return ConnectFailure::kRefused;
  if (has(text, {"invalid response to SSL negotiation",
                 "expected authentication request"})) {
    return ConnectFailure::kOther;
  }
  if (facts.phase == ConnectPhase::kTls ||
      has(text, {"SSL error", "does not support SSL", "certificate"})) {
    return ConnectFailure::kTls;
  }
  if (facts.phase == ConnectPhase::kAuth &&
      has(text, {"authentication", "password", "SCRAM", "SASL", "GSSAPI",
                 "channel binding"})) {
    return ConnectFailure::kAuth;
  }
  return ConnectFailure::kOther;
}

// A role or a database may have a limit of its own, whose words are known in
// English only.
std::string_view advice_on_slots(std::string_view text) {
  if (has(text, {"too many connections for role"})) {
    return "the role's own limit is reached: lower the limits of the pools "
           "that use this role, or raise its CONNECTION LIMIT (ALTER ROLE)";
  }
  if (has(text, {"too many connections for database"})) {
    return "the database's own limit is reached: lower the limits of the pools "
           "that use this database, or raise its CONNECTION LIMIT (ALTER "
           "DATABASE)";
  }
  return "all slots are taken: lower the limits of the pools that use this "
         "server, or raise its max_connections";
}

std::string_view advice(ConnectFailure failure, std::string_view sqlstate,
                        std::string_view text) {
  switch (failure) {
    case ConnectFailure::kAuth:
      return "check user, password and the server's pg_hba.conf";
    case ConnectFailure::kTooManyConnections:
      return advice_on_slots(text);
    case ConnectFailure::kStartingUp:
      return "it is starting, stopping or recovering: try again shortly";
    case ConnectFailure::kTls:
      return "check sslmode, sslrootcert, sslcert and the server's certificate";
    case ConnectFailure::kTimeout:
      return "is a firewall dropping packets, or the host down?";
    default:
      return sqlstate == "3D000" ? "check the name of the database"
                                 : "check the connection string";
  }
}

std::string_view refusal(const Endpoint& endpoint, const AttemptFacts& facts) {
  if (was_closed_by_peer(facts.text)) {
    return "closed by the other side before the session began: is the server "
           "shutting down, or is a proxy without a server there?";
  }
  if (has_errno(facts.text, {EHOSTUNREACH, ENETUNREACH})) {
    return "refused: there is no way to that host; is the address right, and "
           "the network up?";
  }
  return endpoint.is_socket()
             ? "refused: nobody listens there; is PostgreSQL running, and are "
               "the socket's folder and port right?"
             : "refused: nobody listens there; is PostgreSQL running, and is "
               "the port right?";
}

// libpq's text without its "connection to server at …, port 5432 failed: ",
// which the label says already. Lines after the first only add hints.
std::string client_detail(std::string_view text) {
  constexpr std::string_view kFailed = " failed: ";
  const std::size_t prefix = text.find(kFailed);
  if (prefix != std::string_view::npos) {
    text.remove_prefix(prefix + kFailed.size());
  }
  return one_line(redact(text.substr(0, text.find('\n'))), kMaxDetail);
}

std::string in_seconds(Duration duration) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3g s",
                std::chrono::duration<double>(duration).count());
  return text.data();
}

Error make_error(ConnectFailure failure, std::string sqlstate,
                 std::string_view message) {
  return Error{.kind = ErrorKind::kConnect,
               .connect_failure = failure,
               .sqlstate = std::move(sqlstate),
               .message = one_line(message, kMaxMessage)};
}

// The order in which reasons tell most: what the farthest attempt met.
int telling(ConnectFailure failure) {
  constexpr std::array kOrder = {
      ConnectFailure::kOther,      ConnectFailure::kResolve,
      ConnectFailure::kRefused,    ConnectFailure::kTimeout,
      ConnectFailure::kTls,        ConnectFailure::kAuth,
      ConnectFailure::kStartingUp, ConnectFailure::kTooManyConnections};
  return static_cast<int>(std::ranges::find(kOrder, failure) - kOrder.begin());
}

Error refused_by_server(const std::string& start, const ServerAnswer& answer,
                        const AttemptFacts& facts) {
  const bool by_certificate = refuses_certificate(answer.text);
  const auto failure = by_certificate
                           ? ConnectFailure::kTls
                           : classify_code(answer.sqlstate, answer.text);
  std::string what_to_do =
      certificate_hint(facts, answer.sqlstate, answer.text);
  if (!by_certificate) {
    what_to_do.insert(
        0, std::string(advice(failure, answer.sqlstate, answer.text)) +
               (what_to_do.empty() ? "" : "; "));
  }
  return make_error(failure, answer.sqlstate,
                    start + "refused by the server: " +
                        one_line(redact(answer.text), kMaxDetail) +
                        " (SQLSTATE " + answer.sqlstate + "); " + what_to_do);
}

}  // namespace

std::string Endpoint::label() const {
  const std::string shown = shown_host(name);
  if (is_socket()) return "socket " + shown + "/.s.PGSQL." + port;
  const bool is_ipv6 = name.find(':') != std::string::npos;
  std::string text = (is_ipv6 ? '[' + shown + ']' : shown) + ':' + port;
  if (!address.empty() && address != name) text += " (" + address + ')';
  return text;
}

Error attempt_error(const Endpoint& endpoint, const AttemptFacts& facts) {
  const std::string start = "connection to " + endpoint.label() + ' ';
  const ServerAnswer answer = server_answer(facts.text);
  if (!answer.sqlstate.empty()) return refused_by_server(start, answer, facts);
  const std::string phase =
      start + "failed in phase " + std::string(to_string(facts.phase)) + ": ";
  const bool closed = was_closed_by_peer(facts.text);
  if (const auto tls = explain_tls(facts, endpoint.name, closed)) {
    return make_error(ConnectFailure::kTls, {},
                      phase + tls->cause + "; " + tls->cure);
  }
  const ConnectFailure failure = classify_text(facts);
  if (failure == ConnectFailure::kRefused) {
    return make_error(failure, {},
                      start + std::string(refusal(endpoint, facts)));
  }
  const std::string hint(facts.wrong_session
                             ? "target_session_attrs asks for another server"
                             : advice(failure, {}, {}));
  return make_error(failure, {},
                    phase + client_detail(facts.text) + "; " + hint);
}

Error timeout_error(const Endpoint& endpoint, ConnectPhase phase,
                    Duration after, std::uint64_t received) {
  std::string hint =
      "something accepts connections and does not answer; is the server "
      "overloaded or frozen?";
  if (phase == ConnectPhase::kTcp) {
    hint = "is a firewall dropping packets, or the host down?";
  } else if (received > 0) {
    hint = "it answers (" + std::to_string(received) +
           " bytes so far) and the login does not end; is the server "
           "overloaded or frozen, or is it no PostgreSQL?";
  }
  return make_error(ConnectFailure::kTimeout, {},
                    "connection to " + endpoint.label() + " timed out after " +
                        in_seconds(after) + " in phase " +
                        std::string(to_string(phase)) + ": " + hint);
}

Error flood_error(const Endpoint& endpoint, ConnectPhase phase) {
  static_assert(kMaxLoginBytes == 1 << 20);
  return make_error(ConnectFailure::kOther, {},
                    "connection to " + endpoint.label() + " failed in phase " +
                        std::string(to_string(phase)) +
                        ": the server sent more than 1 MiB before the login "
                        "ended; is it a PostgreSQL?");
}

Error resolve_error(const Endpoint& endpoint, std::string_view why) {
  return make_error(ConnectFailure::kResolve, {},
                    "connection to " + endpoint.label() +
                        " failed in phase resolve: " + std::string(why) +
                        "; is the host name right, and DNS reachable?");
}

void FailureList::add(Error error) {
  ++count_;
  if (messages_.size() < kMaxMessages) messages_.push_back(error.message);
  const auto rank = [](const Error& which) {
    return telling(which.connect_failure.value_or(ConnectFailure::kOther));
  };
  if (count_ == 1 || rank(error) > rank(most_telling_)) {
    most_telling_ = std::move(error);
  }
}

Error FailureList::join() const {
  if (count_ == 1) return most_telling_;
  // The most telling one first: the end may be cut off.
  std::string text = "none of " + std::to_string(count_) +
                     " attempts succeeded: " + most_telling_.message;
  for (const std::string& message : messages_) {
    if (message != most_telling_.message) text += "; " + message;
  }
  Error error = most_telling_;
  error.message = one_line(text, kMaxMessage);
  return error;
}

}  // namespace dbpool::detail
