#include "pool/src/waiting/async_context.h"

#include <algorithm>
#include <asio/error_code.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/io_context.hpp>
#include <asio/prefer.hpp>
#include <asio/strand.hpp>
#include <typeinfo>
#include <utility>
#include <vector>

#include "pool/src/waiting/async_driver.h"

namespace dbpool::detail {
namespace {

// nullptr if it is something else: any_io_executor::target() of Asio 1.22
// does not look.
template <typename Target>
const Target* target_of(const asio::any_io_executor& executor) {
  if (executor.target_type() != typeid(Target)) return nullptr;
  return executor.target<Target>();
}

// Without the strand that it may be, as far as that is known: deadlines of
// other statements must not wait for what runs there. And without keeping the
// context busy.
asio::any_io_executor base_of(const asio::any_io_executor& executor) {
  asio::any_io_executor quiet =
      asio::prefer(executor, asio::execution::outstanding_work_t::untracked);
  using IoStrand = asio::strand<asio::io_context::executor_type>;
  using AnyStrand = asio::strand<asio::any_io_executor>;
  if (const auto* strand = target_of<IoStrand>(quiet)) {
    return strand->get_inner_executor();
  }
  if (const auto* strand = target_of<AnyStrand>(quiet)) {
    return base_of(strand->get_inner_executor());
  }
  return quiet;
}

}  // namespace

class AsyncContext::Service final : public asio::execution_context::service {
 public:
  static asio::execution_context::id id;
  explicit Service(asio::execution_context& context)
      : service(context), shared_(std::make_shared<AsyncContext>(context)) {}

  const std::shared_ptr<AsyncContext>& shared() const noexcept {
    return shared_;
  }

 private:
  void shutdown() noexcept override { shared_->shut_down(); }

  const std::shared_ptr<AsyncContext> shared_;
};

asio::execution_context::id AsyncContext::Service::id;

std::shared_ptr<AsyncContext> AsyncContext::of(
    const asio::any_io_executor& executor) {
  const std::shared_ptr<AsyncContext>& shared =
      asio::use_service<Service>(context_of(executor)).shared();
  const std::lock_guard lock(shared->mutex_);
  if (!shared->timer_) {
    shared->executor_ = base_of(executor);
    shared->timer_.emplace(shared->executor_);
  }
  return shared;
}

asio::any_io_executor AsyncContext::executor() const {
  const std::lock_guard lock(mutex_);
  return executor_;
}

AsyncContext::Place AsyncContext::add(std::weak_ptr<AsyncDriver> driver) {
  Drivers one = {std::move(driver)};
  const std::lock_guard lock(mutex_);
  drivers_.splice(drivers_.begin(), one);
  return drivers_.begin();
}

void AsyncContext::remove(Place place) noexcept {
  Drivers removed;
  const std::lock_guard lock(mutex_);
  if (timer_) removed.splice(removed.begin(), drivers_, place);
}

void AsyncContext::shut_down() noexcept {
  Drivers drivers;
  asio::any_io_executor executor;
  if (fork_generation_ != detail::fork_generation()) {
    // The mutex may be locked for ever, and the sessions are the parent's.
    timer_.reset();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    timer_.reset();
    executor.swap(executor_);
    drivers.swap(drivers_);
  }
  for (const auto& weak : drivers) {
    if (const auto driver = weak.lock()) driver->abandon();
  }
}

void AsyncContext::arm_earlier(TimePoint until) {
  const std::lock_guard lock(mutex_);
  // A job that has ended meanwhile must not keep the context busy.
  if (timer_ && jobs_ > 0 && until < armed_.load()) arm(until);
}

void AsyncContext::disarm() noexcept {
  const std::lock_guard lock(mutex_);
  if (!timer_ || jobs_ > 0 || armed_.load() == TimePoint::max()) return;
  armed_ = TimePoint::max();
  timer_->cancel();
  // A job that has begun meanwhile may have relied on it.
  if (jobs_ > 0) arm(Clock::now());
}

void AsyncContext::arm(TimePoint until) {
  armed_ = until;
  timer_->expires_at(until);
  timer_->async_wait(
      [self = shared_from_this()](const asio::error_code& cancelled) {
        if (!cancelled) self->on_timer();
      });
}

void AsyncContext::on_timer() {
  std::vector<std::shared_ptr<AsyncDriver>> drivers;
  {
    const std::lock_guard lock(mutex_);
    armed_ = TimePoint::max();
    for (const auto& weak : drivers_) drivers.push_back(weak.lock());
  }
  const TimePoint now = Clock::now();
  TimePoint next = TimePoint::max();
  for (const auto& driver : drivers) {
    if (driver) next = std::min(next, driver->on_time(now));
  }
  expect(next);
}

}  // namespace dbpool::detail
