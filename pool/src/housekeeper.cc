#include "pool/src/housekeeper.h"

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <ctime>
#include <utility>

#include "pool/src/base/signals_blocked.h"
#include "pool/src/opening/opening.h"
#include "pool/src/session/checking.h"
#include "pool/src/session/cleaning.h"
#include "pool/src/session/closing.h"
#include "pool/src/session/pg_result.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

// From the close of a session that carried much to the trim of the heap, and
// between two of them: what its caller got will be free by then.
constexpr Duration kHeapPause = std::chrono::seconds(1);

// A quick try gets this share of open_timeout.
constexpr int kQuickShare = 4;

pollfd to_pollfd(const Wait& wait) noexcept {
  pollfd result = {.fd = wait.fd, .events = 0, .revents = 0};
  if (wait.readable) result.events |= POLLIN;
  if (wait.writable) result.events |= POLLOUT;
  return result;
}

timespec time_until(TimePoint deadline) noexcept {
  // At most a day, so that no conversion overflows; waking costs nothing.
  constexpr Duration kMost = std::chrono::hours(24);
  const TimePoint now = Clock::now();
  Duration left = Duration::zero();
  if (deadline > now) left = std::min(deadline - now, kMost);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

}  // namespace

Housekeeper::Housekeeper(std::shared_ptr<PoolCore> core)
    : core_(std::move(core)) {}

Housekeeper::~Housekeeper() = default;

std::thread Housekeeper::start(std::unique_ptr<Housekeeper> housekeeper) {
  const SignalsBlocked blocked;
  return std::thread([owned = std::move(housekeeper)] {
    ::pthread_setname_np(::pthread_self(), "dbpool");
    owned->run();
  });
}

void Housekeeper::run() {
  while (true) {
    core_->wake_signal().awake();
    core_->begin_round(round_);
    for (const Work& work : round_.work) begin(work);
    std::erase_if(jobs_, [](const Job& job) { return !job.machine; });
    if (round_.drained) break;
    sleep_until(round_.more ? TimePoint::min()
                            : std::min(round_.next_deadline, heap_due_));
    if (Clock::now() >= heap_due_) trim_heap();
  }
  assert(jobs_.empty());
  if (heap_due_ != TimePoint::max()) trim_heap();
}

// --- Work ------------------------------------------------------------------

void Housekeeper::begin(const Work& work) {
  std::unique_ptr<StepMachine> machine = make_machine(work, Clock::now());
  if (!machine) return;
  jobs_.push_back(
      {.kind = work.kind, .id = work.id, .machine = std::move(machine)});
  step(jobs_.back(), false);
}

std::unique_ptr<StepMachine> Housekeeper::make_machine(const Work& work,
                                                       TimePoint now) {
  const PoolSetupPtr setup = core_->setup();
  const PoolOptions& options = setup->options;
  switch (work.kind) {
    case WorkKind::kOpen:
      return std::make_unique<Opening>(
          setup->target, options.open_timeout / (work.quick ? kQuickShare : 1),
          setup->context, now);
    case WorkKind::kCheck:
      return std::make_unique<Checking>(
          core_->session(work.id), saturating_add(now, options.check_timeout),
          now);
    case WorkKind::kClean:
      return std::make_unique<Cleaning>(
          core_->session(work.id), saturating_add(now, options.check_timeout),
          now);
    case WorkKind::kClose:
      return make_closing(work.id, now);
  }
  return nullptr;
}

std::unique_ptr<StepMachine> Housekeeper::make_closing(ConnectionId id,
                                                       TimePoint now) {
  // What is under way on it is given up: an opening that is not wanted any
  // more, a check in a pool that closes.
  for (Job& job : jobs_) {
    if (job.id == id) job.machine.reset();
  }
  const std::unique_ptr<Connection> connection = core_->take_connection(id);
  if (!connection) {
    core_->closed(id);
    return nullptr;
  }
  std::unique_ptr<Session> session = connection->take_session();
  if (session->bloated()) {
    heap_due_ = std::min(heap_due_, saturating_add(now, kHeapPause));
  }
  watch_.remove(session->fd());
  return std::make_unique<Closing>(
      std::move(session),
      saturating_add(now, core_->setup()->options.close_timeout));
}

void Housekeeper::step(Job& job, bool ready) {
  const std::optional<Wait> wait = job.machine->step(Clock::now(), ready);
  if (wait) {
    job.wait = *wait;
    return;
  }
  finish(job);
  job.machine.reset();
}

void Housekeeper::finish(Job& job) {
  switch (job.kind) {
    case WorkKind::kOpen:
      finish_opening(job);
      return;
    case WorkKind::kCheck:
      core_->checked(job.id, static_cast<Checking&>(*job.machine).alive());
      return;
    case WorkKind::kClean: {
      const bool usable = static_cast<Cleaning&>(*job.machine).usable();
      core_->cleaned(job.id, usable && !core_->session(job.id).retire());
      return;
    }
    case WorkKind::kClose:
      core_->closed(job.id);
      return;
  }
}

void Housekeeper::finish_opening(Job& job) {
  Expected<Opened> result = static_cast<Opening&>(*job.machine).take_result();
  if (!result) {
    core_->open_failed(job.id, result.error());
    return;
  }
  std::unique_ptr<Session> session = std::move(result->session);
  // Before anybody can borrow it: from then on the loop does not touch it.
  watch_.add(session->fd(), job.id);
  const OpenedFacts facts = {.backend_pid = PQbackendPID(session->pg()),
                             .total = result->total,
                             .phases = result->phases};
  core_->opened(job.id, std::move(session), facts, std::move(result->tls));
}

// --- Waiting ---------------------------------------------------------------

void Housekeeper::sleep_until(TimePoint deadline) {
  polled_.clear();
  polled_.push_back(
      {.fd = core_->wake_signal().fd(), .events = POLLIN, .revents = 0});
  polled_.push_back({.fd = watch_.fd(), .events = POLLIN, .revents = 0});
  for (const Job& job : jobs_) {
    polled_.push_back(to_pollfd(job.wait));
    deadline = std::min(deadline, job.wait.until);
  }
  // Raised meanwhile: look at the descriptors, but do not sleep.
  if (!core_->wake_signal().try_sleep()) deadline = TimePoint::min();
  const timespec timeout = time_until(deadline);
  if (::ppoll(polled_.data(), polled_.size(), &timeout, nullptr) < 0) {
    // Out of kernel memory: nothing is ready, the timers still run.
    for (pollfd& entry : polled_) entry.revents = 0;
  }
  if (polled_[1].revents != 0) take_hang_ups();
  const TimePoint now = Clock::now();
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const bool ready = polled_[i + 2].revents != 0;
    if (ready || jobs_[i].wait.until <= now) step(jobs_[i], ready);
  }
}

// malloc keeps whatever is free below the last block in use: after a result of
// 200 MB all of it, for ever. Giving it back takes some 80 us a MB.
void Housekeeper::trim_heap() {
  const bool is_more_to_come = held_large_results > 0;
  ::malloc_trim(0);
  heap_due_ = is_more_to_come ? saturating_add(Clock::now(), kHeapPause)
                              : TimePoint::max();
}

void Housekeeper::take_hang_ups() {
  watch_.take(hung_up_);
  for (const ConnectionId id : hung_up_) core_->hung_up(id);
}

}  // namespace dbpool::detail
