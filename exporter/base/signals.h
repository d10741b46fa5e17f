// Signals: SIGTERM, SIGINT and SIGHUP as values, taken by one thread.
//
//   SIGTERM, SIGINT   wait_for_stop() returns; another one of them later than
//                     kSameRequest ends the process at once with exit code
//                     128 + its number
//   SIGHUP            told to the function of set_on_hangup()
//   SIGPIPE           ignored: a client that leaves is no reason to end
#ifndef DBPOOL_EXPORTER_BASE_SIGNALS_H_
#define DBPOOL_EXPORTER_BASE_SIGNALS_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>

namespace dbpool::exporter {

// A signal this soon after the first is the same request to stop: timeout(1)
// sends one to its child and one to the whole group, and so do some supervisors
// and a terminal's Ctrl-C through a wrapper. Who has had enough of waiting
// takes longer than this.
inline constexpr std::chrono::seconds kSameRequest{1};

// "SIGTERM" for SIGTERM.
std::string_view signal_name(int signal) noexcept;

// Thread-safety: wait_for_stop() and stop_signal() from any thread. One
// object in a process, made before any other thread: threads inherit the
// mask of the one that makes them.
class Signals {
 public:
  // Called on the signals' thread.
  struct Callbacks {
    // Just before the process ends because of a second signal; must not
    // block.
    std::function<void(int signal)> on_second_stop;
  };

  // A SIGHUP from now on waits for a Signals to be made, in place of ending the
  // process. Before any other thread.
  static void hold_hangup() noexcept;

  // Blocks the signals in the calling thread. Throws std::system_error when
  // the system is out of descriptors or threads.
  explicit Signals(Callbacks callbacks);
  // The signals stay blocked.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // From now on, and at once if a SIGHUP came before; empty: ignored. Called
  // on the signals' thread; must not block. The one before is not called any
  // more once this returns.
  void set_on_hangup(std::function<void()> on_hangup);

  // Blocks until SIGTERM or SIGINT has come; its number.
  int wait_for_stop();
  // The number, or 0 when none has come by now.
  int stop_signal() const;

 private:
  void loop();
  void take(int signal);

  // Constant after construction.
  const Callbacks callbacks_;
  int signal_fd_ = -1;
  int quit_fd_ = -1;

  mutable std::mutex mutex_;
  std::condition_variable came_;
  // Guarded by mutex_.
  std::function<void()> on_hangup_;
  bool hung_up_ = false;  // before anybody wanted to know
  int stop_signal_ = 0;
  std::chrono::steady_clock::time_point stop_came_at_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_SIGNALS_H_
