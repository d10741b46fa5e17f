// Doorman: sees to it that clients who keep the server waiting do not keep
// others from its threads.
//
// civetweb gives each connection a thread for as long as it is open, and
// closes none because another needs the thread. As long as there are more
// connections than `places`, those are closed that have kept the server
// waiting longest: nothing was sent yet, or not the whole request, or not the
// next one, or the answer is not read. Each is waited for for kPatience, and
// one whose request is being answered is never closed. What needs no thread
// yet, since its turn has not come, is left alone unless it is silent.
#ifndef DBPOOL_EXPORTER_HTTP_DOORMAN_H_
#define DBPOOL_EXPORTER_HTTP_DOORMAN_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "dbpool/options.h"
#include "exporter/http/open_sockets.h"
#include "exporter/logging/logger.h"

namespace dbpool::exporter {

// Longer than a request or a step of a handshake takes to come, from far away
// too.
inline constexpr Duration kPatience = std::chrono::milliseconds(250);

// Thread-safety: begin() and end() from any thread, the rest from one. Its
// own thread takes no signals.
class Doorman {
 public:
  // `log` must outlive it.
  Doorman(std::size_t places, Logger& log) : places_(places), log_(log) {}
  Doorman(const Doorman&) = delete;
  Doorman& operator=(const Doorman&) = delete;
  ~Doorman() = default;

  // Looks after the connections to `ports` until it is destroyed. Once.
  void watch(std::vector<std::uint16_t> ports);

  // The request of a client (client_name()) is being answered: from now on it
  // waits for the server. end(): the server waits for the client again.
  void begin(const std::string& client);
  void end(const std::string& client) noexcept;

 private:
  struct State {
    TimePoint waiting_since;
    bool is_served = false;
    bool is_closed = false;
  };

  void loop(const std::stop_token& stop);
  // What is cheap to tell: there cannot be more connections than places, and
  // no more clients are known.
  bool has_room(std::size_t descriptors);
  // Whether there are more connections than places.
  bool look();
  void make_room(const std::vector<OpenSocket>& open, TimePoint now);

  // Constant after construction.
  const std::size_t places_;
  Logger& log_;

  std::vector<std::uint16_t> ports_;  // constant once its thread runs

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, State> states_;  // by client; guarded by mutex_

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_DOORMAN_H_
