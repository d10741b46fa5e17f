#include "pool/src/crew.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>
#include <thread>
#include <utility>

#include "pool/src/signals_blocked.h"

namespace dbpool::detail {

Ticket::Ticket() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Ticket::~Ticket() {
  if (fd_ >= 0) ::close(fd_);
}

void Ticket::finish() noexcept {
  done_.store(true, std::memory_order_release);
  if (fd_ >= 0) ::eventfd_write(fd_, 1);
}

std::shared_ptr<Ticket> Crew::add(std::function<void()> work) {
  auto ticket = std::make_shared<Ticket>();
  const std::lock_guard lock(mutex_);
  if (ending_ || queue_.size() >= limits_.queue) return nullptr;
  queue_.push_back({ticket, std::move(work)});
  // One more than those that work already, as long as they are few.
  const bool is_idle = threads_ - working_ >= queue_.size();
  if (is_idle || threads_ == limits_.threads || start_thread()) return ticket;
  if (threads_ > 0) return ticket;
  queue_.pop_back();
  return nullptr;
}

void Crew::end(Duration at_most) {
  std::unique_lock lock(mutex_);
  ending_ = true;
  queue_.clear();
  quiet_.wait_for(lock, at_most, [this] { return working_ == 0; });
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
  while (auto job = next()) {
    // Alone with the ticket: nobody wants it any more.
    if (job->ticket.use_count() > 1) job->work();
    // What the work holds on to goes here too, e.g. a PGconn.
    job->work = nullptr;
    job->ticket->finish();
    job.reset();
    const std::lock_guard lock(mutex_);
    --working_;
    quiet_.notify_all();
  }
}

std::optional<Crew::Job> Crew::next() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    --threads_;
    return std::nullopt;
  }
  Job job = std::move(queue_.front());
  queue_.pop_front();
  ++working_;
  return job;
}

}  // namespace dbpool::detail
