// Driving a step machine on the calling thread; on an executor AsyncDriver
// does it.
#ifndef DBPOOL_POOL_SRC_WAITING_BLOCKING_WAIT_H_
#define DBPOOL_POOL_SRC_WAITING_BLOCKING_WAIT_H_

#include <stop_token>

#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

// Drives `machine` on the calling thread with ppoll(2); returns when it has
// finished. EINTR is no event; a descriptor that hung up is ready. False:
// `stop` was asked for before, and the machine is where it was. (Out of
// descriptors it is noticed at the machine's next event.)
bool blocking_wait(StepMachine& machine, const std::stop_token& stop = {});

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_BLOCKING_WAIT_H_
