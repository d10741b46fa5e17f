#include "pool/src/canceller.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "pool/src/fork_generation.h"

namespace dbpool::detail {
namespace {

struct FreeCancel {
  void operator()(PGcancel* cancel) const noexcept { PQfreeCancel(cancel); }
};
using CancelPtr = std::unique_ptr<PGcancel, FreeCancel>;

struct Job {
  std::shared_ptr<CancelTicket> ticket;
  CancelPtr cancel;
};

// Blocks every signal for the calling thread, and so for one it starts.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t previous_ = {};
};

// Never destroyed: a thread may hang in PQcancel while the process exits.
class Crew {
 public:
  explicit Crew(std::uint64_t generation) : generation_(generation) {}

  std::uint64_t generation() const noexcept { return generation_; }

  // False if it cannot be done; then nothing of the job is kept.
  bool add(Job job) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMaxCancelQueue) return false;
    queue_.push_back(std::move(job));
    if (threads_ < kMaxCancelThreads && !start_thread() && threads_ == 0) {
      queue_.pop_back();
      return false;
    }
    return true;
  }

 private:
  bool start_thread() {
    const SignalsBlocked blocked;
    try {
      std::thread thread([this] { run(); });
      ::pthread_setname_np(thread.native_handle(), "dbpool-cancel");
      thread.detach();
      ++threads_;
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }

  void run() {
    while (auto job = next()) {
      // Alone with the ticket: the session that it was for is gone.
      if (job->ticket.use_count() > 1) {
        std::array<char, 256> reason;
        PQcancel(job->cancel.get(), reason.data(),
                 static_cast<int>(reason.size()));
      }
      job->ticket->finish();
    }
  }

  std::optional<Job> next() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      --threads_;
      return std::nullopt;
    }
    Job job = std::move(queue_.front());
    queue_.pop_front();
    return job;
  }

  const std::uint64_t generation_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::deque<Job> queue_;
  std::size_t threads_ = 0;
};

// A child of fork() has neither the threads nor a mutex it may trust: it gets
// a crew of its own, and leaves its parent's alone.
Crew& crew() {
  static std::atomic<Crew*> current{nullptr};
  const std::uint64_t generation = fork_generation();
  Crew* known = current.load(std::memory_order_acquire);
  while (known == nullptr || known->generation() != generation) {
    auto fresh = std::make_unique<Crew>(generation);
    if (current.compare_exchange_weak(known, fresh.get())) {
      known = fresh.release();
    }
  }
  return *known;
}

}  // namespace

CancelTicket::CancelTicket() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

CancelTicket::~CancelTicket() {
  if (fd_ >= 0) ::close(fd_);
}

void CancelTicket::finish() noexcept {
  done_.store(true, std::memory_order_release);
  if (fd_ >= 0) ::eventfd_write(fd_, 1);
}

std::shared_ptr<CancelTicket> request_cancel(PGconn* connection) {
  auto ticket = std::make_shared<CancelTicket>();
  CancelPtr cancel(PQgetCancel(connection));
  if (!cancel || !crew().add({ticket, std::move(cancel)})) ticket->finish();
  return ticket;
}

}  // namespace dbpool::detail
