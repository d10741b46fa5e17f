// QuickServer: what speaks enough of PostgreSQL's protocol to let anybody in
// and to answer every statement with one row, for more connections than a
// PostgreSQL holds on a small machine.
#ifndef DBPOOL_TESTS_BENCH_GROWTH_QUICK_SERVER_H_
#define DBPOOL_TESTS_BENCH_GROWTH_QUICK_SERVER_H_

#include <map>
#include <string>
#include <thread>

#include "tests/support/temp_dir.h"
#include "tests/support/unique_fd.h"

namespace dbpool::bench {

// On a Unix socket of its own, with one thread. Throws std::runtime_error
// when the system gives no socket.
class QuickServer {
 public:
  QuickServer();
  ~QuickServer();
  QuickServer(const QuickServer&) = delete;
  QuickServer& operator=(const QuickServer&) = delete;

  // For PGHOST; the port is libpq's default.
  const std::string& socket_dir() const { return dir_.path(); }

 private:
  struct Client {
    test::UniqueFd socket;
    std::string received;  // not yet answered
    bool started = false;  // its start-up packet is
  };

  void run();
  void accept_one();
  // False: it is gone, or says what is not understood here.
  bool serve(Client& client);

  const test::TempDir dir_;
  test::UniqueFd listener_;
  test::UniqueFd stop_;  // an eventfd that ends the thread
  test::UniqueFd epoll_;
  std::map<int, Client> clients_;  // the thread's only
  std::thread thread_;
};

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_GROWTH_QUICK_SERVER_H_
