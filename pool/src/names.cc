// The names of the library's enumerators: the label values of the metrics.
#include <array>
#include <cassert>
#include <cstddef>

#include "dbpool/connection.h"
#include "dbpool/error.h"
#include "dbpool/stats.h"

namespace dbpool {
namespace {

// The name at an enumerator's place; a value outside its type is a bug.
template <typename Enum, std::size_t kCount>
std::string_view name_of(const std::array<std::string_view, kCount>& names,
                         Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  assert(index < kCount);
  return index < kCount ? names[index] : std::string_view("unknown");
}

constexpr std::array<std::string_view, kAcquireFailureCount> kAcquireFailures =
    {"timeout_capacity", "timeout_opening", "timeout_backend_down",
     "queue_full",       "backend_down",    "server_slots",
     "cancelled",        "closed"};

constexpr std::array<std::string_view, kConnectFailureCount> kConnectFailures =
    {"resolve",     "refused", "timeout", "tls", "auth", "too_many_connections",
     "starting_up", "other"};

constexpr std::array<std::string_view, kStatementFailureCount>
    kStatementFailures = {"timeout", "connection_lost", "server_error"};

constexpr std::array<std::string_view, 3> kOutcomes = {"not_sent", "failed",
                                                       "in_doubt"};

constexpr std::array<std::string_view, 7> kErrorKinds = {
    "usage",     "acquire",          "connect", "statement",
    "cancelled", "result_too_large", "forked"};

constexpr std::array<std::string_view, kConnectionStateCount>
    kConnectionStates = {"opening", "checking", "idle", "active", "closing"};

constexpr std::array<std::string_view, kWaitReasonCount> kWaitReasons = {
    "capacity", "opening", "backend_down", "server_slots"};

constexpr std::array<std::string_view, kCloseReasonCount> kCloseReasons = {
    "idle_timeout", "max_uses", "max_lifetime", "broken", "check_failed",
    "dirty",        "resize",   "drain",        "reload"};

constexpr std::array<std::string_view, kConnectPhaseCount> kConnectPhases = {
    "resolve", "tcp", "tls", "auth"};

constexpr std::array<std::string_view, 5> kTransactionStatuses = {
    "idle", "active", "in_transaction", "in_error", "unknown"};

}  // namespace

std::string_view to_string(AcquireFailure failure) noexcept {
  return name_of(kAcquireFailures, failure);
}

std::string_view to_string(ConnectFailure failure) noexcept {
  return name_of(kConnectFailures, failure);
}

std::string_view to_string(StatementFailure failure) noexcept {
  return name_of(kStatementFailures, failure);
}

std::string_view to_string(Outcome outcome) noexcept {
  return name_of(kOutcomes, outcome);
}

std::string_view to_string(ErrorKind kind) noexcept {
  return name_of(kErrorKinds, kind);
}

std::string_view to_string(ConnectionState state) noexcept {
  return name_of(kConnectionStates, state);
}

std::string_view to_string(WaitReason reason) noexcept {
  return name_of(kWaitReasons, reason);
}

std::string_view to_string(CloseReason reason) noexcept {
  return name_of(kCloseReasons, reason);
}

std::string_view to_string(ConnectPhase phase) noexcept {
  return name_of(kConnectPhases, phase);
}

std::string_view to_string(TransactionStatus status) noexcept {
  return name_of(kTransactionStatuses, status);
}

}  // namespace dbpool
