// Rows: a typed view of one result; Params: typed values for a statement.
//
// Thread-safety: none; a value belongs to one thread at a time. Rows owns
// the result's memory and may outlive its connection and its pool.
#ifndef DBPOOL_RESULT_H_
#define DBPOOL_RESULT_H_

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "dbpool/error.h"

extern "C" {
struct pg_result;
}

namespace dbpool {

using Bytes = std::span<const std::byte>;

template <typename T, typename Other>
concept OtherThan = !std::same_as<std::remove_cvref_t<T>, Other>;

// One parameter, encoded.
//
// Integers of every type, bool, double, float and text are sent as text
// without a type: the server infers it from where the parameter stands, so
// that one C++ type serves columns of every type that can hold the value
// (`WHERE int2_column = $1`, `SELECT $1::int`). Where there is nothing to
// infer from, the server takes text: write `$1::float8`. Floating-point
// numbers have the fewest digits that give the same number back. Bytes are
// sent in binary as bytea.
struct Param {
  std::uint32_t type_oid = 0;  // 0: the server infers
  bool is_null = false;
  bool is_binary = false;
  std::string value;  // encoded, owned
};

// The parameters of one statement, in order ($1 is the first).
//   Params{7, "text", nullptr, true, 2.5}
// nullptr, std::nullopt and an empty optional are NULL. execute() refuses
// (kUsage, nothing is sent): more than 65535, text with a zero byte, and more
// than the server takes in one message (about 1 GiB).
class Params {
 public:
  Params() = default;
  // Implicit, so that a call reads execute(sql, {7, "text"}).
  template <OtherThan<Params> First, typename... Rest>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Params(First&& first, Rest&&... rest) {
    values_.reserve(1 + sizeof...(rest));
    add(std::forward<First>(first));
    (add(std::forward<Rest>(rest)), ...);
  }

  void add(std::nullptr_t);
  void add(std::nullopt_t) { add(nullptr); }
  template <std::same_as<bool> T>  // no pointer is taken for a bool
  void add(T value) {
    add_bool(value);
  }
  template <std::integral T>
  requires OtherThan<T, bool>
  void add(T value) {
    if constexpr (std::is_signed_v<T>) {
      add_signed(static_cast<std::int64_t>(value));
    } else {
      add_unsigned(static_cast<std::uint64_t>(value));
    }
  }
  void add(double value);
  void add(float value);
  void add(std::string_view value);
  void add(const char* value) { add(std::string_view(value)); }
  void add(const std::string& value) { add(std::string_view{value}); }
  void add(Bytes value);
  template <typename T>
  void add(const std::optional<T>& value) {
    if (value) {
      add(*value);
    } else {
      add(nullptr);
    }
  }

  std::span<const Param> values() const noexcept { return values_; }
  std::size_t size() const noexcept { return values_.size(); }

 private:
  void add_text(std::string_view value);
  void add_bool(bool value);
  void add_signed(std::int64_t value);
  void add_unsigned(std::uint64_t value);

  std::vector<Param> values_;
};

// The rows of one successful statement (none for a command). get<T>() tells of
// indexes that are not there by an error; elsewhere an assertion does.
class Rows {
 public:
  Rows() noexcept = default;
  // Takes ownership of `result` (PQclear at the end).
  explicit Rows(pg_result* result) noexcept;

  std::size_t size() const noexcept;     // rows
  std::size_t columns() const noexcept;  // columns
  bool empty() const noexcept { return size() == 0; }
  // Rows affected by INSERT, UPDATE, DELETE, MERGE …; 0 for others.
  std::uint64_t affected() const noexcept;
  // The command tag, e.g. "INSERT 0 1".
  std::string_view command() const noexcept;

  std::string_view name(std::size_t column) const noexcept;
  std::optional<std::size_t> column(std::string_view name) const noexcept;
  std::uint32_t type_oid(std::size_t column) const noexcept;
  bool is_binary(std::size_t column) const noexcept;
  bool is_null(std::size_t row, std::size_t column) const noexcept;
  // The value's bytes as the server sent them; empty for NULL.
  std::string_view raw(std::size_t row, std::size_t column) const noexcept;

  // The value as T: bool, an integral type, float, double, std::string,
  // std::string_view (into this Rows), std::vector<std::byte> (bytea), or
  // std::optional of these for values that may be NULL. An error of kind
  // kUsage names the column and its type (never the value) when it does not
  // fit: NULL without optional, out of range, not a number. In a text result
  // every value reads as text, and a numeric as a number. A binary result
  // reads bool, int2/4/8, oid, float4/8, text-like types and bytea; ask for
  // text to read others.
  template <typename T>
  Expected<T> get(std::size_t row, std::size_t column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

namespace detail {

Expected<bool> decode_bool(const Rows&, std::size_t row, std::size_t column);
Expected<std::int64_t> decode_int(const Rows&, std::size_t row,
                                  std::size_t column);
Expected<std::uint64_t> decode_uint(const Rows&, std::size_t row,
                                    std::size_t column);
Expected<double> decode_double(const Rows&, std::size_t row,
                               std::size_t column);
Expected<std::string_view> decode_text(const Rows&, std::size_t row,
                                       std::size_t column);
Expected<std::vector<std::byte>> decode_bytes(const Rows&, std::size_t row,
                                              std::size_t column);
Error out_of_range(const Rows&, std::size_t row, std::size_t column,
                   std::string_view type);

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename T, typename Wide>
Expected<T> narrow(const Rows& rows, std::size_t row, std::size_t column,
                   Expected<Wide> wide) {
  if (!wide) return tl::unexpected(std::move(wide.error()));
  if (!std::in_range<T>(*wide)) {
    return tl::unexpected(
        out_of_range(rows, row, column, "an integer of that width"));
  }
  return static_cast<T>(*wide);
}

template <typename T>
Expected<T> narrow_double(const Rows& rows, std::size_t row, std::size_t column,
                          Expected<double> wide) {
  static_assert(!std::same_as<T, long double>,
                "Rows::get: no conversion to long double");
  if (!wide) return tl::unexpected(std::move(wide.error()));
  if (std::isfinite(*wide) &&
      std::fabs(*wide) > std::numeric_limits<T>::max()) {
    return tl::unexpected(out_of_range(rows, row, column, "a float"));
  }
  return static_cast<T>(*wide);
}

}  // namespace detail

template <typename T>
Expected<T> Rows::get(std::size_t row, std::size_t column) const {
  if constexpr (detail::IsOptional<T>::value) {
    if (is_null(row, column)) return T();
    auto value = get<typename T::value_type>(row, column);
    if (!value) return tl::unexpected(std::move(value.error()));
    return T(std::move(*value));
  } else if constexpr (std::same_as<T, bool>) {
    return detail::decode_bool(*this, row, column);
  } else if constexpr (std::signed_integral<T>) {
    return detail::narrow<T>(*this, row, column,
                             detail::decode_int(*this, row, column));
  } else if constexpr (std::unsigned_integral<T>) {
    return detail::narrow<T>(*this, row, column,
                             detail::decode_uint(*this, row, column));
  } else if constexpr (std::floating_point<T>) {
    return detail::narrow_double<T>(*this, row, column,
                                    detail::decode_double(*this, row, column));
  } else if constexpr (std::same_as<T, std::string_view>) {
    return detail::decode_text(*this, row, column);
  } else if constexpr (std::same_as<T, std::string>) {
    return detail::decode_text(*this, row, column)
        .map([](std::string_view value) { return std::string(value); });
  } else {
    static_assert(std::same_as<T, std::vector<std::byte>>,
                  "Rows::get: no conversion to this type");
    return detail::decode_bytes(*this, row, column);
  }
}

}  // namespace dbpool

#endif  // DBPOOL_RESULT_H_
