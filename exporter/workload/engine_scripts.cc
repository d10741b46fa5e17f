// How the engine runs scripts: each run holds one lease.
#include <algorithm>
#include <asio/redirect_error.hpp>
#include <string>
#include <utility>
#include <variant>

#include "exporter/workload/engine.h"
#include "exporter/workload/engine_task.h"

namespace dbpool::exporter {
namespace {

constexpr std::size_t kCancelled =
    static_cast<std::size_t>(AcquireFailure::kCancelled);

bool in_transaction(const Connection& connection) {
  const TransactionStatus status = connection.transaction_status();
  return status == TransactionStatus::kInTransaction ||
         status == TransactionStatus::kInError;
}

}  // namespace

std::optional<std::int64_t> WorkloadEngine::known_scale(
    const WorkloadOptions& options) {
  if (options.scale) return options.scale;
  const bool any_builtin = std::ranges::any_of(
      options.scripts,
      [](const script::Script& each) { return each.is_builtin; });
  if (any_builtin) return std::nullopt;
  return 1;
}

// Variables are made when the scale is known: all begin with it.
std::unique_ptr<script::Variables> WorkloadEngine::take_variables() {
  if (!idle_variables_.empty()) {
    auto variables = std::move(idle_variables_.back());
    idle_variables_.pop_back();
    return variables;
  }
  return std::make_unique<script::Variables>(
      script::ClientFacts{.client_id = next_client_id_++,
                          .scale = *scale_,
                          .random_seed = static_cast<std::int64_t>(seed_),
                          .default_seed = default_seed_});
}

std::size_t WorkloadEngine::broke_off(std::size_t workload,
                                      const std::string& problem) const {
  if (on_script_failure_) on_script_failure_(names_[workload], problem);
  return workload_failure(Error());
}

// A transaction that a failure, or the script's end, leaves open is rolled
// back here: the session is as good as before.
asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::run_script(
    Task* task, std::size_t workload, Connection* connection) {
  if (!scale_) {
    if (auto failure = co_await learn_scale(task, connection)) {
      co_return failure;
    }
  }
  if (!task->variables) task->variables = take_variables();
  Failure failure = co_await run_commands(task, workload, connection);
  if (cancelling_ || !in_transaction(*connection)) co_return failure;
  if (!failure) {
    failure = broke_off(workload, options_.scripts[workload].file +
                                      ": ends inside a transaction");
  }
  Params none;
  const std::string name = names_[workload] + ":end";
  const Statement rollback(name, "ROLLBACK");
  (void)co_await connection->async_execute(rollback, std::move(none),
                                           task->token());
  co_return failure;
}

asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::run_commands(
    Task* task, std::size_t workload, Connection* connection) {
  script::Run run(options_.scripts[workload], *task->variables, random_);
  while (!cancelling_) {
    const auto step = run.next();
    if (!step) co_return broke_off(workload, step.error());
    if (std::holds_alternative<script::Run::End>(*step)) co_return std::nullopt;
    if (const auto* pause = std::get_if<script::Run::Pause>(&*step)) {
      if (!co_await hold(task, Clock::now() + pause->length)) break;
      continue;
    }
    const auto& query = std::get<script::Run::Query>(*step);
    if (auto failure =
            co_await run_query(task, workload, connection, &run, &query)) {
      co_return failure;
    }
  }
  co_return kCancelled;
}

asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::run_query(
    Task* task, std::size_t workload, Connection* connection, script::Run* run,
    const script::Run::Query* query) {
  ExecuteOptions options;
  options.prepare = query->prepare;
  Params none;
  const Expected<Rows> rows = co_await connection->async_execute(
      Statement(query->name, query->sql), std::move(none), options,
      task->token());
  if (!rows) co_return workload_failure(rows.error());
  if (const auto taken = run->take(*rows); !taken) {
    co_return broke_off(workload, taken.error());
  }
  co_return std::nullopt;
}

// What pgbench takes for its own scripts.
asio::awaitable<WorkloadEngine::Failure> WorkloadEngine::learn_scale(
    Task* task, Connection* connection) {
  Params none;
  const Statement count("pgbench_scale",
                        "SELECT count(*) FROM pgbench_branches");
  const Expected<Rows> rows =
      co_await connection->async_execute(count, std::move(none), task->token());
  if (!rows) co_return workload_failure(rows.error());
  const auto scale = rows->get<std::int64_t>(0, 0);
  if (!scale) co_return workload_failure(scale.error());
  scale_ = *scale;
  co_return std::nullopt;
}

}  // namespace dbpool::exporter
