#include "pool/src/multiplex/multiplexer.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

#include "pool/src/base/signals_blocked.h"
#include "pool/src/multiplex/multiplex_refusal.h"
#include "pool/src/pool_core.h"
#include "pool/src/session/statement_error.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

// A carrier that is always busy goes back to the pool this often: its lease
// would look like a leak, and its connection would outlive its lifetime.
constexpr Duration kMaxHold = std::chrono::seconds(1);
constexpr std::uint32_t kInbox = UINT32_MAX;  // among the numbers of carriers
constexpr std::size_t kEvents = 256;          // taken from epoll at a time

MultiplexLimits limits_of(const PoolOptions& options) {
  MultiplexLimits limits;
  limits.depth = options.pipeline_depth;
  limits.max_waiting = options.max_waiting_requests;
  limits.budget = options.pipeline_budget;
  limits.grace = options.cancel_grace;
  limits.max_hold = kMaxHold;
  if (options.leak_threshold) {
    limits.max_hold = std::min(kMaxHold, *options.leak_threshold / 2);
  }
  return limits;
}

UniqueFd make_epoll() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
  return epoll;
}

// Rounded up; at most a minute, since waking costs nothing.
int milliseconds_until(TimePoint deadline) noexcept {
  constexpr Duration kMost = std::chrono::minutes(1);
  const TimePoint now = Clock::now();
  if (deadline <= now) return 0;
  const Duration left = std::min(deadline - now, kMost);
  return static_cast<int>(
      std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

}  // namespace

Multiplexer::LeaseRequest::LeaseRequest(MultiplexInbox& inbox)
    : AcquireRequest(AcquireOptions(Tag("multiplexed")),
                     std::source_location::current()),
      inbox_(inbox) {}

Multiplexer::Multiplexer(PoolCore& core)
    : core_(core),
      context_(core.setup()->context),
      inbox_(std::make_shared<MultiplexInbox>()),
      epoll_(make_epoll()),
      brain_(limits_of(core.setup()->options), Clock::now()),
      stats_at_(Clock::now()) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u32 = kInbox;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_->signal().fd(), &event);
}

// --- Callers -----------------------------------------------------------------

void Multiplexer::start(std::shared_ptr<PoolCore> core) {
  const SignalsBlocked blocked;
  thread_ = std::make_unique<std::thread>(
      [shared_core = std::move(core), self = shared_from_this()] {
        ::pthread_setname_np(::pthread_self(), "dbpool-mux");
        self->run();
      });
}

void Multiplexer::end_thread(bool soon) noexcept {
  if (soon && thread_->get_id() != std::this_thread::get_id()) {
    thread_->join();
  } else {
    thread_->detach();
  }
}

void Multiplexer::execute(std::string name, std::string sql, Params params,
                          const ExecuteOptions& options,
                          CompletionPtr<Expected<Rows>> completion) {
  auto error = find_usage_error(sql, params);
  if (!error) error = find_sharing_error(sql);
  const auto timeout =
      options.timeout ? options.timeout : core_.timeouts().statement();
  if (!error && timeout && *timeout <= Duration::zero()) {
    error = statement_error(StatementFailure::kTimeout, Outcome::kNotSent,
                            "statement timeout (0 ms): not sent");
  }
  if (error) return completion->complete(Unexpected(std::move(*error)));
  const auto statement = std::make_shared<MultiplexStatement>(
      inbox_, std::move(name), std::move(sql), std::move(params), options,
      std::move(completion));
  statement->job.submitted_at = Clock::now();
  statement->job.wait_until =
      saturating_add(statement->job.submitted_at, core_.timeouts().acquire());
  statement->job.timeout = timeout;
  statement->arm();
  if (!inbox_->submit(statement)) {
    statement->answer(Unexpected(core_.refusal(AcquireFailure::kClosed)));
  }
}

MultiplexStats Multiplexer::stats() const {
  const std::lock_guard lock(stats_mutex_);
  MultiplexStats stats = stats_;
  const Duration since = std::max(Clock::now() - stats_at_, Duration::zero());
  stats.carrier_time += stats.carriers * since;
  stats.waiting_time += stats.waiting * since;
  stats.in_flight_time += stats.in_flight * since;
  return stats;
}

// --- Rounds ------------------------------------------------------------------

void Multiplexer::run() {
  do {
    publish();
    sleep();
    inbox_->signal().awake();
    read_mail();
    read_carriers();
    settle();
  } while (!brain_.is_drained() || !inbox_->end());
  publish();
}

void Multiplexer::read_mail() {
  inbox_->take(mail_);
  const TimePoint now = Clock::now();
  for (MultiplexStatementPtr& statement : mail_.submitted) {
    MultiplexStatement& submitted = *statement;
    submitted.self = std::move(statement);
    brain_.submit(submitted.job, now);
    if (submitted.was_cancelled_first) brain_.cancel(submitted.job, now);
  }
  for (const MultiplexStatementPtr& statement : mail_.cancelled) {
    if (statement->job.state == Job::State::kNew) {
      statement->was_cancelled_first = true;
    } else {
      brain_.cancel(statement->job, now);
    }
  }
  if (mail_.reconfigure) {
    brain_.set_limits(limits_of(core_.setup()->options), now);
  }
  if (mail_.close) brain_.close(now);
  if (mail_.lease) end_acquire(std::move(*mail_.lease));
  carry_out();
  mail_.submitted.clear();
  mail_.cancelled.clear();
  mail_.lease.reset();
}

void Multiplexer::end_acquire(Expected<Lease> lease) {
  if (lease) return add_carrier(std::move(*lease));
  no_lease_ = std::move(lease.error());
  bool futile = false;
  switch (no_lease_->acquire_failure.value_or(AcquireFailure::kClosed)) {
    case AcquireFailure::kQueueFull:
    case AcquireFailure::kBackendDown:
    case AcquireFailure::kServerSlots:
    case AcquireFailure::kClosed:
      futile = true;
      break;
    default:
      break;
  }
  brain_.acquire_failed(futile, Clock::now());
}

void Multiplexer::read_carriers() {
  for (const std::uint32_t number : ready_) read(number);
  ready_.clear();
  carry_out();
}

void Multiplexer::read(std::uint32_t number) {
  if (!carriers_[number]) return;
  MultiplexCarrier& carrier = *carriers_[number];
  const TimePoint now = Clock::now();
  carrier.read(now);
  while (auto reply = carrier.next(now)) {
    if (reply->again) {
      brain_.again(number, now);
      continue;
    }
    Job& job = brain_.finished(number, now);
    assert(&MultiplexStatement::of(job) == reply->statement);
    if (!job.answered) {
      report(*reply->statement,
             reply->result ? nullptr : &reply->result.error());
      reply->statement->answer(std::move(reply->result));
    }
    const MultiplexStatementPtr done = std::move(reply->statement->self);
  }
  if (carrier.broken()) return lose(number);
  if (carrier.retire()) brain_.retire(number);
  if (carrier.is_blocked()) touched_.push_back(number);
}

void Multiplexer::settle() {
  refusals_ = {};
  brain_.advance(Clock::now());
  carry_out();
  // Twice: after the first time it is known who found no place.
  for (int i = 0; i < 2 && brain_.queued() > 0; ++i) {
    ask_for_leases();
    brain_.dispatch(core_.room(), Clock::now());
    carry_out();
  }
  flush_carriers();
  brain_.end_round(Clock::now());
  carry_out();
  if (brain_.is_acquiring_in_vain()) core_.cancel(*request_);
}

void Multiplexer::ask_for_leases() {
  while (brain_.wants_lease(core_.room())) {
    brain_.acquiring();
    request_.emplace(*inbox_);
    core_.request_lease(*request_);
    // Finished at once, as a rule; otherwise its end comes by mail.
    std::optional<Expected<Lease>> lease;
    if (!inbox_->take_lease(lease)) return;
    const bool granted = lease->has_value();
    end_acquire(std::move(*lease));
    if (!granted) return;
  }
}

void Multiplexer::flush_carriers() {
  for (const std::uint32_t number : touched_) {
    if (!carriers_[number]) continue;
    MultiplexCarrier& carrier = *carriers_[number];
    const bool was_blocked = carrier.is_blocked();
    const bool blocked = carrier.flush();
    if (carrier.broken()) {
      lose(number);
    } else if (blocked != was_blocked) {
      watch(number, EPOLL_CTL_MOD, blocked);
      brain_.set_blocked(number, blocked);
    }
  }
  touched_.clear();
  carry_out();
}

void Multiplexer::publish() {
  const std::lock_guard lock(stats_mutex_);
  brain_.snapshot(stats_);
  stats_at_ = brain_.now();
}

void Multiplexer::sleep() {
  std::array<epoll_event, kEvents> events;
  const bool may_sleep = inbox_->signal().try_sleep();
  const int count =
      ::epoll_wait(epoll_.get(), events.data(), kEvents,
                   may_sleep ? milliseconds_until(brain_.next_deadline()) : 0);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t number = events[static_cast<std::size_t>(i)].data.u32;
    if (number != kInbox) ready_.push_back(number);
  }
}

// --- Carriers ----------------------------------------------------------------

void Multiplexer::add_carrier(Lease lease) {
  const std::uint32_t number = brain_.acquired(Clock::now());
  if (carriers_.size() <= number) carriers_.resize(number + 1);
  carriers_[number] = std::make_unique<MultiplexCarrier>(std::move(lease));
  if (carriers_[number]->broken()) return lose(number);
  watch(number, EPOLL_CTL_ADD, false);
}

void Multiplexer::lose(std::uint32_t number) {
  brain_.lost(number, carriers_[number]->sent(), Clock::now());
  carry_out();
}

void Multiplexer::watch(std::uint32_t number, int how, bool writable) {
  epoll_event event = {};
  event.events = writable ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u32 = number;
  ::epoll_ctl(epoll_.get(), how, carriers_[number]->fd(), &event);
}

// --- Actions -----------------------------------------------------------------

void Multiplexer::carry_out() {
  while (!brain_.actions().empty()) {
    std::vector<MultiplexAction> actions = std::move(actions_);
    actions.swap(brain_.actions());
    for (const MultiplexAction& action : actions) carry_out(action);
    actions.clear();
    actions_ = std::move(actions);
  }
}

void Multiplexer::carry_out(const MultiplexAction& action) {
  switch (action.kind) {
    case MultiplexAction::Kind::kSend:
      carriers_[action.carrier]->send(MultiplexStatement::of(*action.job),
                                      action.job->sent_at);
      touched_.push_back(action.carrier);
      return;
    case MultiplexAction::Kind::kAnswer:
      return answer(action);
    case MultiplexAction::Kind::kForget: {
      const MultiplexStatementPtr done =
          std::move(MultiplexStatement::of(*action.job).self);
      return;
    }
    case MultiplexAction::Kind::kHangUp:
      return carriers_[action.carrier]->hang_up();
    case MultiplexAction::Kind::kGiveBack:
      watch(action.carrier, EPOLL_CTL_DEL, false);
      carriers_[action.carrier].reset();
      return;
  }
}

}  // namespace dbpool::detail
