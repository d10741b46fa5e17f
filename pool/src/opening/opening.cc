#include "pool/src/opening/opening.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <deque>
#include <string>
#include <utility>

#include "pool/src/opening/connect_attempt.h"
#include "pool/src/opening/connect_failure.h"
#include "pool/src/opening/conninfo.h"
#include "pool/src/opening/opening_values.h"
#include "pool/src/opening/passfile.h"
#include "pool/src/opening/resolver.h"
#include "pool/src/opening/target_hosts.h"

namespace dbpool::detail {
namespace {

// How often an unfinished ticket without a descriptor is looked at.
constexpr auto kLookInterval = std::chrono::milliseconds(10);

// How poolers answer start-up options: PgBouncer with a protocol violation,
// others say that they do not have the feature.
bool refuses_options(const Error& error) {
  return error.sqlstate == "08P01" || error.sqlstate == "0A000";
}

}  // namespace

class Opening::Impl {
 public:
  Impl(std::shared_ptr<const ConnectionString> target, Duration timeout,
       std::shared_ptr<const SessionContext> context, TimePoint now);

  std::optional<Wait> step(TimePoint now, bool ready);
  Expected<Opened> take_result();

 private:
  // One place to try: a host still to be resolved, or one of its addresses.
  struct Place {
    Endpoint endpoint;
    bool resolved = false;
    std::optional<Duration> resolve_time = {};
  };

  std::optional<Wait> wait_for_name(TimePoint now);
  std::optional<Wait> wait_for_attempt(TimePoint now, bool ready);
  void begin_place(TimePoint now);
  void expand_place(const Resolved& resolved, TimePoint now);
  void fail_place(Error error);
  void end_attempt();
  void fail_attempt();
  void succeed();
  void give_up();

  const std::shared_ptr<const ConnectionString> target_;
  const std::shared_ptr<const SessionContext> context_;
  const TimePoint started_;
  const TimePoint deadline_;
  ConnValues values_;
  // The same with the server's statement_timeout; empty: without.
  ConnValues backstop_values_;
  bool refused_backstop_ = false;
  Duration host_limit_ = Duration::max();

  std::deque<Place> places_;  // the front one is being tried
  // prefer-standby goes round twice: first for standbys only, and then for
  // the others that answered. These are the others.
  std::deque<Place> second_round_;
  bool prefer_standby_ = false;
  std::string session_attrs_;

  // At most one of the two; with the time when the front place began, and
  // until when it may take.
  std::shared_ptr<ResolveTicket> ticket_;
  std::unique_ptr<ConnectAttempt> attempt_;
  TimePoint place_began_;
  TimePoint place_deadline_;

  FailureList failures_;
  std::optional<Expected<Opened>> result_;
};

Opening::Impl::Impl(std::shared_ptr<const ConnectionString> target,
                    Duration timeout,
                    std::shared_ptr<const SessionContext> context,
                    TimePoint now)
    : target_(std::move(target)),
      context_(std::move(context)),
      started_(now),
      deadline_(timeout < TimePoint::max() - now ? now + timeout
                                                 : TimePoint::max()),
      place_began_(now),
      place_deadline_(deadline_) {
  const ConnValues effective = effective_values(target_->values());
  if (auto checked = check_lists(effective); !checked) {
    result_ = Unexpected(std::move(checked.error()));
    return;
  }
  values_ = with_defaults(target_->values(), effective);
  if (passfile_problem(target_->values(), effective)) {
    values_.insert_or_assign("passfile", kNoPassfile);
  }
  if (context_->server_statement_timeout && !target_->refuses_own_options()) {
    backstop_values_ =
        with_backstop(values_, effective, *context_->server_statement_timeout);
  }
  host_limit_ = host_limit(effective);
  session_attrs_ = value_of(effective, "target_session_attrs", "any");
  prefer_standby_ = session_attrs_ == "prefer-standby";
  if (prefer_standby_) session_attrs_ = "standby";
  for (auto& host : hosts_in(effective)) {
    const bool resolved = host.is_socket() || !host.address.empty() ||
                          is_numeric_address(host.name);
    places_.push_back({.endpoint = {.name = std::move(host.name),
                                    .address = std::move(host.address),
                                    .port = std::move(host.port)},
                       .resolved = resolved});
  }
}

std::optional<Wait> Opening::Impl::step(TimePoint now, bool ready) {
  while (!result_) {
    std::optional<Wait> wait;
    if (ticket_ != nullptr) {
      wait = wait_for_name(now);
    } else if (attempt_ != nullptr) {
      wait = wait_for_attempt(now, std::exchange(ready, false));
    } else if (places_.empty() || now >= deadline_) {
      give_up();
    } else {
      ready = false;
      begin_place(now);
    }
    if (wait) return wait;
  }
  return std::nullopt;
}

// Gives the front place an equal share of the time that is left.
void Opening::Impl::begin_place(TimePoint now) {
  const auto shares =
      static_cast<Duration::rep>(places_.size() + (prefer_standby_ ? 1 : 0));
  const Duration share = std::min((deadline_ - now) / shares, host_limit_);
  place_began_ = now;
  place_deadline_ = now + share;
  const Place& place = places_.front();
  if (!place.resolved) {
    ticket_ = request_resolve(place.endpoint.name);
    return;
  }
  attempt_ = std::make_unique<ConnectAttempt>(
      backstop_values_.empty() ? values_ : backstop_values_, place.endpoint,
      session_attrs_);
}

std::optional<Wait> Opening::Impl::wait_for_name(TimePoint now) {
  const Place& place = places_.front();
  if (ticket_->done()) {
    const auto ticket = std::exchange(ticket_, nullptr);
    if (!ticket->resolved().error.empty()) {
      fail_place(resolve_error(place.endpoint, ticket->resolved().error));
    } else {
      expand_place(ticket->resolved(), now);
    }
    return std::nullopt;
  }
  if (now >= place_deadline_) {
    ticket_ = nullptr;
    fail_place(resolve_error(place.endpoint, "no answer in time"));
    return std::nullopt;
  }
  if (ticket_->fd() < 0) {
    return Wait{.until = std::min(now + kLookInterval, place_deadline_)};
  }
  return Wait{.fd = ticket_->fd(), .readable = true, .until = place_deadline_};
}

// Puts the addresses of the front place in its stead.
void Opening::Impl::expand_place(const Resolved& resolved, TimePoint now) {
  Place place = std::move(places_.front());
  places_.pop_front();
  place.resolved = true;
  place.resolve_time = now - place_began_;
  const auto& addresses = resolved.addresses;
  for (auto each = addresses.rbegin(); each != addresses.rend(); ++each) {
    place.endpoint.address = *each;
    places_.push_front(place);
  }
}

std::optional<Wait> Opening::Impl::wait_for_attempt(TimePoint now, bool ready) {
  using Progress = ConnectAttempt::Progress;
  if (attempt_->progress() == Progress::kWaiting &&
      (ready || attempt_->is_due())) {
    attempt_->advance();
  }
  if (attempt_->progress() != Progress::kWaiting) {
    end_attempt();
    return std::nullopt;
  }
  if (now < place_deadline_) {
    Wait wait = attempt_->wait(now);
    wait.until = std::min(wait.until, place_deadline_);
    return wait;
  }
  Error error = timeout_error(places_.front().endpoint, attempt_->phase(),
                              now - place_began_, attempt_->received());
  attempt_ = nullptr;
  fail_place(std::move(error));
  return std::nullopt;
}

void Opening::Impl::end_attempt() {
  if (attempt_->progress() == ConnectAttempt::Progress::kConnected) {
    succeed();
    return;
  }
  fail_attempt();
  if (places_.empty() && !second_round_.empty()) {
    places_ = std::exchange(second_round_, {});
    prefer_standby_ = false;
    session_attrs_ = "any";
  }
}

void Opening::Impl::fail_attempt() {
  const auto attempt = std::exchange(attempt_, nullptr);
  if (prefer_standby_ && attempt->wrong_session()) {
    second_round_.push_back(std::move(places_.front()));
    places_.pop_front();
    return;
  }
  Error error = attempt->error();
  if (!backstop_values_.empty() && refuses_options(error)) {
    // The same place again, without what it may have refused.
    backstop_values_.clear();
    refused_backstop_ = true;
    return;
  }
  fail_place(std::move(error));
}

void Opening::Impl::fail_place(Error error) {
  failures_.add(std::move(error));
  places_.pop_front();
}

void Opening::Impl::succeed() {
  if (refused_backstop_) target_->note_refused_options();
  const auto attempt = std::exchange(attempt_, nullptr);
  const Place& place = places_.front();
  Opened opened;
  opened.phases = attempt->times();
  opened.phases[static_cast<std::size_t>(ConnectPhase::kResolve)] =
      place.resolve_time;
  opened.session = std::make_unique<Session>(attempt->release(), context_,
                                             place.endpoint.name);
  opened.tls = attempt->tls();
  opened.total = Clock::now() - started_;
  result_ = std::move(opened);
}

void Opening::Impl::give_up() {
  // Of what was not even tried (no time left) the first stands for all.
  if (failures_.empty()) {
    failures_.add(timeout_error(
        places_.front().endpoint,
        places_.front().resolved ? ConnectPhase::kTcp : ConnectPhase::kResolve,
        Duration{0}, 0));
  }
  result_ = Unexpected(failures_.join());
}

Expected<Opened> Opening::Impl::take_result() {
  assert(result_.has_value());
  return std::move(*result_);
}

Opening::Opening(std::shared_ptr<const ConnectionString> target,
                 Duration timeout,
                 std::shared_ptr<const SessionContext> context, TimePoint now)
    : impl_(std::make_unique<Impl>(std::move(target), timeout,
                                   std::move(context), now)) {}

Opening::~Opening() = default;

std::optional<Wait> Opening::step(TimePoint now, bool ready) {
  return impl_->step(now, ready);
}

Expected<Opened> Opening::take_result() { return impl_->take_result(); }

}  // namespace dbpool::detail
