#include <array>
#include <charconv>
#include <cmath>

#include "dbpool/result.h"
#include "pool/src/session/type_oids.h"

namespace dbpool {
namespace {

// Enough for every 64-bit integer and for the shortest form of every double.
using NumberBuffer = std::array<char, 32>;

template <typename Number>
std::string_view format(NumberBuffer& buffer, Number value) {
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

template <typename Float>
std::string_view format_float(NumberBuffer& buffer, Float value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return format(buffer, value);
}

}  // namespace

void Params::add(std::nullptr_t) {
  values_.push_back(
      {.type_oid = 0, .is_null = true, .is_binary = false, .value = {}});
}

void Params::add(double value) {
  NumberBuffer buffer;
  add_text(format_float(buffer, value));
}

void Params::add(float value) {
  NumberBuffer buffer;
  add_text(format_float(buffer, value));
}

void Params::add(std::string_view value) { add_text(value); }

void Params::add(Bytes value) {
  std::string copy(value.size(), '\0');
  for (std::size_t i = 0; i < value.size(); ++i) {
    copy[i] = static_cast<char>(value[i]);
  }
  values_.push_back({.type_oid = detail::kByteaOid,
                     .is_null = false,
                     .is_binary = true,
                     .value = std::move(copy)});
}

void Params::add_text(std::string_view value) {
  values_.push_back({.type_oid = 0,
                     .is_null = false,
                     .is_binary = false,
                     .value = std::string(value)});
}

void Params::add_bool(bool value) { add_text(value ? "true" : "false"); }

void Params::add_signed(std::int64_t value) {
  NumberBuffer buffer;
  add_text(format(buffer, value));
}

void Params::add_unsigned(std::uint64_t value) {
  NumberBuffer buffer;
  add_text(format(buffer, value));
}

}  // namespace dbpool
