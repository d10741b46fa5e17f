#include "pool/src/tls_crew.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "pool/src/fork_generation.h"

namespace dbpool::detail {
namespace {

// How long the end of the process waits for handshakes under way.
constexpr auto kExitGrace = std::chrono::seconds(1);

struct Job {
  std::shared_ptr<TlsTicket> ticket;
  std::function<void()> work;
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

// Never destroyed: a thread may hang in a file system while the process
// exits.
class Crew {
 public:
  explicit Crew(std::uint64_t generation) : generation_(generation) {}

  std::uint64_t generation() const noexcept { return generation_; }

  // False if it cannot be done; then nothing of the job is kept.
  bool add(Job job) {
    const std::lock_guard lock(mutex_);
    if (ending_ || queue_.size() >= kMaxTlsQueue) return false;
    queue_.push_back(std::move(job));
    // One more than those that work already, as long as they are few.
    if (idle() || threads_ == kMaxTlsThreads || start_thread()) return true;
    if (threads_ > 0) return true;
    queue_.pop_back();
    return false;
  }

  // At the end of the process: OpenSSL is about to take down what the
  // threads use.
  void end() {
    std::unique_lock lock(mutex_);
    ending_ = true;
    queue_.clear();
    quiet_.wait_for(lock, kExitGrace, [this] { return working_ == 0; });
  }

 private:
  bool idle() const { return threads_ - working_ >= queue_.size(); }

  bool start_thread() {
    const SignalsBlocked blocked;
    try {
      std::thread thread([this] { run(); });
      ::pthread_setname_np(thread.native_handle(), "dbpool-tls");
      thread.detach();
      ++threads_;
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }

  void run() {
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

  std::optional<Job> next() {
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

  const std::uint64_t generation_;
  std::condition_variable quiet_;
  // Guarded by mutex_.
  std::mutex mutex_;
  std::deque<Job> queue_;
  std::size_t threads_ = 0;
  std::size_t working_ = 0;
  bool ending_ = false;
};

std::atomic<Crew*> current{nullptr};

void end_crew() {
  Crew* const crew = current.load(std::memory_order_acquire);
  if (crew != nullptr && crew->generation() == fork_generation()) crew->end();
}

// After OpenSSL has asked for its own turn at the end of the process, so that
// ours comes before it.
void end_before_openssl() {
  static const bool kRegistered = [] {
    OPENSSL_init_ssl(0, nullptr);
    return std::atexit(end_crew) == 0;
  }();
  static_cast<void>(kRegistered);
}

// A child of fork() has neither the threads nor a mutex it may trust: it gets
// a crew of its own, and leaves its parent's alone.
Crew& crew() {
  end_before_openssl();
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

TlsTicket::TlsTicket() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

TlsTicket::~TlsTicket() {
  if (fd_ >= 0) ::close(fd_);
}

void TlsTicket::finish() noexcept {
  done_.store(true, std::memory_order_release);
  if (fd_ >= 0) ::eventfd_write(fd_, 1);
}

std::shared_ptr<TlsTicket> request_tls(std::function<void()> work) {
  auto ticket = std::make_shared<TlsTicket>();
  if (!crew().add({ticket, std::move(work)})) return nullptr;
  return ticket;
}

}  // namespace dbpool::detail
