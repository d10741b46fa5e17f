// MultiplexState: the multiplexer's brain. Which statement goes to which
// connection and when, who is answered without the server, and when a
// connection is given back.
//
// Pure decisions: no lock, no clock, no I/O. Every event takes `now`, which
// never falls between two calls. What is to be done is in actions(), in order;
// the owner carries them out and clears them.
//
// A carrier is a leased connection that jobs of many callers share. The server
// runs a carrier's jobs one after the other: the first of them is its head.
//   - A job goes to the carrier with the fewest jobs, first come, first sent.
//   - At most `depth` jobs are on a carrier.
//   - Nothing is added behind a head that is past its time, or has been the
//     head for longer than `budget`: so at most the jobs of one budget wait
//     behind a slow one.
//   - While requests of others wait in the pool, nothing is added to a carrier
//     that has been held for longer than `budget`; nor ever to one held for
//     `max_hold`: lifetimes and limits of the pool need it back at times.
//   - A carrier without jobs is given back when its round ends.
//   - A job whose time has passed, or whose caller gave up, is answered at
//     once. It stays on its carrier, since its statement runs on. When it has
//     been the head for `grace` past its time, the carrier is hung up on, and
//     all its jobs are answered.
//
// Thread-safety: none. Ownership: jobs belong to the owner, and must stay
// alive until they are done.
#ifndef DBPOOL_POOL_SRC_BRAIN_MULTIPLEX_STATE_H_
#define DBPOOL_POOL_SRC_BRAIN_MULTIPLEX_STATE_H_

#include <cstdint>
#include <vector>

#include "dbpool/stats.h"
#include "pool/src/brain/job.h"
#include "pool/src/brain/latency_histogram.h"
#include "pool/src/brain/pool_room.h"
#include "pool/src/brain/time_integral.h"

namespace dbpool::detail {

struct MultiplexLimits {
  std::uint32_t depth = 0;
  std::uint32_t max_waiting = 0;
  Duration budget{0};
  Duration max_hold{0};
  Duration grace{0};
};

// Why a job was answered without a result.
enum class JobEnd : std::uint8_t {
  kTimeout,      // sent, and its time has passed
  kCancelled,    // its caller gave up
  kWaitTimeout,  // not sent by wait_until
  kQueueFull,    // max_waiting jobs were waiting already
  kNoLease,      // the pool lends nothing; the last acquire says why
  kClosed,       // close() was called
  kLost,         // its connection broke
  kHungUp,       // its connection was given up for another job's sake
};

struct MultiplexAction {
  enum class Kind : std::uint8_t {
    kSend,      // `job` to `carrier`
    kAnswer,    // tell the caller of `job`, which stays in flight unless `done`
    kForget,    // `job`, answered before, is done
    kHangUp,    // on `carrier`, whose answers follow
    kGiveBack,  // `carrier`, which has no jobs any more
  };
  Kind kind = Kind::kSend;
  std::uint32_t carrier = 0;
  Job* job = nullptr;
  JobEnd end = JobEnd::kLost;
  // kAnswer.
  bool done = false;
  bool was_head = false;
};

class MultiplexState {
 public:
  MultiplexState(const MultiplexLimits& limits, TimePoint now);
  MultiplexState(const MultiplexState&) = delete;
  MultiplexState& operator=(const MultiplexState&) = delete;

  // --- Callers -------------------------------------------------------------
  void submit(Job& job, TimePoint now);
  // Nothing if it is answered already.
  void cancel(Job& job, TimePoint now);
  // No job is taken any more; those not sent are answered.
  void close(TimePoint now);
  // From now on so; `depth` must stay. Jobs that wait stay in the queue.
  void set_limits(const MultiplexLimits& limits, TimePoint now);

  // --- The pool ------------------------------------------------------------
  // True: ask the pool for a connection, and tell of it by acquiring() and
  // then acquired() or acquire_failed().
  // `room` counts that request among those that wait.
  bool wants_lease(const PoolRoom& room) const noexcept;
  void acquiring() noexcept { acquiring_ = true; }
  bool is_acquiring() const noexcept { return acquiring_; }
  // The request that is under way has become pointless.
  bool is_acquiring_in_vain() const noexcept {
    return acquiring_ && jobs() == 0;
  }
  // A lease; the number of its carrier.
  std::uint32_t acquired(TimePoint now);
  // `futile`: so will be the next, unless there are carriers.
  void acquire_failed(bool futile, TimePoint now);

  // --- The wire ------------------------------------------------------------
  // The server is through with the head of `carrier`, which is done. Unless it
  // is answered already, its owner answers it with what the server said.
  Job& finished(std::uint32_t carrier, TimePoint now);
  // The server refused to begin with the head: it is sent again, before all
  // others, or forgotten if it is answered.
  void again(std::uint32_t carrier, TimePoint now);
  // The connection broke. Only the first `sent` of its jobs can have reached
  // the server: the others go back to the queue.
  void lost(std::uint32_t carrier, std::uint32_t sent, TimePoint now);
  // Nothing more goes to it; it is given back when its jobs are done.
  void retire(std::uint32_t carrier) noexcept;
  // What was sent last is not all on the wire yet: nothing more goes to it.
  void set_blocked(std::uint32_t carrier, bool blocked);
  Job* head(std::uint32_t carrier) const noexcept {
    return carriers_[carrier].jobs.first();
  }

  // --- Time ----------------------------------------------------------------
  // Answers and hangs up where time has passed.
  void advance(TimePoint now);
  TimePoint next_deadline() const noexcept { return next_check_; }
  // Sends what may be sent.
  void dispatch(const PoolRoom& room, TimePoint now);
  // After the last dispatch() of a round: gives back what has nothing to do,
  // and refuses what the queue has no room for.
  void end_round(TimePoint now);

  std::vector<MultiplexAction>& actions() noexcept { return actions_; }

  // --- Reading -------------------------------------------------------------
  std::uint32_t queued() const noexcept { return queue_.size(); }
  std::uint32_t jobs() const noexcept { return queue_.size() + in_flight_; }
  std::uint32_t carriers() const noexcept { return carrier_count_; }
  // Closed, and nothing is left.
  bool is_drained() const noexcept {
    return closed_ && jobs() == 0 && carrier_count_ == 0 && !acquiring_;
  }
  TimePoint now() const noexcept { return now_; }  // of the last event
  void snapshot(MultiplexStats& out) const noexcept;

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  struct Carrier {
    bool in_use = false;
    bool retiring = false;
    bool blocked = false;
    std::uint32_t place = kNowhere;  // in the list of its load; see pick()
    TimePoint leased_at = {};
    TimePoint head_since = {};
    JobList jobs;
  };

  void begin(TimePoint now) noexcept;
  void answer(Job& job, JobEnd end, bool was_head = false);
  void fail_queued(Job& job, JobEnd end);
  void fail_all_queued(JobEnd end);
  void send(Job& job, std::uint32_t number);
  Job& pop_head(std::uint32_t number);
  void requeue(Job& job);
  void take_back(Carrier& carrier, std::uint32_t sent);
  void drop(std::uint32_t number, JobEnd end);
  void remember(TimePoint deadline) noexcept;

  TimePoint give_up_at(const Carrier& carrier) const noexcept;
  bool is_used_up(const Carrier& carrier) const noexcept;
  bool may_take(const Carrier& carrier) const noexcept;
  std::uint32_t pick();
  void list(std::uint32_t number);
  void unlist(std::uint32_t number);
  void expire_queued();
  void expire_sent(std::uint32_t number);

  MultiplexLimits limits_;
  // limits_.max_waiting, or more while more wait than that allows by now.
  std::uint32_t most_waiting_;

  TimePoint now_;
  bool closed_ = false;
  bool acquiring_ = false;
  bool others_wait_ = false;  // as of this round
  JobList queue_;
  std::vector<Carrier> carriers_;
  std::vector<std::uint32_t> free_;  // numbers that are not in use
  std::uint32_t carrier_count_ = 0;
  std::uint32_t in_flight_ = 0;
  // Carriers that may perhaps take a job, by how many they have.
  std::vector<std::vector<std::uint32_t>> by_load_;
  std::vector<std::uint32_t> emptied_;  // had no job at some moment
  TimePoint next_check_ = TimePoint::max();
  std::vector<MultiplexAction> actions_;

  // Statistics.
  std::uint64_t answered_ = 0;
  std::uint64_t abandoned_ = 0;
  TimeIntegral waiting_time_;
  TimeIntegral in_flight_time_;
  TimeIntegral carrier_time_;
  LatencyHistogram wait_sent_;
  LatencyHistogram wait_failed_;
  LatencyHistogram head_of_line_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_MULTIPLEX_STATE_H_
