// The two ways to drive a step machine to its end.
#ifndef DBPOOL_POOL_SRC_WAITS_H_
#define DBPOOL_POOL_SRC_WAITS_H_

#include <asio/any_io_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <functional>
#include <memory>
#include <stop_token>

#include "pool/src/step_machine.h"

namespace dbpool::detail {

// Drives `machine` on the calling thread with ppoll(2); returns when it has
// finished. EINTR is no event; a descriptor that hung up is ready. False:
// `stop` was asked for before, and the machine is where it was. (Out of
// descriptors it is noticed at the machine's next event.)
bool blocking_wait(StepMachine& machine, const std::stop_token& stop = {});

// Drives `machine` on `executor`, a step at a time even if many threads run
// it, and calls `finished` there when it has finished: never inside this
// call unless the caller runs on `executor` itself. Everything is kept alive
// until then; if the executor's context is destroyed before, the machine is
// destroyed first, then `finished` unheard. `on_cancel` (may be empty) runs
// on the executor when `slot` is asked to cancel; the machine is stepped
// after it. The machine's descriptor is watched through a duplicate, which is
// gone before `finished`; between two steps the machine must not close its
// descriptor and open another under the same number.
void async_wait(const asio::any_io_executor& executor,
                std::shared_ptr<StepMachine> machine,
                asio::cancellation_slot slot, std::function<void()> on_cancel,
                std::function<void()> finished);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITS_H_
