// SlowDoor: a way to a PostgreSQL that lets newcomers wait.
#ifndef DBPOOL_TESTS_VERDICTS_SLOW_DOOR_H_
#define DBPOOL_TESTS_VERDICTS_SLOW_DOOR_H_

#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "tests/support/unique_fd.h"

namespace dbpool::test {

// Listens on 127.0.0.1 and hands on what each end of a connection says. While
// it is shut, connections are accepted and nothing is handed on for new ones.
// Thread-safety: any thread.
class SlowDoor {
 public:
  explicit SlowDoor(int server_port);
  ~SlowDoor();
  SlowDoor(const SlowDoor&) = delete;
  SlowDoor& operator=(const SlowDoor&) = delete;

  int port() const { return port_; }
  void shut();
  void open();

 private:
  struct Guest {
    UniqueFd client;
    UniqueFd server;
    std::thread thread;
  };

  void run();
  void serve(Guest& guest);

  const int server_port_;
  const int port_;
  const UniqueFd listener_;

  std::mutex mutex_;
  std::condition_variable opened_;
  // Guarded by mutex_.
  bool is_shut_ = false;
  bool ends_ = false;
  std::list<Guest> guests_;

  std::thread thread_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_VERDICTS_SLOW_DOOR_H_
