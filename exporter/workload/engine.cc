#include "exporter/workload/engine.h"

#include <algorithm>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <system_error>
#include <utility>

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
  names.reserve(options.statements.size());
  for (const auto& statement : options.statements) {
    names.push_back(statement.name);
  }
  return names;
}

}  // namespace

// A client or an arrival: what stop() and cancel() need to reach it. Lives in
// the frame of its coroutine.
struct WorkloadEngine::Task {
  enum class Stage : std::uint8_t { kPausing, kWaiting, kLeased };

  Task(WorkloadEngine& owner, std::uint32_t& among)
      : tasks(owner.tasks_), count(among), timer(owner.context_) {
    ++count;
    position = tasks.insert(tasks.end(), this);
  }
  ~Task() {
    tasks.erase(position);
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

  std::list<Task*>& tasks;
  std::uint32_t& count;
  std::list<Task*>::iterator position;
  asio::steady_timer timer;
  asio::cancellation_signal signal;
  Stage stage = Stage::kPausing;
};

WorkloadEngine::WorkloadEngine(Pool& pool, const WorkloadOptions& options,
                               AcquireRefusal on_refusal)
    : pool_(pool),
      options_(options),
      on_refusal_(std::move(on_refusal)),
      metrics_(pool.options().name, names_of(options)),
      ended_(ended_promise_.get_future().share()),
      random_(seed_of(options)),
      arrivals_(random_()),
      work_(context_.get_executor()),
      arrival_timer_(context_) {
  for (const auto& statement : options_.statements) {
    tags_.emplace_back("workload " + statement.name);
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

void WorkloadEngine::stop() {
  asio::post(context_, [this] { begin_stop(); });
}

void WorkloadEngine::cancel() {
  asio::post(context_, [this] { begin_cancel(); });
}

void WorkloadEngine::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  arrival_timer_.cancel();
  for (Task* task : tasks_) {
    if (task->stage != Task::Stage::kLeased) task->interrupt();
  }
  work_.reset();
}

void WorkloadEngine::begin_cancel() {
  begin_stop();
  cancelling_ = true;
  for (Task* task : tasks_) task->interrupt();
}

void WorkloadEngine::adjust_clients(std::uint32_t wanted) {
  clients_wanted_ = wanted;
  while (!stopping_ && clients_ < clients_wanted_) {
    asio::co_spawn(context_,
                   run_client(std::make_unique<Task>(*this, clients_)),
                   asio::detached);
  }
}

void WorkloadEngine::schedule_arrivals() {
  // Also ends the wait under way, if there is one: there is never a second.
  arrival_timer_.cancel();
  if (stopping_ || arrivals_.next() == TimePoint::max()) return;
  arrival_timer_.expires_at(arrivals_.next());
  arrival_timer_.async_wait([this](const std::error_code& error) {
    if (!error) on_arrivals_due();
  });
}

void WorkloadEngine::on_arrivals_due() {
  for (int i = 0; i < kArrivalBatch && !stopping_; ++i) {
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
  while (!stopping_ && clients_ <= clients_wanted_) {
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
  if (pool_.options().pipeline_depth > 1) {
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
    on_refusal_(options_.statements[workload].name, error);
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
  const WorkloadStatement& texts = options_.statements[workload];
  const Statement statement(texts.name, texts.sql);
  Params none;
  const Expected<Rows> rows =
      co_await lease->async_execute(statement, std::move(none), task->token());
  if (!rows) co_return workload_failure(rows.error());
  const TimePoint until = granted + options_.hold;
  if (cancelling_ || Clock::now() >= until) co_return std::nullopt;
  std::error_code cut_short;
  task->timer.expires_at(until);
  co_await task->timer.async_wait(
      asio::redirect_error(asio::use_awaitable, cut_short));
  if (cut_short) co_return kCancelled;
  co_return std::nullopt;
}

asio::awaitable<void> WorkloadEngine::sleep(Task* task, TimePoint until) {
  if (stopping_) co_return;
  task->stage = Task::Stage::kPausing;
  std::error_code cut_short;
  task->timer.expires_at(until);
  co_await task->timer.async_wait(
      asio::redirect_error(asio::use_awaitable, cut_short));
}

}  // namespace dbpool::exporter
