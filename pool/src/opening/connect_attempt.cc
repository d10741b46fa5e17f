#include "pool/src/opening/connect_attempt.h"

#include <cassert>
#include <chrono>
#include <vector>

#include "pool/src/secrets/known_secret.h"

namespace dbpool::detail {
namespace {

// How often an unfinished ticket without a descriptor is looked at.
constexpr auto kLookInterval = std::chrono::milliseconds(10);

void ignore_notice(void*, const PGresult*) {}

// The keywords that an attempt sets itself.
bool is_own(std::string_view keyword) {
  return keyword == "host" || keyword == "hostaddr" || keyword == "port" ||
         keyword == "target_session_attrs";
}

PGconn* start(const ConnValues& values, const Endpoint& endpoint,
              const std::string& target_session_attrs) {
  std::vector<const char*> keywords;
  std::vector<const char*> texts;
  const auto add = [&](const char* keyword, const std::string& value) {
    keywords.push_back(keyword);
    texts.push_back(value.c_str());
  };
  for (const auto& [keyword, value] : values) {
    if (!is_own(keyword)) add(keyword.c_str(), value);
  }
  add("host", endpoint.name);
  add("hostaddr", endpoint.address);
  add("port", endpoint.port);
  add("target_session_attrs", target_session_attrs);
  keywords.push_back(nullptr);
  texts.push_back(nullptr);
  return PQconnectStartParams(keywords.data(), texts.data(), 0);
}

}  // namespace

// Where it leads out of the handshake, what was agreed on is read here, since
// that takes time too.
void ConnectAttempt::Link::poll() {
  const Recording recording(record);
  const bool in_handshake =
      PQstatus(connection.get()) == CONNECTION_SSL_STARTUP;
  polling = PQconnectPoll(connection.get());
  if (!in_handshake || PQstatus(connection.get()) == CONNECTION_SSL_STARTUP ||
      PQsslInUse(connection.get()) == 0) {
    return;
  }
  tls = read_tls(connection.get(), record);
  client_name = detail::client_name(connection.get());
}

ConnectAttempt::ConnectAttempt(const ConnValues& values,
                               const Endpoint& endpoint,
                               const std::string& target_session_attrs)
    : endpoint_(endpoint),
      target_session_attrs_(target_session_attrs),
      link_(std::make_shared<Link>()),
      phase_began_(Clock::now()) {
  link_->connection.reset(start(values, endpoint_, target_session_attrs_));
  PGconn* const connection = link_->connection.get();
  if (connection == nullptr || PQstatus(connection) == CONNECTION_BAD) {
    progress_ = Progress::kFailed;
    return;
  }
  PQsetNoticeReceiver(connection, ignore_notice, nullptr);
  // Verbose texts hold the SQLSTATE, which no translation changes; libpq
  // has no other way to tell it for a connection that failed.
  PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
  note_phase();
}

ConnectAttempt::~ConnectAttempt() = default;

Wait ConnectAttempt::wait(TimePoint now) const noexcept {
  assert(progress_ == Progress::kWaiting);
  if (ticket_ != nullptr) {
    if (ticket_->fd() < 0) return Wait{.until = now + kLookInterval};
    return Wait{.fd = ticket_->fd(), .readable = true};
  }
  // Asked anew each time: libpq changes its socket when it tries again.
  return Wait{.fd = PQsocket(link_->connection.get()),
              .readable = link_->polling == PGRES_POLLING_READING,
              .writable = link_->polling != PGRES_POLLING_READING};
}

void ConnectAttempt::advance() {
  assert(progress_ == Progress::kWaiting);
  account(Clock::now());
  if (ticket_ != nullptr) {
    if (!ticket_->done()) return;
    ticket_ = nullptr;
    take_result();
    return;
  }
  if (phase_ == ConnectPhase::kTls) {
    ticket_ = request_tls([link = link_] { link->poll(); });
    if (ticket_ != nullptr) return;
  }
  link_->poll();
  take_result();
}

void ConnectAttempt::take_result() {
  account(Clock::now());
  if (link_->polling == PGRES_POLLING_OK) {
    finish_connected();
  } else if (link_->polling == PGRES_POLLING_FAILED) {
    progress_ = Progress::kFailed;
  } else {
    note_phase();
    count_received();
  }
}

void ConnectAttempt::count_received() {
  const int fd = PQsocket(link_->connection.get());
  if (phase_ == ConnectPhase::kTcp || fd < 0) {
    counter_.reset();  // it tries again on another socket
    received_ = 0;
    return;
  }
  if (!counter_) counter_.emplace(fd);
  received_ = counter_->count();
  if (received_ > kMaxLoginBytes) progress_ = Progress::kFailed;
}

// Adds the time since the last call to the phase under way.
void ConnectAttempt::account(TimePoint now) {
  auto& time = times_[static_cast<std::size_t>(phase_)];
  time = time.value_or(Duration{0}) + (now - phase_began_);
  phase_began_ = now;
}

void ConnectAttempt::note_phase() {
  account(Clock::now());
  switch (PQstatus(link_->connection.get())) {
    case CONNECTION_STARTED:
      phase_ = ConnectPhase::kTcp;
      break;
    case CONNECTION_MADE:
      break;  // about to send: still the phase that led here
    case CONNECTION_SSL_STARTUP:
      phase_ = ConnectPhase::kTls;
      break;
    default:
      phase_ = ConnectPhase::kAuth;
      break;
  }
}

void ConnectAttempt::finish_connected() {
  PGconn* const connection = link_->connection.get();
  progress_ = Progress::kConnected;
  stop_recording(connection);
  PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
  PQsetnonblocking(connection, 1);
  auto& tls = times_[static_cast<std::size_t>(ConnectPhase::kTls)];
  if (PQsslInUse(connection) != 0) return;
  link_->tls = {};  // of a try before this one
  if (tls) {
    // Asking for TLS and being told no is part of getting in.
    auto& auth = times_[static_cast<std::size_t>(ConnectPhase::kAuth)];
    auth = auth.value_or(Duration{0}) + *tls;
    tls.reset();
  }
}

bool ConnectAttempt::wrong_session() const noexcept {
  // The server reports its version when all but this has been settled. (The
  // status says CONNECTION_BAD by now, and the text may be translated.)
  return progress_ == Progress::kFailed && received_ <= kMaxLoginBytes &&
         link_->connection != nullptr && target_session_attrs_ != "any" &&
         PQparameterStatus(link_->connection.get(), "server_version") !=
             nullptr;
}

Error ConnectAttempt::error() const {
  assert(progress_ == Progress::kFailed);
  if (received_ > kMaxLoginBytes) return flood_error(endpoint_, phase_);
  PGconn* const connection = link_->connection.get();
  if (connection == nullptr) {
    return attempt_error(endpoint_, {.text = "out of memory"});
  }
  const std::string text =
      hide_secrets_of(connection, PQerrorMessage(connection));
  const char* const user = PQuser(connection);
  Error error = attempt_error(
      endpoint_, {.phase = phase_,
                  .text = text,
                  .needs_password = PQconnectionNeedsPassword(connection) != 0,
                  .wrong_session = wrong_session(),
                  .handshake = &link_->record,
                  .client_name = link_->client_name,
                  .user = user == nullptr ? "" : user});
  // Names in certificates are others' words, too.
  if (error.connect_failure == ConnectFailure::kTls) {
    error.message = hide_secrets_of(connection, error.message);
  }
  return error;
}

}  // namespace dbpool::detail
