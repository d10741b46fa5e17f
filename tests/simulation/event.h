// What happens to the brain in a simulated history, and what came of it.
#ifndef DBPOOL_TESTS_SIMULATION_EVENT_H_
#define DBPOOL_TESTS_SIMULATION_EVENT_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "pool/src/brain/pool_state.h"

namespace dbpool::test {

using detail::ConnectionId;
using detail::ReturnState;
using detail::Waiter;
using detail::Work;
using detail::WorkKind;

enum class EventKind : std::uint8_t {
  kStart,
  kAcquire,
  kCancel,
  kExpire,
  kRelease,
  kOpened,
  kOpenFailed,
  kChecked,
  kCleaned,
  kClosed,
  kHungUp,
  kAdvance,
  kReconfigure,
  kRenew,
  kClose,
};

struct Event {
  EventKind kind = EventKind::kStart;
  TimePoint now = {};
  ConnectionId id = {};
  Waiter* waiter = nullptr;                         // acquire … expire
  ReturnState returned = ReturnState::kClean;       // release
  bool good = false;                                // checked, cleaned
  ConnectFailure failure = ConnectFailure::kOther;  // open failed
  const PoolOptions* options = nullptr;             // reconfigure
};

struct Outcome {
  bool accepted = false;          // what cancel() and expire() returned
  std::vector<Waiter*> finished;  // in order; not that of acquire() itself
  std::vector<Work> work;         // taken right after the event
  std::vector<detail::LeaseFacts> leaks;
  bool woke = false;  // Effects::wake_housekeeper
  TimePoint next_deadline = {};
  detail::FailedFacts failed;
  detail::ClosedFacts closed;
  PoolStats stats;  // at Event::now
};

// The brain broke a promise.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// One line for people.
std::string describe(const Event& event);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_EVENT_H_
