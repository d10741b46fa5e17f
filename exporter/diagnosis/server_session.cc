#include "exporter/diagnosis/server_session.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "exporter/base/at_end.h"
#include "exporter/base/signals_blocked.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kNotAsked =
    "not asked: the connection beside the pool was taken by another question";

// A database that does not end a question by then is not waited for.
constexpr Duration kCancelGrace = std::chrono::milliseconds(500);

bool is_lost(const Expected<void>& result) {
  return !result &&
         result.error().statement_failure == StatementFailure::kConnectionLost;
}

ConnectOptions given_up_soon(ConnectOptions options) {
  options.cancel_grace = kCancelGrace;
  return options;
}

Error busy_error() {
  Error error;
  error.kind = ErrorKind::kStatement;
  error.statement_failure = StatementFailure::kTimeout;
  error.message = kNotAsked;
  return error;
}

}  // namespace

bool was_asked(const Error& error) { return error.message != kNotAsked; }

ServerSession::ServerSession(ConnectionString target, ConnectOptions options)
    : target_(std::move(target)), options_(given_up_soon(std::move(options))) {}

ConnectionString ServerSession::target() const {
  const std::lock_guard lock(mutex_);
  return target_;
}

void ServerSession::retarget(ConnectionString target, ConnectOptions options) {
  const std::lock_guard lock(mutex_);
  target_ = std::move(target);
  options_ = given_up_soon(std::move(options));
  is_outdated_ = true;
}

void ServerSession::open_ahead(Duration at_most) {
  const TimePoint deadline = Clock::now() + at_most;
  const auto open = [this, deadline](const std::stop_token& stop) {
    static_cast<void>(use(
        deadline, [](Connection&) { return Expected<void>(); }, stop));
    const std::lock_guard lock(mutex_);
    is_trying_ahead_ = false;
    free_.notify_all();
  };
  const std::lock_guard lock(mutex_);
  is_trying_ahead_ = true;
  const SignalsBlocked blocked;
  opening_ahead_ = std::jthread(open);
}

void ServerSession::wait_ahead(Duration at_most) {
  std::unique_lock lock(mutex_);
  free_.wait_for(lock, at_most, [this] { return !is_trying_ahead_; });
}

Expected<void> ServerSession::use(TimePoint deadline, const Ask& ask,
                                  const std::stop_token& stop) {
  bool is_outdated = false;
  {
    std::unique_lock lock(mutex_);
    if (!free_.wait_until(lock, stop, deadline, [this] { return !in_use_; })) {
      return Unexpected(busy_error());
    }
    in_use_ = true;
    is_outdated = std::exchange(is_outdated_, false);
  }
  if (is_outdated) connection_.reset();
  const AtEnd give_turn{[this] {
    const std::lock_guard lock(mutex_);
    in_use_ = false;
    free_.notify_all();
  }};
  const bool was_open = connection_ != nullptr;
  auto result = ask_once(deadline, ask, stop);
  // Once more if it was lost before; not if it was given up at the deadline.
  if (was_open && is_lost(result) && Clock::now() < deadline) {
    result = ask_once(deadline, ask, stop);
  }
  return result;
}

Expected<void> ServerSession::ask_once(TimePoint deadline, const Ask& ask,
                                       const std::stop_token& stop) {
  if (!connection_) {
    auto opened = open(deadline, stop);
    if (!opened) return opened;
  }
  auto result = ask(*connection_);
  // Any other failure leaves it as good as it was, and its slot with it.
  if (connection_->is_broken() || is_lost(result)) connection_.reset();
  return result;
}

Expected<void> ServerSession::open(TimePoint deadline,
                                   const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const ConnectionString target = target_;
  ConnectOptions options = options_;
  lock.unlock();
  options.stop = stop;
  options.timeout = std::max(deadline - Clock::now(), Duration(1));
  auto connected = connect(target, options);
  if (!connected) return Unexpected(std::move(connected.error()));
  connection_ = std::move(connected->connection);
  return {};
}

}  // namespace dbpool::exporter
