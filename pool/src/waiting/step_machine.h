// StepMachine: work on a socket that never blocks. The same machine is driven
// by poll(2) on a caller's thread (blocking_wait), by Asio on a caller's
// executor (AsyncDriver), or by the housekeeper's loop.
#ifndef DBPOOL_POOL_SRC_WAITING_STEP_MACHINE_H_
#define DBPOOL_POOL_SRC_WAITING_STEP_MACHINE_H_

#include <optional>

#include "dbpool/options.h"

namespace dbpool::detail {

// What a machine waits for: events on one descriptor, until a time.
struct Wait {
  int fd = -1;  // -1: only time can help
  bool readable = false;
  bool writable = false;
  TimePoint until = TimePoint::max();
};

class StepMachine {
 public:
  virtual ~StepMachine() = default;
  // Goes as far as it can without blocking. `ready`: an event of the last
  // Wait happened (false: first call, time passed, or a cancel request).
  // Returns the next Wait, or nullopt when finished; then it is not called
  // again. The descriptor may differ from call to call. Errors are part of the
  // machine's own result.
  virtual std::optional<Wait> step(TimePoint now, bool ready) = 0;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_STEP_MACHINE_H_
