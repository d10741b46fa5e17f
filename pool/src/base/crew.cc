#include "pool/src/base/crew.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include "pool/src/base/signals_blocked.h"

namespace dbpool::detail {

Ticket::Ticket() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Ticket::~Ticket() {
  if (fd_ >= 0) ::close(fd_);
}

void Ticket::finish() noexcept {
  done_.store(true, std::memory_order_release);
  if (fd_ >= 0) ::eventfd_write(fd_, 1);
}

std::shared_ptr<Ticket> Crew::add(std::function<void()> work, std::string key) {
  auto ticket = std::make_shared<Ticket>();
  std::deque<Job> unwanted;  // let go of without the lock
  const std::lock_guard lock(mutex_);
  if (ending_) return nullptr;
  if (!has_room_for(key)) unwanted = take_unwanted();
  if (!has_room_for(key)) return nullptr;
  const bool must_wait = !may_work_for(key, Clock::now());
  queue_.push_back({ticket, std::move(work), std::move(key)});
  // Those at work for the key come back for it.
  if (must_wait) return ticket;
  // One more than those that work already, as long as they are few.
  const bool is_idle = threads_ - working_.size() >= queue_.size();
  if (is_idle || threads_ == limits_.threads || start_thread()) return ticket;
  if (threads_ > 0) return ticket;
  queue_.pop_back();
  return nullptr;
}

std::deque<Crew::Job> Crew::take_unwanted() {
  const auto first = std::stable_partition(
      queue_.begin(), queue_.end(),
      [](const Job& job) { return !job.ticket.expired(); });
  std::deque<Job> unwanted(std::make_move_iterator(first),
                           std::make_move_iterator(queue_.end()));
  queue_.erase(first, queue_.end());
  return unwanted;
}

bool Crew::has_room_for(const std::string& key) const {
  if (queue_.size() >= limits_.queue) return false;
  if (queue_.size() < limits_.queue_for_one) return true;
  const auto queued =
      std::count_if(queue_.begin(), queue_.end(),
                    [&](const Job& job) { return job.key == key; });
  return static_cast<std::size_t>(queued) < limits_.queue_for_one;
}

bool Crew::may_work_for(const std::string& key, TimePoint now) const {
  std::size_t at_work = 0;
  std::size_t hung = 0;
  for (const Work& work : working_) {
    if (work.job.key != key) continue;
    ++(now - work.since < limits_.hung_after ? at_work : hung);
  }
  const std::size_t extra = std::min(hung, limits_.threads_for_one);
  return at_work + hung - extra < limits_.threads_for_one;
}

void Crew::end(Duration at_most) {
  std::unique_lock lock(mutex_);
  ending_ = true;
  queue_.clear();
  quiet_.wait_for(lock, at_most, [this] { return working_.empty(); });
}

bool Crew::start_thread() {
  const SignalsBlocked blocked;
  try {
    std::thread thread([this] { run(); });
    ::pthread_setname_np(thread.native_handle(), limits_.thread_name);
    thread.detach();
    ++threads_;
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Crew::run() {
  while (const auto work = next()) {
    Job& job = (*work)->job;
    // Dropped: nobody wants it any more.
    const std::shared_ptr<Ticket> ticket = job.ticket.lock();
    if (ticket != nullptr) job.work();
    // What the work holds on to goes here too, e.g. a PGconn.
    job.work = nullptr;
    if (ticket != nullptr) ticket->finish();
    end_work(*work);
  }
}

std::optional<std::list<Crew::Work>::iterator> Crew::next() {
  const std::lock_guard lock(mutex_);
  const TimePoint now = Clock::now();
  const auto found =
      std::find_if(queue_.begin(), queue_.end(),
                   [&](const Job& job) { return may_work_for(job.key, now); });
  if (found == queue_.end()) {
    --threads_;
    return std::nullopt;
  }
  working_.push_back({.job = std::move(*found), .since = now});
  queue_.erase(found);
  // What may be done since others hang has no thread of its own, and this one
  // may have been meant for somebody else.
  const bool is_more_to_do = std::ranges::any_of(
      queue_, [&](const Job& job) { return may_work_for(job.key, now); });
  const bool is_last = threads_ == working_.size();
  if (is_more_to_do && is_last && threads_ < limits_.threads) start_thread();
  return std::prev(working_.end());
}

void Crew::end_work(std::list<Work>::iterator work) {
  const std::lock_guard lock(mutex_);
  working_.erase(work);
  quiet_.notify_all();
}

}  // namespace dbpool::detail
