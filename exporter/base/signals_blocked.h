#ifndef DBPOOL_EXPORTER_BASE_SIGNALS_BLOCKED_H_
#define DBPOOL_EXPORTER_BASE_SIGNALS_BLOCKED_H_

#include <csignal>

namespace dbpool::exporter {

// Threads started in its scope take no signals: those are for the thread that
// waits for them (signals.h).
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t previous_{};
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_SIGNALS_BLOCKED_H_
