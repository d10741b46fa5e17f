#include "exporter/workload/engine.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <system_error>
#include <utility>

#include "exporter/workload/engine_task.h"

namespace dbpool::exporter {
namespace {

// Arrivals that are started in one go when the schedule is behind, so that
// the requests under way get their turn in between.
constexpr int kArrivalBatch = 64;

constexpr std::size_t kCancelled =
    static_cast<std::size_t>(AcquireFailure::kCancelled);

std::uint64_t seed_of(const WorkloadOptions& options) {
  return options.seed ? *options.seed : std::random_device()();
}

std::vector<std::string> names_of(const WorkloadOptions& options) {
  std::vector<std::string> names;
  names.reserve(options.statements.size() + options.scripts.size());
  for (const auto& statement : options.statements) {
    names.push_back(statement.name);
  }
  for (const auto& script : options.scripts) names.push_back(script.name);
  return names;
}

std::discrete_distribution<std::size_t> by_weight(
    const std::vector<script::Script>& scripts) {
  std::vector<double> weights;
  weights.reserve(scripts.size());
  for (const auto& script : scripts) weights.push_back(script.weight);
  return {weights.begin(), weights.end()};
}

}  // namespace

WorkloadEngine::WorkloadEngine(Pool& pool, const WorkloadOptions& options,
                               AcquireRefusal on_refusal,
                               ScriptFailure on_script_failure,
                               const WorkloadMetrics* before)
    : pool_(pool),
      options_(options),
      names_(names_of(options)),
      shares_connections_(options.scripts.empty() &&
                          pool.options().pipeline_depth > 1),
      on_refusal_(std::move(on_refusal)),
      on_script_failure_(std::move(on_script_failure)),
      seed_(seed_of(options)),
      metrics_(pool.name(), names_, before),
      ended_(ended_promise_.get_future().share()),
      random_(seed_),
      arrivals_(random_()),
      scripts_(by_weight(options.scripts)),
      default_seed_(static_cast<std::int64_t>(random_())),
      scale_(known_scale(options)),
      work_(context_.get_executor()),
      arrival_timer_(context_) {
  for (const std::string& name : names_) {
    tags_.emplace_back("workload " + name);
  }
}

void WorkloadEngine::run() {
  context_.run();
  ended_promise_.set_value();
}

bool WorkloadEngine::wait(TimePoint deadline) const {
  return ended_.wait_until(deadline) == std::future_status::ready;
}

void WorkloadEngine::set_rate(double per_second) {
  const double rate =
      per_second > 0 ? std::min(per_second, kMaxWorkloadRate) : 0;
  asio::post(context_, [this, rate] {
    arrivals_.set_rate(rate, Clock::now());
    schedule_arrivals();
  });
}

void WorkloadEngine::set_clients(std::uint32_t clients) {
  asio::post(context_, [this, clients] {
    adjust_clients(std::min(clients, kMaxWorkloadClients));
  });
}

void WorkloadEngine::finish() {
  asio::post(context_, [this] { begin_finish(); });
}

void WorkloadEngine::stop() {
  asio::post(context_, [this] { begin_stop(); });
}

void WorkloadEngine::cancel() {
  asio::post(context_, [this] { begin_cancel(); });
}

void WorkloadEngine::begin_finish() {
  if (std::exchange(finishing_, true)) return;
  arrival_timer_.cancel();
  clients_wanted_ = 0;
  for (Task* task : tasks_) {
    if (task->stage == Task::Stage::kPausing) task->interrupt();
  }
  work_.reset();
}

void WorkloadEngine::begin_stop() {
  begin_finish();
  if (std::exchange(stopping_, true)) return;
  for (Task* task : tasks_) {
    if (task->stage != Task::Stage::kLeased) task->interrupt();
  }
}

void WorkloadEngine::begin_cancel() {
  begin_stop();
  cancelling_ = true;
  for (Task* task : tasks_) task->interrupt();
}

void WorkloadEngine::adjust_clients(std::uint32_t wanted) {
  if (finishing_) return;
  clients_wanted_ = wanted;
  while (clients_ < clients_wanted_) {
    asio::co_spawn(context_,
                   run_client(std::make_unique<Task>(*this, clients_)),
                   asio::detached);
  }
}

void WorkloadEngine::schedule_arrivals() {
  // Also ends the wait under way, if there is one: there is never a second.
  arrival_timer_.cancel();
  if (finishing_ || arrivals_.next() == TimePoint::max()) return;
  arrival_timer_.expires_at(arrivals_.next());
  arrival_timer_.async_wait([this](const std::error_code& error) {
    if (!error) on_arrivals_due();
  });
}

void WorkloadEngine::on_arrivals_due() {
  for (int i = 0; i < kArrivalBatch && !finishing_; ++i) {
    if (arrivals_.next() > Clock::now()) break;
    arrive(arrivals_.take());
  }
  schedule_arrivals();
}

void WorkloadEngine::arrive(TimePoint due) {
  const std::size_t workload = choose();
  if (arrivals_in_flight_ >= options_.max_in_flight) {
    metrics_.skipped(workload);
    return;
  }
  asio::co_spawn(context_,
                 run_arrival(std::make_unique<Task>(*this, arrivals_in_flight_),
                             workload, due),
                 asio::detached);
}

std::size_t WorkloadEngine::choose() {
  if (!options_.scripts.empty()) return scripts_(random_);
  const std::size_t count = options_.statements.size();
  if (options_.choice == StatementChoice::kRandom) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }
  return next_workload_++ % count;
}

asio::awaitable<void> WorkloadEngine::run_client(std::unique_ptr<Task> task) {
  if (options_.think > Duration::zero()) {
    // Clients that start together should not stay together.
    std::uniform_int_distribution<Duration::rep> offset(0,
                                                        options_.think.count());
    co_await sleep(task.get(), Clock::now() + Duration(offset(random_)));
  }
  std::uint32_t failures_in_a_row = 0;
  while (clients_ <= clients_wanted_) {
    const std::size_t workload = choose();
    const TimePoint start = Clock::now();
    const Failure failure = co_await request(task.get(), workload);
    const TimePoint end = Clock::now();
    metrics_.finished(workload, end - start, failure);
    failures_in_a_row = failure ? failures_in_a_row + 1 : 0;
    Duration pause = options_.think;
    if (failure) {
      pause = std::max(pause, failure_pause(failures_in_a_row, random_));
    }
    if (pause > Duration::zero()) co_await sleep(task.get(), end + pause);
  }
}

asio::awaitable<void> WorkloadEngine::run_arrival(std::unique_ptr<Task> task,
                                                  std::size_t workload,
                                                  TimePoint due) {
  metrics_.started(workload, Clock::now() - due);
  const Failure failure = co_await request(task.get(), workload);
  metrics_.finished(workload, Clock::now() - due, failure);
}

asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::request(
    Task* task, std::size_t workload) {
  if (stopping_) co_return kCancelled;
  if (shares_connections_) {
    co_return co_await share_connection(task, workload);
  }
  task->stage = Task::Stage::kWaiting;
  const AcquireOptions acquire(tags_[workload]);
  Expected<Lease> lease = co_await pool_.async_acquire(acquire, task->token());
  if (!lease) co_return refused(workload, lease.error());
  task->stage = Task::Stage::kLeased;
  co_return co_await use_lease(task, workload, std::move(*lease));
}

// What the end of the workload or of the pool cut short is no news.
std::size_t WorkloadEngine::refused(std::size_t workload,
                                    const Error& error) const {
  if (on_refusal_ && error.acquire_failure != AcquireFailure::kCancelled &&
      error.acquire_failure != AcquireFailure::kClosed) {
    on_refusal_(names_[workload], error);
  }
  return workload_failure(error);
}

// Whether it waits or runs is not known here: what has begun may end.
asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::share_connection(
    Task* task, std::size_t workload) {
  task->stage = Task::Stage::kLeased;
  const WorkloadStatement& texts = options_.statements[workload];
  const Statement statement(texts.name, texts.sql);
  Params none;
  const Expected<Rows> rows =
      co_await pool_.async_execute(statement, std::move(none), task->token());
  if (rows) co_return std::nullopt;
  if (rows.error().kind == ErrorKind::kAcquire) {
    co_return refused(workload, rows.error());
  }
  co_return workload_failure(rows.error());
}

asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::use_lease(
    Task* task, std::size_t workload, Lease lease) {
  if (cancelling_) co_return kCancelled;
  const TimePoint granted = Clock::now();
  Failure failure;
  if (options_.scripts.empty()) {
    failure = co_await run_statement(task, workload, &*lease);
  } else {
    failure = co_await run_script(task, workload, &*lease);
  }
  if (failure || cancelling_) co_return failure;
  if (co_await hold(task, granted + options_.hold)) co_return std::nullopt;
  co_return kCancelled;
}

asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::run_statement(
    Task* task, std::size_t workload, Connection* connection) {
  const WorkloadStatement& texts = options_.statements[workload];
  const Statement statement(texts.name, texts.sql);
  Params none;
  const Expected<Rows> rows = co_await connection->async_execute(
      statement, std::move(none), task->token());
  if (!rows) co_return workload_failure(rows.error());
  co_return std::nullopt;
}

// False: cut short.
asio::awaitable<bool> WorkloadEngine::hold(Task* task, TimePoint until) {
  if (Clock::now() >= until) co_return true;
  if (cancelling_) co_return false;
  std::error_code cut_short;
  task->timer.expires_at(until);
  co_await task->timer.async_wait(
      asio::redirect_error(asio::use_awaitable, cut_short));
  co_return !cut_short;
}

asio::awaitable<void> WorkloadEngine::sleep(Task* task, TimePoint until) {
  if (finishing_) co_return;
  task->stage = Task::Stage::kPausing;
  std::error_code cut_short;
  task->timer.expires_at(until);
  co_await task->timer.async_wait(
      asio::redirect_error(asio::use_awaitable, cut_short));
}

}  // namespace dbpool::exporter
