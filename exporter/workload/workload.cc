#include "exporter/workload/workload.h"

#include <chrono>
#include <utility>

#include "exporter/workload/engine.h"

namespace dbpool::exporter {
namespace {

// A cancelled statement ends, or its connection is closed, within the pool's
// cancel_grace; this is beyond its default.
constexpr Duration kGoingTime = std::chrono::seconds(5);

}  // namespace

Workload::Workload(Pool& pool, const WorkloadOptions& options,
                   AcquireRefusal on_refusal, ScriptFailure on_script_failure,
                   const Workload* before)
    : engine_(std::make_shared<WorkloadEngine>(
          pool, options, std::move(on_refusal), std::move(on_script_failure),
          before == nullptr ? nullptr : &before->metrics())),
      initial_rate_(options.rate),
      initial_clients_(options.clients) {}

Workload::~Workload() {
  cancel();
  if (!thread_.joinable()) return;
  if (engine_->wait(Clock::now() + kGoingTime)) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void Workload::start() {
  engine_->set_clients(initial_clients_);
  engine_->set_rate(initial_rate_);
  thread_ = std::thread([engine = engine_] { engine->run(); });
}

void Workload::set_rate(double per_second) { engine_->set_rate(per_second); }

void Workload::set_clients(std::uint32_t clients) {
  engine_->set_clients(clients);
}

void Workload::finish() { engine_->finish(); }

void Workload::stop() { engine_->stop(); }

void Workload::cancel() { engine_->cancel(); }

bool Workload::wait(TimePoint deadline) {
  return !thread_.joinable() || engine_->wait(deadline);
}

const WorkloadMetrics& Workload::metrics() const noexcept {
  return engine_->metrics();
}

void Workload::tell(metrics::Sink& sink) const { metrics().tell(sink); }

}  // namespace dbpool::exporter
