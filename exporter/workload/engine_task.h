#ifndef DBPOOL_EXPORTER_WORKLOAD_ENGINE_TASK_H_
#define DBPOOL_EXPORTER_WORKLOAD_ENGINE_TASK_H_

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>

#include "exporter/workload/engine.h"

namespace dbpool::exporter {

// A client or an arrival: what stop() and cancel() need to reach it. Lives in
// the frame of its coroutine.
struct WorkloadEngine::Task {
  enum class Stage : std::uint8_t { kPausing, kWaiting, kLeased };

  Task(WorkloadEngine& owner, std::uint32_t& among)
      : engine(owner), count(among), timer(owner.context_) {
    ++count;
    position = engine.tasks_.insert(engine.tasks_.end(), this);
  }
  ~Task() {
    if (variables) engine.idle_variables_.push_back(std::move(variables));
    engine.tasks_.erase(position);
    --count;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  auto token() {
    return asio::bind_cancellation_slot(signal.slot(), asio::use_awaitable);
  }
  void interrupt() {
    timer.cancel();
    signal.emit(asio::cancellation_type::terminal);
  }

  WorkloadEngine& engine;
  std::uint32_t& count;
  std::list<Task*>::iterator position;
  asio::steady_timer timer;
  asio::cancellation_signal signal;
  Stage stage = Stage::kPausing;
  // Of its scripts; null before the first has run.
  std::unique_ptr<script::Variables> variables;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WORKLOAD_ENGINE_TASK_H_
