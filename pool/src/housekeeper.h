// Housekeeper: the pool's own thread. Opens, checks, cleans and closes
// connections as step machines over one poll(2), runs every timer of the
// brain, and notices sessions that the server ended.
//
// Lifetime: owns itself with its thread and shares the core; the thread ends
// when the pool is closed and its last connection is gone.
//
// Thread-safety: none; everything here belongs to the loop thread.
#ifndef DBPOOL_POOL_SRC_HOUSEKEEPER_H_
#define DBPOOL_POOL_SRC_HOUSEKEEPER_H_

#include <poll.h>

#include <memory>
#include <thread>
#include <vector>

#include "pool/src/pool_core.h"
#include "pool/src/session/hangup_watch.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

class Housekeeper {
 public:
  // Throws std::system_error without a descriptor.
  explicit Housekeeper(std::shared_ptr<PoolCore> core);
  ~Housekeeper();
  Housekeeper(const Housekeeper&) = delete;
  Housekeeper& operator=(const Housekeeper&) = delete;

  // The thread on which `housekeeper` lives from now on. It takes no signal.
  static std::thread start(std::unique_ptr<Housekeeper> housekeeper);

 private:
  // One step machine under way.
  struct Job {
    WorkKind kind;
    ConnectionId id;
    std::unique_ptr<StepMachine> machine;  // null: finished or given up
    Wait wait = {};
  };

  void run();
  void begin(const Work& work);
  std::unique_ptr<StepMachine> make_machine(const Work& work, TimePoint now);
  // The machine that closes the connection; null if there is nothing to
  // close: then that is reported.
  std::unique_ptr<StepMachine> make_closing(ConnectionId id, TimePoint now);
  void step(Job& job, bool ready);
  void finish(Job& job);
  void finish_opening(Job& job);
  void sleep_until(TimePoint deadline);
  void take_hang_ups();
  void trim_heap();

  const std::shared_ptr<PoolCore> core_;
  HangupWatch watch_;
  std::vector<Job> jobs_;
  // When the heap is to be trimmed next; max(): not at all.
  TimePoint heap_due_ = TimePoint::max();
  // Scratch of one turn.
  Round round_;
  std::vector<pollfd> polled_;
  std::vector<ConnectionId> hung_up_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_HOUSEKEEPER_H_
