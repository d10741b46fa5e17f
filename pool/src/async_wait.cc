#include <fcntl.h>

#include <algorithm>
#include <asio/dispatch.hpp>
#include <asio/error_code.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <utility>

#include "pool/src/saturating_time.h"
#include "pool/src/unique_fd.h"
#include "pool/src/waits.h"

namespace dbpool::detail {
namespace {

// How often a descriptor is looked at that cannot be watched (the kernel's
// bound on watches is reached).
constexpr auto kUnwatchedInterval = std::chrono::milliseconds(5);

// All members belong to the strand. Handlers hold the driver; after finish()
// a late one finds nothing to do.
class Driver : public std::enable_shared_from_this<Driver> {
 public:
  Driver(const asio::any_io_executor& executor,
         std::shared_ptr<StepMachine> machine, asio::cancellation_slot slot,
         std::function<void()> on_cancel, std::function<void()> finished)
      : strand_(asio::make_strand(executor)),
        descriptor_(strand_),
        timer_(strand_),
        slot_(slot),
        finished_(std::move(finished)),
        on_cancel_(std::move(on_cancel)),
        machine_(std::move(machine)) {}

  // Abandoned when the context was destroyed. The slot may be gone by now.
  ~Driver() { unwatch(); }
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  void start() {
    asio::dispatch(strand_, [self = shared_from_this()] {
      self->watch_slot();
      self->step(false);
    });
  }

 private:
  void step(bool ready) {
    if (!machine_) return;
    const auto wait = machine_->step(Clock::now(), ready);
    if (wait) {
      arm(*wait);
    } else {
      finish();
    }
  }

  void finish() {
    unwatch();
    timer_.cancel();
    if (slot_.is_connected()) slot_.clear();
    machine_.reset();
    on_cancel_ = nullptr;
    std::exchange(finished_, nullptr)();
  }

  void arm(const Wait& wait) {
    const bool unwatched = !watch(wait.fd) && wait.fd >= 0;
    const TimePoint soon = saturating_add(Clock::now(), kUnwatchedInterval);
    arm_timer(unwatched ? std::min(wait.until, soon) : wait.until, unwatched);
    if (fd_ < 0) return;
    if (wait.readable && !std::exchange(reading_, true)) {
      arm_descriptor(asio::posix::stream_descriptor::wait_read, &reading_);
    }
    if (wait.writable && !std::exchange(writing_, true)) {
      arm_descriptor(asio::posix::stream_descriptor::wait_write, &writing_);
    }
  }

  // Makes fd_ what is to be watched; false if it cannot be. What is watched
  // is a duplicate: when libpq closes its descriptor amid a step, the number
  // may be another's at once, and must not be taken out of the reactor then.
  bool watch(int fd) {
    if (fd == fd_) return fd >= 0;
    unwatch();
    if (fd < 0) return false;
    UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (duplicate.get() < 0) return false;
    asio::error_code failed;
    descriptor_.assign(duplicate.get(), failed);
    if (failed) return false;
    duplicate_ = std::move(duplicate);
    fd_ = fd;
    return true;
  }

  // Waits that are under way end with an error of an earlier watch. release()
  // and not close(): the reactor forgets a descriptor by itself only when its
  // last duplicate is closed.
  void unwatch() {
    if (fd_ < 0) return;
    descriptor_.release();
    duplicate_.reset();
    fd_ = -1;
    ++watch_;
    reading_ = writing_ = false;
  }

  void arm_descriptor(asio::posix::stream_descriptor::wait_type what,
                      bool* under_way) {
    descriptor_.async_wait(what, [self = shared_from_this(), under_way,
                                  watch = watch_](const asio::error_code&) {
      if (watch != self->watch_) return;
      *under_way = false;
      self->step(true);
    });
  }

  // Keeps a timer that is right already: most steps leave it alone.
  void arm_timer(TimePoint until, bool means_ready) {
    if (until == timer_until_) return;
    timer_until_ = until;
    if (until == TimePoint::max()) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(until);
    timer_.async_wait([self = shared_from_this(), until,
                       means_ready](const asio::error_code& cancelled) {
      if (cancelled || until != self->timer_until_) return;
      self->timer_until_ = TimePoint::max();
      self->step(means_ready);
    });
  }

  void watch_slot() {
    if (!slot_.is_connected()) return;
    slot_.assign([weak = weak_from_this()](asio::cancellation_type type) {
      constexpr auto kAny = asio::cancellation_type::terminal |
                            asio::cancellation_type::partial |
                            asio::cancellation_type::total;
      const auto self = weak.lock();
      if (!self || (type & kAny) == asio::cancellation_type::none) return;
      asio::post(self->strand_, [self] { self->cancel(); });
    });
  }

  void cancel() {
    if (!machine_) return;
    if (on_cancel_) on_cancel_();
    step(false);
  }

  asio::any_io_executor strand_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_;
  asio::cancellation_slot slot_;
  UniqueFd duplicate_;    // of fd_
  int fd_ = -1;           // watched now
  unsigned watch_ = 0;    // tells handlers of an earlier watch apart
  bool reading_ = false;  // a wait for readable is under way
  bool writing_ = false;  // a wait for writable is under way
  TimePoint timer_until_ = TimePoint::max();
  // Destroyed from the last: the machine before those who wait for it.
  std::function<void()> finished_;
  std::function<void()> on_cancel_;
  std::shared_ptr<StepMachine> machine_;
};

}  // namespace

void async_wait(const asio::any_io_executor& executor,
                std::shared_ptr<StepMachine> machine,
                asio::cancellation_slot slot, std::function<void()> on_cancel,
                std::function<void()> finished) {
  std::make_shared<Driver>(executor, std::move(machine), slot,
                           std::move(on_cancel), std::move(finished))
      ->start();
}

}  // namespace dbpool::detail
