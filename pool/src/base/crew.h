// Crew: a few detached threads that do what may block for long, so that who
// asks never does. Nobody joins them. A thread ends when nothing is queued any
// more, so an idle process has none.
//
// Thread-safety: all of it, from any thread.
#ifndef DBPOOL_POOL_SRC_BASE_CREW_H_
#define DBPOOL_POOL_SRC_BASE_CREW_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "dbpool/options.h"

namespace dbpool::detail {

// One piece of work under way. Shared by who asked and by the crew; who no
// longer wants it drops it.
class Ticket {
 public:
  Ticket();
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  // An eventfd that is readable once done; owned here. -1 if there was no
  // descriptor left: then look at done() now and again.
  int fd() const noexcept { return fd_; }
  bool done() const noexcept { return done_.load(std::memory_order_acquire); }

  void finish() noexcept;  // the crew's, once

 private:
  const int fd_;
  std::atomic<bool> done_{false};
};

struct CrewLimits {
  const char* thread_name;  // at most 15 characters
  std::size_t threads;
  std::size_t queue;
  // Of these, at most so many for work with one and the same key.
  std::size_t threads_for_one = SIZE_MAX;
  std::size_t queue_for_one = SIZE_MAX;
  // What has been at work for so long hangs, maybe for ever: another may work
  // in its place, up to threads_for_one of them.
  Duration hung_after = Duration::max();
};

class Crew {
 public:
  explicit Crew(const CrewLimits& limits) : limits_(limits) {}

  // Queues `work`, which must not throw and is not run at all if the ticket
  // has been dropped by then. Null if the queue is full, there is no thread to
  // be had, or end() was called: then nothing of `work` is kept. `key` names
  // what may hold the work up: first in, first out as far as its share goes.
  std::shared_ptr<Ticket> add(std::function<void()> work, std::string key = {});

  // Drops what is queued, takes nothing more, and waits for what is under
  // way, but no longer than that.
  void end(Duration at_most);

 private:
  struct Job {
    std::weak_ptr<Ticket> ticket;  // with its descriptor its owner's alone
    std::function<void()> work;
    std::string key;
  };

  struct Work {
    Job job;  // its thread's alone, but for the key
    TimePoint since;
  };

  std::deque<Job> take_unwanted();
  bool has_room_for(const std::string& key) const;
  bool may_work_for(const std::string& key, TimePoint now) const;
  bool start_thread();
  void run();
  // Takes what is to be done next, and lists it in working_.
  std::optional<std::list<Work>::iterator> next();
  void end_work(std::list<Work>::iterator work);

  const CrewLimits limits_;
  std::condition_variable quiet_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<Job> queue_;
  std::size_t threads_ = 0;
  std::list<Work> working_;
  bool ending_ = false;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BASE_CREW_H_
