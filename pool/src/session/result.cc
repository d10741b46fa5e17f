#include "dbpool/result.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cassert>
#include <charconv>

#include "pool/src/session/pg_result.h"

namespace dbpool {

void Rows::Clear::operator()(pg_result* result) const noexcept {
  if (detail::is_large(result)) --detail::held_large_results;
  PQclear(result);
}

Rows::Rows(pg_result* result) noexcept : result_(result) {
  if (detail::is_large(result)) ++detail::held_large_results;
}

// libpq takes a null result for an empty one.
std::size_t Rows::size() const noexcept {
  return static_cast<std::size_t>(PQntuples(result_.get()));
}

std::size_t Rows::columns() const noexcept {
  return static_cast<std::size_t>(PQnfields(result_.get()));
}

std::uint64_t Rows::affected() const noexcept {
  // These count the rows that were read.
  static constexpr std::string_view kReading[] = {"SELECT", "FETCH", "MOVE"};
  const std::string_view tag = command();
  if (std::any_of(
          std::begin(kReading), std::end(kReading),
          [tag](std::string_view word) { return tag.starts_with(word); })) {
    return 0;
  }
  std::uint64_t count = 0;
  const auto last_word = tag.substr(tag.rfind(' ') + 1);
  std::from_chars(last_word.data(), last_word.data() + last_word.size(), count);
  return count;
}

std::string_view Rows::command() const noexcept {
  return result_ ? PQcmdStatus(result_.get()) : "";
}

std::string_view Rows::name(std::size_t column) const noexcept {
  assert(column < columns());
  return PQfname(result_.get(), static_cast<int>(column));
}

std::optional<std::size_t> Rows::column(std::string_view name) const noexcept {
  const std::size_t count = columns();
  for (std::size_t column = 0; column < count; ++column) {
    if (this->name(column) == name) return column;
  }
  return std::nullopt;
}

std::uint32_t Rows::type_oid(std::size_t column) const noexcept {
  assert(column < columns());
  return PQftype(result_.get(), static_cast<int>(column));
}

bool Rows::is_binary(std::size_t column) const noexcept {
  assert(column < columns());
  return PQfformat(result_.get(), static_cast<int>(column)) == 1;
}

bool Rows::is_null(std::size_t row, std::size_t column) const noexcept {
  // get() tells of what is not there: a server may answer what it likes.
  if (row >= size() || column >= columns()) return false;
  return PQgetisnull(result_.get(), static_cast<int>(row),
                     static_cast<int>(column)) != 0;
}

std::string_view Rows::raw(std::size_t row, std::size_t column) const noexcept {
  assert(row < size() && column < columns());
  const int at_row = static_cast<int>(row);
  const int at_column = static_cast<int>(column);
  return {
      PQgetvalue(result_.get(), at_row, at_column),
      static_cast<std::size_t>(PQgetlength(result_.get(), at_row, at_column))};
}

}  // namespace dbpool
