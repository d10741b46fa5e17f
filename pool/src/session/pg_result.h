// ResultPtr: an owned result of libpq.
#ifndef DBPOOL_POOL_SRC_SESSION_PG_RESULT_H_
#define DBPOOL_POOL_SRC_SESSION_PG_RESULT_H_

#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>

namespace dbpool::detail {

struct ClearResult {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ClearResult>;

// What is large is worth giving back to the system.
inline constexpr std::size_t kLargeBytes = std::size_t{64} << 20;

inline bool is_large(const PGresult* result) noexcept {
  return PQresultMemorySize(result) > kLargeBytes;
}

// How many large results callers hold at the moment, in the whole process.
inline std::atomic<std::size_t> held_large_results{0};

// The statement did what it should (an empty one, too).
inline bool is_success(const PGresult* result) noexcept {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
         status == PGRES_EMPTY_QUERY;
}

// A field of an error, e.g. PG_DIAG_SQLSTATE; empty if the server sent none.
inline std::string_view error_field(const PGresult* result, int code) noexcept {
  const char* const field = PQresultErrorField(result, code);
  return field == nullptr ? std::string_view() : std::string_view(field);
}

// Five digits and capitals.
inline bool is_sqlstate(std::string_view text) noexcept {
  return text.size() == 5 && std::ranges::all_of(text, [](char character) {
           return (character >= '0' && character <= '9') ||
                  (character >= 'A' && character <= 'Z');
         });
}

// Empty where the server sent none, or something else in its place.
inline std::string_view sqlstate_of(const PGresult* result) noexcept {
  const std::string_view code = error_field(result, PG_DIAG_SQLSTATE);
  return is_sqlstate(code) ? code : std::string_view();
}

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_PG_RESULT_H_
