// Callers: threads that use a pool as a service's requests would.
#ifndef DBPOOL_TESTS_VERDICTS_CALLERS_H_
#define DBPOOL_TESTS_VERDICTS_CALLERS_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "dbpool/pool.h"

namespace dbpool::test {

// Thread-safety: any thread.
class Callers {
 public:
  // `number` of them pause between two requests.
  Callers(Pool& pool, int number, std::uint32_t seed);
  ~Callers();  // waits for their requests

  // From the next request on:
  void run_slowly(bool on) { slow_ = on; }        // statements of 2 s
  void think_inside(bool on) { thinking_ = on; }  // in a transaction, 1.5 s
  // That many more, without pauses, with statements of 100 ms. Once.
  void crowd(int number, std::uint32_t seed);
  void disperse();  // waits for them

  // A thread that takes that many leases and keeps them.
  void leak(int number);
  void give_back();  // waits for it

 private:
  void call(const std::stop_token& stop, std::uint32_t seed, bool pauses);
  void request(const std::stop_token& stop, bool is_crowd);
  void think(Lease& lease, const std::stop_token& stop);
  // Until the time has passed, or the stop.
  void pause(Duration time, const std::stop_token& stop);

  Pool& pool_;
  std::atomic<bool> slow_ = false;
  std::atomic<bool> thinking_ = false;
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::vector<std::jthread> regulars_;
  std::vector<std::jthread> crowd_;
  std::jthread leaker_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_VERDICTS_CALLERS_H_
