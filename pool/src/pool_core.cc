#include "pool/src/pool_core.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <exception>
#include <random>
#include <utility>

#include "pool/src/housekeeper.h"
#include "pool/src/multiplex/multiplexer.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

PoolOptions with_seed(PoolOptions options) {
  if (!options.random_seed) {
    std::random_device device;
    options.random_seed = std::uint64_t{device()} << 32 | device();
  }
  return options;
}

// What a lease leaves behind.
ReturnState return_state(Connection& connection) noexcept {
  const Session& session = connection.session();
  const TransactionStatus status = connection.transaction_status();
  if (session.broken() || status == TransactionStatus::kUnknown) {
    return ReturnState::kBroken;
  }
  if (session.busy() || status != TransactionStatus::kIdle) {
    return ReturnState::kDirty;
  }
  return session.retire() ? ReturnState::kRetire : ReturnState::kClean;
}

}  // namespace

Expected<std::shared_ptr<PoolCore>> PoolCore::create(
    ConnectionString target, PoolOptions options,
    std::shared_ptr<EventSink> sink) {
  if (auto valid = validate(options); !valid) {
    return Unexpected(std::move(valid.error()));
  }
  try {
    auto core = std::make_shared<PoolCore>(
        std::move(target), with_seed(std::move(options)), std::move(sink));
    core->start_housekeeper();
    core->start_multiplexer();
    return core;
  } catch (const std::exception& failure) {
    Error error;
    error.message = std::string("the pool cannot start: ") + failure.what();
    return Unexpected(std::move(error));
  }
}

PoolCore::PoolCore(ConnectionString target, const PoolOptions& options,
                   std::shared_ptr<EventSink> sink)
    : name_(options.name),
      sink_(std::move(sink)),
      statistics_(std::make_shared<QueryStatistics>(options.max_query_names)),
      timeouts_(std::make_shared<Timeouts>(options)),
      fork_generation_(fork_generation()),
      setups_{make_setup(options, std::move(target),
                         {.timeouts = timeouts_,
                          .server_statement_timeout = {},
                          .max_prepared_statements = 0,
                          .sink = sink_,
                          .statistics = statistics_,
                          .pool_name = name_})},
      state_(options, Clock::now()),
      slots_(options.max_connections) {}

PoolCore::~PoolCore() {
  // shut_down() came first, or create() failed.
  assert(!housekeeper_ || !housekeeper_->joinable());
}

void PoolCore::start_housekeeper() {
  auto housekeeper = std::make_unique<Housekeeper>(shared_from_this());
  housekeeper_ =
      std::make_unique<std::thread>(Housekeeper::start(std::move(housekeeper)));
}

// --- Acquire ---------------------------------------------------------------

Expected<Lease> PoolCore::acquire(const AcquireOptions& options,
                                  std::source_location where) {
  if (forked()) return Unexpected(forked_error(name_));
  BlockingRequest request(options, where);
  switch (submit(request, options.deadline)) {
    case Waiter::State::kGranted:
      return make_lease(request);
    case Waiter::State::kFailed:
      return Unexpected(failure_of(request));
    default:
      return wait_for(request, options.stop);
  }
}

Waiter::State PoolCore::submit(AcquireRequest& request,
                               const std::optional<TimePoint>& deadline) {
  Waiter& waiter = request.waiter;
  Effects effects;
  Waiter::State state;
  const TimePoint now = Clock::now();
  waiter.deadline =
      deadline ? *deadline : saturating_add(now, timeouts_->acquire());
  {
    const std::lock_guard lock(mutex_);
    effects = state_.acquire(waiter, now);
    state = waiter.state;
    resolve(waiter);
    resolve(effects);
  }
  if (!effects.empty()) deliver(effects);
  return state;
}

Expected<Lease> PoolCore::wait_for(BlockingRequest& request,
                                   const std::stop_token& stop) {
  const std::stop_callback cancel_it(stop, [&] { cancel(request); });
  if (!request.wait_until(request.waiter.deadline)) {
    bool expired = false;
    {
      const std::lock_guard lock(mutex_);
      expired = state_.expire(request.waiter, Clock::now());
    }
    if (expired) return Unexpected(failure_of(request));
    // It was finished meanwhile; the result, maybe a grant, is on its way.
    request.wait();
  }
  return request.take_result();
}

void PoolCore::cancel(AcquireRequest& request) noexcept {
  bool cancelled = false;
  {
    const std::lock_guard lock(mutex_);
    cancelled = state_.cancel(request.waiter, Clock::now());
  }
  if (cancelled) request.finish(Unexpected(failure_of(request)));
}

Lease PoolCore::make_lease(const AcquireRequest& request) noexcept {
  return Lease(*this, request.connection, request.waiter.granted.slot);
}

Error PoolCore::failure_of(const AcquireRequest& request) const {
  return acquire_error(request.waiter.failure, facts());
}

// --- Release ---------------------------------------------------------------

void PoolCore::give_back(Connection& connection, std::uint32_t slot) noexcept {
  const ReturnState how = return_state(connection);
  if (how != ReturnState::kDirty || !sink_) return end_lease(slot, how);
  const std::shared_ptr<PoolCore> self = shared_from_this();
  std::optional<LeaseFacts> lease;
  {
    const std::lock_guard lock(mutex_);
    lease = state_.lease(slots_[slot].id, Clock::now());
  }
  end_lease(slot, how);
  if (lease) tell(&EventSink::dirty_return, *lease);
}

void PoolCore::end_lease(std::uint32_t slot, ReturnState how) noexcept {
  Effects effects;
  std::shared_ptr<PoolCore> self;
  const TimePoint now = Clock::now();
  {
    const std::lock_guard lock(mutex_);
    effects = state_.release(slots_[slot].id, how, now);
    if (effects.empty()) return;
    resolve(effects);
    // The core may end with the lease, and is still needed: see pool_core.h.
    self = shared_from_this();
  }
  deliver(effects);
}

// --- Effects ---------------------------------------------------------------

void PoolCore::resolve(Waiter& waiter) noexcept {
  if (waiter.state != Waiter::State::kGranted) return;
  AcquireRequest::of(waiter).connection =
      slots_[waiter.granted.slot].connection.get();
}

void PoolCore::resolve(const Effects& effects) noexcept {
  for (Waiter* waiter = effects.finished; waiter; waiter = waiter->next) {
    resolve(*waiter);
  }
}

void PoolCore::deliver(const Effects& effects) noexcept {
  if (effects.wake_housekeeper) wake_signal_.raise();
  if (effects.finished == nullptr) return;
  // Many requests may fail at once and for one reason: word it once.
  std::array<std::optional<Error>, kAcquireFailureCount> errors;
  for (Waiter* waiter = effects.finished; waiter;) {
    // The request may be gone once it is finished.
    AcquireRequest& request = AcquireRequest::of(*waiter);
    waiter = waiter->next;
    if (request.waiter.state == Waiter::State::kGranted) {
      request.finish(make_lease(request));
      continue;
    }
    auto& error = errors[static_cast<std::size_t>(request.waiter.failure)];
    if (!error) error = failure_of(request);
    request.finish(Unexpected(*error));
  }
}

}  // namespace dbpool::detail
