#ifndef DBPOOL_POOL_SRC_BASE_SIGNALS_BLOCKED_H_
#define DBPOOL_POOL_SRC_BASE_SIGNALS_BLOCKED_H_

#include <csignal>

namespace dbpool::detail {

// Blocks every signal for the calling thread, and so for one that it starts
// meanwhile: signals are the program's.
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

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BASE_SIGNALS_BLOCKED_H_
