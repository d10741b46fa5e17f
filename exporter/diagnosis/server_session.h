// ServerSession: the one connection that the exporter keeps beside its pool,
// for questions about the server and about the pool's own sessions.
//
// Opened before the pool, as slots may run out, and kept: whoever needs it
// (the server probe, the diagnosis) shares it, one at a time.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_SERVER_SESSION_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_SERVER_SESSION_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "dbpool/connect.h"

namespace dbpool::exporter {

// Whether the question that ended in `error` got its turn.
bool was_asked(const Error& error);

// Thread-safety: any thread.
class ServerSession {
 public:
  // `options` are those of its connection; their timeouts are not used.
  ServerSession(ConnectionString target, ConnectOptions options);

  // Opens it ahead of the first use, so that a pool that starts afterwards
  // does not take the last slot from it: tries that for `at_most`, in a thread
  // of its own. A failure is left to the first use, which tries and tells
  // again. Once.
  void open_ahead(Duration at_most);
  // Blocks until that has ended, but for `at_most`.
  void wait_ahead(Duration at_most);

  // Waits for its turn, opens the connection if there is none, and calls
  // `ask` with it. A kept connection that the server ended meanwhile says
  // nothing about the server now: then a fresh one is opened and asked once
  // more. Blocks until `deadline` or `stop`, and as long as `ask` does.
  using Ask = std::function<Expected<void>(Connection&)>;
  Expected<void> use(TimePoint deadline, const Ask& ask,
                     const std::stop_token& stop = {});

  ConnectionString target() const;

  // From the next use on; a connection to what was before is ended then. Waits
  // for no use under way.
  void retarget(ConnectionString target, ConnectOptions options);

 private:
  // For as long as it is this thread's turn.
  Expected<void> ask_once(TimePoint deadline, const Ask& ask,
                          const std::stop_token& stop);
  Expected<void> open(TimePoint deadline, const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::condition_variable_any free_;
  // Guarded by mutex_.
  bool in_use_ = false;
  bool is_trying_ahead_ = false;
  ConnectionString target_;
  ConnectOptions options_;
  bool is_outdated_ = false;  // connection_ is

  std::unique_ptr<Connection> connection_;  // whose turn it is
  std::jthread opening_ahead_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_SERVER_SESSION_H_
