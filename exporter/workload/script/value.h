// Value: what a variable or an expression of a script is, as pgbench has it.
//
// Thread-safety: plain values.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_VALUE_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

namespace dbpool::exporter::script {

// The error is one line for people, without the place it happened at.
template <typename T>
using Result = tl::expected<T, std::string>;

using Null = std::monostate;
using Value = std::variant<Null, bool, std::int64_t, double>;

// What an error shows of a script's text: its beginning, without control
// characters.
std::string shown(std::string_view text, std::size_t most = 40);

// As it is written into SQL: NULL, true, 17, 0.25 (15 digits).
std::string text_of(const Value& value);

// From text that did not come of an expression (a column of \gset): NULL,
// words for true and false, numbers.
Result<Value> value_of(std::string_view text);

// A double is rounded to the nearest integer; no other type turns into one.
Result<std::int64_t> to_int(const Value& value);
Result<double> to_double(const Value& value);
Result<bool> to_bool(const Value& value);

// Whether \if and WHEN take it for true: a number is unless it is 0.
bool is_true(const Value& value) noexcept;

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_VALUE_H_
