// World: what the brain asks for, done by fakes: openings that succeed, fail
// for every reason, hang, or come late after they were given up; checks and
// clean-ups that fail or hang; closings that take their time.
#ifndef DBPOOL_TESTS_SIMULATION_WORLD_H_
#define DBPOOL_TESTS_SIMULATION_WORLD_H_

#include <optional>
#include <vector>

#include "tests/simulation/event.h"
#include "tests/simulation/random.h"

namespace dbpool::test {

class World {
 public:
  enum class Mood : std::uint8_t {
    kHealthy,
    kFlaky,     // a bit of everything
    kRefusing,  // openings and checks fail at once
    kSlotsFull,
    kHanging,  // nothing answers
  };

  World(Random& random, const PoolOptions& options)
      : random_(random), options_(options) {}

  void set_mood(Mood mood) { mood_ = mood; }

  // Begins the work at `now`.
  void begin(const Work& work, TimePoint now);

  // When the next fake has something to tell; TimePoint::max() if none.
  TimePoint next_due() const;
  // One event that is due at `now`, in no particular order, and forgets it.
  std::optional<Event> take_due(TimePoint now);

 private:
  struct Pending {
    TimePoint due;
    Event event;
  };

  Event opening(const Work& work, TimePoint now);
  Event check(const Work& work, TimePoint now);
  void give_up(const Work& work, TimePoint now);

  Random& random_;
  PoolOptions options_;
  Mood mood_ = Mood::kHealthy;
  std::vector<Pending> pending_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_WORLD_H_
