#include "pool/src/acquire_errors.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "pool/src/base/text.h"

namespace dbpool::detail {
namespace {

// Of a statement without a name: enough to know it again.
constexpr std::size_t kShownHere = 60;

struct Words {
  std::string_view what;
  std::string_view advice;
};

Words words_for(AcquireFailure failure) {
  switch (failure) {
    case AcquireFailure::kTimeoutCapacity:
      return {"no connection became free in time",
              "look at the holders first: raise PoolOptions::max_connections "
              "only if none of them is slow, idle or leaked"};
    case AcquireFailure::kTimeoutOpening:
      return {"no connection was opened or checked in time",
              "the database or the network answers slowly: see the durations "
              "of the connect phases, raise PoolOptions::min_connections or "
              "PoolOptions::acquire_timeout"};
    case AcquireFailure::kTimeoutBackendDown:
      return {"the database could not be reached in time",
              "see the opening error; the pool keeps trying by itself"};
    case AcquireFailure::kQueueFull:
      return {"the queue is full",
              "shed load, and look at the holders first: raise "
              "PoolOptions::max_connections or "
              "PoolOptions::max_waiting_requests only if none of them is "
              "slow, idle or leaked"};
    case AcquireFailure::kBackendDown:
      return {"the database cannot be reached",
              "see the opening error; the pool keeps trying by itself"};
    case AcquireFailure::kServerSlots:
      return {"the database refuses more connections",
              "lower PoolOptions::max_connections of the pools that share it, "
              "or raise the server's max_connections"};
    case AcquireFailure::kCancelled:
      return {"the acquire was cancelled by its caller", ""};
    case AcquireFailure::kClosed:
      return {"the pool is closed", ""};
  }
  return {"unknown failure", ""};
}

void append_seconds(std::string& out, std::chrono::nanoseconds age) {
  std::array<char, 32> text;
  const double seconds = std::chrono::duration<double>(age).count();
  std::snprintf(text.data(), text.size(), seconds < 100 ? "%.3g s" : "%.0f s",
                seconds);
  out += text.data();
}

void append_connections(std::string& out, const PoolStats& stats) {
  out += std::to_string(stats.total) + " of at most " +
         std::to_string(stats.max_connections) + " connections (";
  for (std::size_t i = 0; i < kConnectionStateCount; ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(stats.connections[i]);
    out += ' ';
    out += to_string(static_cast<ConnectionState>(i));
  }
  out += ')';
}

void append_queue(std::string& out, const PoolStats& stats) {
  out += ", " + std::to_string(stats.waiting_total) + " of at most " +
         std::to_string(stats.max_waiting_requests) + " requests wait";
  if (stats.waiting_total == 0) return;
  out += ", the oldest for ";
  append_seconds(out, stats.oldest_waiting_age);
}

// ", running "refill" for 2 s" or ", "refill" ended 3 s ago, in a transaction".
// A statement of an earlier lease says nothing of this holder.
void append_statement(std::string& out, const ConnectionStats& holder) {
  if (!holder.statement_is_of_lease()) {
    out += ", no statement yet";
    return;
  }
  const auto& last = holder.statement;
  const std::string_view shown = last->name.empty() ? last->text : last->name;
  const std::string text = '"' + one_line(shown, kShownHere) + '"';
  if (last->running) {
    out += ", running " + text + " for ";
    return append_seconds(out, last->took);
  }
  out += ", " + text + " ended ";
  append_seconds(out, last->started_ago - last->took);
  out += " ago";
  if (holder.in_transaction > Duration::zero()) out += ", in a transaction";
}

void append_holder(std::string& out, const ConnectionStats& holder) {
  if (!holder.tag.empty()) out += '"' + one_line(holder.tag) + "\" at ";
  std::string_view file = holder.file;
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
  out += file;
  out += ':' + std::to_string(holder.line) + " for ";
  append_seconds(out, holder.in_state);
  out += ", backend " + std::to_string(holder.backend_pid);
  append_statement(out, holder);
}

void append_holders(std::string& out,
                    const std::vector<ConnectionStats>& holders) {
  std::string_view separator = "; held longest: ";
  for (const ConnectionStats& holder : holders) {
    out += separator;
    append_holder(out, holder);
    separator = "; ";
  }
}

void append_last_failure(std::string& out, const LastFailure& failure) {
  if (!failure.seen) return;
  out += "; last opening error " + std::to_string(failure.ago.count()) +
         " s ago (";
  out += to_string(failure.reason);
  out += ')';
  if (!failure.message.empty()) out += ": " + one_line(failure.message);
}

std::string prefix(std::string_view pool_name) {
  return "pool \"" + one_line(pool_name) + "\": ";
}

}  // namespace

Error acquire_error(AcquireFailure failure, const AcquireFacts& facts) {
  const Words words = words_for(failure);
  Error error;
  error.kind = failure == AcquireFailure::kCancelled ? ErrorKind::kCancelled
                                                     : ErrorKind::kAcquire;
  error.acquire_failure = failure;
  std::string& text = error.message;
  text = prefix(facts.stats.name);
  text += words.what;
  text += " (";
  text += to_string(failure);
  text += ')';
  if (words.advice.empty()) return error;
  text += ": ";
  append_connections(text, facts.stats);
  append_queue(text, facts.stats);
  append_holders(text, facts.holders);
  append_last_failure(text, facts.stats.last_failure);
  text += "; ";
  text += words.advice;
  return error;
}

Error forked_error(std::string_view pool_name) {
  Error error;
  error.kind = ErrorKind::kForked;
  error.message = prefix(pool_name) +
                  "used in a child process after fork(); the connections "
                  "belong to the parent: make a new pool in the child";
  return error;
}

std::string one_line(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return result;
}

}  // namespace dbpool::detail
