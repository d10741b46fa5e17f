// validate(): the ranges promised in options.h.
#include "dbpool/options.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace dbpool {
namespace {

std::string text(std::uint64_t value) { return std::to_string(value); }

std::string text(double value) { return std::to_string(value); }

std::string text(Duration value) {
  const double milliseconds =
      std::chrono::duration<double, std::milli>(value).count();
  std::string digits = std::to_string(milliseconds);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits + " ms";
}

Unexpected wrong(std::string_view field, const std::string& value,
                 std::string_view accepted) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = "PoolOptions::";
  error.message.append(field).append(" is ").append(value);
  error.message.append("; accepted: ").append(accepted);
  return Unexpected(std::move(error));
}

// Remembers the first field that is wrong, in the order of options.h.
class Checker {
 public:
  template <typename Value>
  void check(bool good, std::string_view field, Value value,
             std::string_view accepted) {
    if (good || !result_) return;
    if constexpr (std::is_integral_v<Value>) {
      result_ = wrong(field, text(std::uint64_t{value}), accepted);
    } else {
      result_ = wrong(field, text(value), accepted);
    }
  }

  void positive(std::string_view field, Duration value) {
    check(value > Duration::zero(), field, value, "more than 0 ms");
  }

  void positive(std::string_view field, const std::optional<Duration>& value) {
    if (!value) return;
    check(*value > Duration::zero(), field, *value,
          "more than 0 ms, or nothing");
  }

  void name(std::string_view value) {
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    bool good = !value.empty();
    for (char c : value) good = good && !is_control(c);
    if (good || !result_) return;
    result_ = wrong("name", value.empty() ? "empty" : "not printable",
                    "text without control characters");
  }

  Expected<void> take_result() { return std::move(result_); }

 private:
  Expected<void> result_;
};

void check_sizes(const PoolOptions& o, Checker& checker) {
  checker.name(o.name);
  checker.check(
      o.max_connections >= 1 && o.max_connections <= kMaxConnectionsLimit,
      "max_connections", o.max_connections,
      "1 to " + std::to_string(kMaxConnectionsLimit));
  checker.check(
      o.min_connections <= o.max_connections, "min_connections",
      o.min_connections,
      "0 to max_connections (" + std::to_string(o.max_connections) + ")");
  checker.check(o.max_waiting_requests <= 1'000'000, "max_waiting_requests",
                o.max_waiting_requests, "0 to 1000000");
}

void check_recycling(const PoolOptions& o, Checker& checker) {
  checker.positive("acquire_timeout", o.acquire_timeout);
  checker.positive("idle_timeout", o.idle_timeout);
  checker.check(!o.max_uses || *o.max_uses >= 1, "max_uses",
                o.max_uses.value_or(0), "1 or more, or nothing");
  checker.positive("max_lifetime", o.max_lifetime);
  // Written so that NaN is refused, too.
  checker.check(o.lifetime_jitter >= 0.0 && o.lifetime_jitter <= 0.5,
                "lifetime_jitter", o.lifetime_jitter, "0 to 0.5");
  checker.check(o.check_after_idle >= Duration::zero(), "check_after_idle",
                o.check_after_idle, "0 ms or more");
  // Where nobody may wait, nobody could wait for a check either.
  checker.check(
      o.max_waiting_requests > 0 || o.check_after_idle > Duration::zero(),
      "check_after_idle", o.check_after_idle,
      "more than 0 ms where max_waiting_requests is 0");
  checker.positive("check_timeout", o.check_timeout);
}

void check_opening(const PoolOptions& o, Checker& checker) {
  checker.positive("open_timeout", o.open_timeout);
  checker.check(
      o.max_concurrent_openings >= 1 && o.max_concurrent_openings <= 1000,
      "max_concurrent_openings", o.max_concurrent_openings, "1 to 1000");
  checker.positive("backoff_initial", o.backoff_initial);
  checker.check(o.backoff_max >= o.backoff_initial, "backoff_max",
                o.backoff_max, "backoff_initial or more");
}

void check_use(const PoolOptions& o, Checker& checker) {
  checker.positive("statement_timeout", o.statement_timeout);
  // PostgreSQL keeps it as an int of milliseconds.
  constexpr std::chrono::milliseconds kMost(INT32_MAX);
  const Duration server = o.server_statement_timeout.value_or(kMost);
  checker.check(server > Duration::zero() && server <= kMost,
                "server_statement_timeout", server,
                "more than 0 ms, at most 2147483647 ms, or nothing");
  checker.positive("cancel_grace", o.cancel_grace);
  checker.check(o.pipeline_depth <= kMaxPipelineDepth, "pipeline_depth",
                o.pipeline_depth, "0 to " + std::to_string(kMaxPipelineDepth));
  checker.positive("pipeline_budget", o.pipeline_budget);
  checker.positive("leak_threshold", o.leak_threshold);
  checker.positive("close_timeout", o.close_timeout);
  checker.check(o.max_query_names >= 1 && o.max_query_names <= 10'000,
                "max_query_names", o.max_query_names, "1 to 10000");
}

}  // namespace

Expected<void> validate(const PoolOptions& options) {
  Checker checker;
  check_sizes(options, checker);
  check_recycling(options, checker);
  check_opening(options, checker);
  check_use(options, checker);
  return checker.take_result();
}

}  // namespace dbpool
