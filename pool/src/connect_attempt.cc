#include "pool/src/connect_attempt.h"

#include <cassert>
#include <vector>

namespace dbpool::detail {
namespace {

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

ConnectAttempt::ConnectAttempt(const ConnValues& values,
                               const Endpoint& endpoint,
                               const std::string& target_session_attrs)
    : endpoint_(endpoint),
      target_session_attrs_(target_session_attrs),
      phase_began_(Clock::now()) {
  connection_.reset(start(values, endpoint_, target_session_attrs_));
  if (connection_ == nullptr || PQstatus(connection_.get()) == CONNECTION_BAD) {
    progress_ = Progress::kFailed;
    return;
  }
  PQsetNoticeReceiver(connection_.get(), ignore_notice, nullptr);
  // Verbose texts hold the SQLSTATE, which no translation changes; libpq
  // has no other way to tell it for a connection that failed.
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  note_phase();
}

Wait ConnectAttempt::wait() const noexcept {
  assert(progress_ == Progress::kWaiting);
  // Asked anew each time: libpq changes its socket when it tries again.
  return Wait{.fd = PQsocket(connection_.get()),
              .readable = polling_ == PGRES_POLLING_READING,
              .writable = polling_ != PGRES_POLLING_READING};
}

void ConnectAttempt::advance() {
  assert(progress_ == Progress::kWaiting);
  account(Clock::now());
  polling_ = PQconnectPoll(connection_.get());
  account(Clock::now());
  if (polling_ == PGRES_POLLING_OK) {
    finish_connected();
  } else if (polling_ == PGRES_POLLING_FAILED) {
    progress_ = Progress::kFailed;
  } else {
    note_phase();
  }
}

// Adds the time since the last call to the phase under way.
void ConnectAttempt::account(TimePoint now) {
  auto& time = times_[static_cast<std::size_t>(phase_)];
  time = time.value_or(Duration{0}) + (now - phase_began_);
  phase_began_ = now;
}

void ConnectAttempt::note_phase() {
  account(Clock::now());
  switch (PQstatus(connection_.get())) {
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
  progress_ = Progress::kConnected;
  PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(connection_.get(), 1);
  auto& tls = times_[static_cast<std::size_t>(ConnectPhase::kTls)];
  if (PQsslInUse(connection_.get()) == 0 && tls) {
    // Asking for TLS and being told no is part of getting in.
    auto& auth = times_[static_cast<std::size_t>(ConnectPhase::kAuth)];
    auth = auth.value_or(Duration{0}) + *tls;
    tls.reset();
  }
}

bool ConnectAttempt::wrong_session() const noexcept {
  // The server reports its version when all but this has been settled. (The
  // status says CONNECTION_BAD by now, and the text may be translated.)
  return progress_ == Progress::kFailed && connection_ != nullptr &&
         target_session_attrs_ != "any" &&
         PQparameterStatus(connection_.get(), "server_version") != nullptr;
}

Error ConnectAttempt::error() const {
  assert(progress_ == Progress::kFailed);
  if (connection_ == nullptr) {
    return attempt_error(endpoint_, {.text = "out of memory"});
  }
  return attempt_error(
      endpoint_,
      {.phase = phase_,
       .text = PQerrorMessage(connection_.get()),
       .needs_password = PQconnectionNeedsPassword(connection_.get()) != 0,
       .wrong_session = wrong_session()});
}

}  // namespace dbpool::detail
