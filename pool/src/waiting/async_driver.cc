#include "pool/src/waiting/async_driver.h"

#include <fcntl.h>

#include <algorithm>
#include <asio/error_code.hpp>
#include <asio/post.hpp>
#include <cassert>
#include <utility>

#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

// How often a descriptor is looked at that cannot be watched (the kernel's
// bound on watches is reached).
constexpr auto kUnwatchedInterval = std::chrono::milliseconds(5);

}  // namespace

AsyncDriver::~AsyncDriver() {
  // Only in a child of fork() is it still there, see Session: to take it out
  // of the reactor would take it from the parent's epoll set.
  if (watched_) {
    watched_->duplicate.reset();
    static_cast<void>(watched_.release());
  }
}

// --- The context -------------------------------------------------------------

void AsyncDriver::attach(const asio::any_io_executor& executor) {
  {
    const Lock lock(mutex_);
    if (context_ && context_->owner() == &context_of(executor)) return;
  }
  detach();
  auto context = AsyncContext::of(executor);
  const AsyncContext::Place place = context->add(weak_from_this());
  const Lock lock(mutex_);
  context_ = std::move(context);
  place_ = place;
}

void AsyncDriver::detach() noexcept {
  // Destroyed after unlocking: its handler may own anything.
  std::shared_ptr<AsyncJob> job;
  std::shared_ptr<AsyncContext> context;
  {
    const Lock lock(mutex_);
    // Under the mutex, so that the context cannot end in between: it waits
    // here for each driver that is listed.
    unwatch();
    job = std::move(job_);
    context = std::move(context_);
  }
  if (!context) return;
  if (job) context->job_ended();
  context->remove(place_);
}

void AsyncDriver::abandon() noexcept {
  std::shared_ptr<AsyncJob> job;  // destroyed after unlocking, as above
  const Lock lock(mutex_);
  unwatch();
  context_.reset();
  job = std::move(job_);
}

// --- The job -----------------------------------------------------------------

void AsyncDriver::start(std::shared_ptr<AsyncJob> job,
                        asio::cancellation_slot slot) {
  attach(job->executor());
  watch_slot(slot, job_number_ + 1);
  Lock lock(mutex_);
  assert(!job_);
  job_ = std::move(job);
  ++job_number_;
  context_->job_began();
  step(std::move(lock), false, EndsIn::kCall);
}

void AsyncDriver::step(Lock lock, bool ready, EndsIn where) {
  if (!job_) return;
  const auto wait = job_->step(Clock::now(), ready);
  // Alive: this runs on it, or in the call that named it.
  AsyncContext& context = *context_;
  if (wait) {
    arm(*wait);
    const TimePoint until = until_;
    lock.unlock();
    context.expect(until);
    return;
  }
  forget_waits();
  const std::shared_ptr<AsyncJob> job = std::move(job_);
  lock.unlock();
  context.job_ended();
  job->finish(where);
}

TimePoint AsyncDriver::on_time(TimePoint now) {
  Lock lock(mutex_);
  if (!job_) return TimePoint::max();
  if (now < until_) return until_;
  // It tells the context itself when it waits until.
  step(std::move(lock), unwatched_, EndsIn::kCall);
  return TimePoint::max();
}

// The slot is not cleared at the end: it may belong to the caller's next
// operation by then. A signal that comes late finds another job.
void AsyncDriver::watch_slot(asio::cancellation_slot slot, unsigned job) {
  if (!slot.is_connected()) return;
  slot.assign([weak = weak_from_this(), job](asio::cancellation_type type) {
    constexpr auto kAny = asio::cancellation_type::terminal |
                          asio::cancellation_type::partial |
                          asio::cancellation_type::total;
    const auto self = weak.lock();
    if (!self || (type & kAny) == asio::cancellation_type::none) return;
    self->cancel(job);
  });
}

void AsyncDriver::cancel(unsigned job) {
  const Lock lock(mutex_);
  if (!job_ || job_number_ != job) return;
  asio::post(job_->executor(), [self = shared_from_this(), job] {
    Lock again(self->mutex_);
    if (!self->job_ || self->job_number_ != job) return;
    self->job_->request_cancel();
    self->step(std::move(again), false, EndsIn::kEvent);
  });
}

// --- The descriptor ----------------------------------------------------------

void AsyncDriver::arm(const Wait& wait) {
  unwatched_ = !watch(wait.fd) && wait.fd >= 0;
  until_ = wait.until;
  if (unwatched_) {
    until_ = std::min(until_, saturating_add(Clock::now(), kUnwatchedInterval));
  }
  if (!watched_) return;
  if (wait.readable && !std::exchange(reading_, true)) {
    arm_descriptor(asio::posix::stream_descriptor::wait_read, &reading_);
  }
  if (wait.writable && !std::exchange(writing_, true)) {
    arm_descriptor(asio::posix::stream_descriptor::wait_write, &writing_);
  }
}

// Makes `fd` what is watched; false if it cannot be.
bool AsyncDriver::watch(int fd) {
  if (watched_ && watched_->fd == fd) return true;
  unwatch();
  if (fd < 0) return false;
  UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (duplicate.get() < 0) return false;
  asio::posix::stream_descriptor descriptor(context_->executor());
  asio::error_code failed;
  descriptor.assign(duplicate.get(), failed);
  if (failed) return false;
  watched_ = std::make_unique<Watched>(std::move(descriptor),
                                       std::move(duplicate), fd);
  return true;
}

// release() and not close(): the reactor forgets a descriptor by itself only
// when its last duplicate is closed.
void AsyncDriver::unwatch() noexcept {
  if (!watched_) return;
  watched_->descriptor.release();
  watched_.reset();
  ++watch_;
  reading_ = writing_ = false;
}

void AsyncDriver::arm_descriptor(asio::posix::stream_descriptor::wait_type what,
                                 bool* under_way) {
  watched_->descriptor.async_wait(
      what, [self = shared_from_this(), under_way, watch = watch_](
                const asio::error_code&) { self->on_event(watch, under_way); });
}

void AsyncDriver::on_event(unsigned watch, bool* under_way) {
  Lock lock(mutex_);
  if (watch != watch_) return;
  *under_way = false;
  step(std::move(lock), true, EndsIn::kEvent);
}

// A wait that is left over would keep the context busy.
void AsyncDriver::forget_waits() noexcept {
  if (!reading_ && !writing_) return;
  asio::error_code ignored;
  watched_->descriptor.cancel(ignored);
  ++watch_;
  reading_ = writing_ = false;
}

}  // namespace dbpool::detail
