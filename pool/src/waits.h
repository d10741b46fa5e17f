// The two ways to drive a step machine to its end.
#ifndef DBPOOL_POOL_SRC_WAITS_H_
#define DBPOOL_POOL_SRC_WAITS_H_

#include <asio/any_io_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <functional>
#include <memory>

#include "pool/src/step_machine.h"

namespace dbpool::detail {

// Drives `machine` on the calling thread with poll(2); returns when it has
// finished. EINTR is no event.
void blocking_wait(StepMachine& machine);

// Drives `machine` on `executor` and calls `finished` there when it has
// finished. Everything is kept alive until then. `on_cancel` (may be empty)
// runs on the executor when `slot` is asked to cancel; the machine is stepped
// after it. The descriptor is watched through a dup-free stream_descriptor
// that is released, never closed, here.
void async_wait(asio::any_io_executor executor,
                std::shared_ptr<StepMachine> machine,
                asio::cancellation_slot slot,
                std::function<void()> on_cancel,
                std::function<void()> finished);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITS_H_
