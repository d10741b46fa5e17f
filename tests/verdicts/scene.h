// Scene: a pool with callers on a real PostgreSQL, and what can go wrong there,
// to see what the verdict says of it.
#ifndef DBPOOL_TESTS_VERDICTS_SCENE_H_
#define DBPOOL_TESTS_VERDICTS_SCENE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dbpool/options.h"
#include "exporter/diagnosis/verdict.h"

namespace dbpool::test {

using exporter::Cause;

enum class Fault : std::uint8_t {
  kLock,     // a foreign session locks the table that all use
  kSlow,     // statements sleep for seconds
  kLeak,     // a thread keeps as many leases as there are, or half of them
  kThink,    // callers think inside a transaction
  kLoad,     // more callers than the pool serves
  kSlots,    // foreign sessions take the rest of the server's slots
  kOpening,  // sessions are lost, and new ones take long to open
  kDown,     // the database is stopped
  kFrozen,   // all of its processes stand still
};
inline constexpr std::size_t kFaultCount = 9;
std::string_view to_string(Fault fault) noexcept;
// What it is to be called.
Cause cause_of(Fault fault) noexcept;

// The threshold of waits, and that of leaks; each verdict is due kDue after
// the threshold of its own.
inline constexpr Duration kThreshold = std::chrono::seconds(1);
inline constexpr Duration kLeakThreshold = std::chrono::seconds(3);
inline constexpr Duration kDue = std::chrono::seconds(3);
inline constexpr Duration kDueAfterCure = std::chrono::seconds(5);

// What the verdict was, and for how long it took.
struct Course {
  std::vector<Fault> faults;
  Cause calm = Cause::kNone;   // before
  Cause named = Cause::kNone;  // when it was due
  std::string finding;         // then
  // After the fault's threshold until a right one was in force, and after the
  // cure until none was; negative: before the threshold. Far more than due: it
  // never was.
  Duration named_after{0};
  Duration cleared_after{0};
  bool ever_too_small = false;  // was that in force after the threshold?

  bool is_named() const;  // by one of the faults, in time
  bool is_cleared() const { return cleared_after <= kDueAfterCure; }
};

// Sets the scene, waits for calm, begins the faults, and ends them; takes about
// a quarter of a minute. `seed` chooses the size of the pool and the callers'
// pauses. Throws std::runtime_error when PostgreSQL does not do its part.
Course play(const std::vector<Fault>& faults, std::uint32_t seed);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_VERDICTS_SCENE_H_
