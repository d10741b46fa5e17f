// AsyncDriver: drives the jobs of one session on its callers' executors, one
// after another.
//
// What a statement needs of Asio is kept for the next one: the session's
// descriptor stays registered with the execution context it was last used on,
// which saves five system calls a statement (dup, ioctl, close and three
// epoll_ctl become one epoll_ctl), and a mutex takes the place of a strand.
// What is registered is a duplicate: when libpq closes its descriptor amid a
// step, the number may be another's at once, and must not be taken out of the
// reactor then.
//
// Lifetime: shared with the handlers that wait. Who owns the session calls
// detach() before it closes it. When the context ends before, its drivers let
// go of it (AsyncContext). A job that is under way then is destroyed unheard.
//
// Thread-safety: start() and detach() as the session, by one thread at a time;
// against the context's threads and its end all is guarded by the mutex. No
// other lock is taken under it, and no code of callers runs under it.
#ifndef DBPOOL_POOL_SRC_WAITING_ASYNC_DRIVER_H_
#define DBPOOL_POOL_SRC_WAITING_ASYNC_DRIVER_H_

#include <asio/any_io_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <memory>
#include <mutex>

#include "pool/src/base/unique_fd.h"
#include "pool/src/waiting/async_context.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

// Where a job ends: in the middle of somebody's call, or in an event of the
// execution context with nothing of anybody's on the stack.
enum class EndsIn : std::uint8_t { kCall, kEvent };

class AsyncJob : public StepMachine {
 public:
  // Of the context that it belongs to, and where a cancel is posted.
  virtual const asio::any_io_executor& executor() const noexcept = 0;
  // The caller cancels; a step follows.
  virtual void request_cancel() noexcept = 0;
  // After the last step, once: tells the caller. In kEvent the handler may run
  // inside.
  virtual void finish(EndsIn where) = 0;
};

class AsyncDriver : public std::enable_shared_from_this<AsyncDriver> {
 public:
  AsyncDriver() = default;
  ~AsyncDriver();
  AsyncDriver(const AsyncDriver&) = delete;
  AsyncDriver& operator=(const AsyncDriver&) = delete;

  // Begins the job (its first step is done here), which must be the only one,
  // and keeps it alive until it has finished. A signal on `slot` cancels it.
  // Between two steps the machine must not close its descriptor and open
  // another under the same number.
  void start(std::shared_ptr<AsyncJob> job, asio::cancellation_slot slot);

  // Lets go of the execution context.
  void detach() noexcept;

 private:
  friend class AsyncContext;
  // A descriptor that is registered.
  struct Watched {
    asio::posix::stream_descriptor descriptor;
    UniqueFd duplicate;
    int fd = -1;  // the one that it is a duplicate of
  };
  using Lock = std::unique_lock<std::mutex>;

  void attach(const asio::any_io_executor& executor);
  // The context's: time has passed. Until when the job waits now.
  TimePoint on_time(TimePoint now);
  // The context's: it ends.
  void abandon() noexcept;
  void on_event(unsigned watch, bool* under_way);
  void cancel(unsigned job);
  void watch_slot(asio::cancellation_slot slot, unsigned job);

  // Unlocks.
  void step(Lock lock, bool ready, EndsIn where);
  // Under the mutex.
  void arm(const Wait& wait);
  bool watch(int fd);
  void unwatch() noexcept;
  void arm_descriptor(asio::posix::stream_descriptor::wait_type what,
                      bool* under_way);
  void forget_waits() noexcept;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<AsyncContext> context_;  // null: detached
  AsyncContext::Place place_;              // in its list
  std::shared_ptr<AsyncJob> job_;          // null: none is under way
  unsigned job_number_ = 0;                // tells late cancels apart
  std::unique_ptr<Watched> watched_;       // null: nothing is registered
  unsigned watch_ = 0;      // tells handlers of waits that were given up apart
  bool reading_ = false;    // a wait for readable is under way
  bool writing_ = false;    // a wait for writable is under way
  bool unwatched_ = false;  // the descriptor is looked at by the clock
  TimePoint until_ = TimePoint::max();  // the job's Wait
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_ASYNC_DRIVER_H_
