// Values of a result as C++ values, from text and from binary.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <system_error>

#include "dbpool/result.h"
#include "pool/src/base/text.h"
#include "pool/src/session/type_oids.h"

namespace dbpool::detail {
namespace {

constexpr std::size_t kMaxNameBytes = 63;  // the server's own bound

struct TypeName {
  std::uint32_t oid;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {
    {kBoolOid, "bool"},       {kByteaOid, "bytea"},     {kCharOid, "\"char\""},
    {kNameOid, "name"},       {kInt8Oid, "int8"},       {kInt2Oid, "int2"},
    {kInt4Oid, "int4"},       {kTextOid, "text"},       {kOidOid, "oid"},
    {kJsonOid, "json"},       {kXmlOid, "xml"},         {kFloat4Oid, "float4"},
    {kFloat8Oid, "float8"},   {kUnknownOid, "unknown"}, {kBpcharOid, "bpchar"},
    {kVarcharOid, "varchar"}, {kNumericOid, "numeric"},
};

std::string type_name(std::uint32_t oid) {
  for (const TypeName& type : kTypeNames) {
    if (type.oid == oid) return std::string(type.name);
  }
  return "type " + std::to_string(oid);
}

Error misfit(const Rows& rows, std::size_t row, std::size_t column,
             std::string_view problem) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message =
      "row " + std::to_string(row) + ", column " + std::to_string(column) +
      " (\"" + one_line(rows.name(column), kMaxNameBytes) + "\", " +
      type_name(rows.type_oid(column)) + ") " + std::string(problem);
  return error;
}

Unexpected no_binary(const Rows& rows, std::size_t row, std::size_t column,
                     std::string_view wanted) {
  return tl::unexpected(misfit(rows, row, column,
                               "cannot be read from a binary result as " +
                                   std::string(wanted) +
                                   "; ask for ResultFormat::kText"));
}

bool is_there(const Rows& rows, std::size_t row, std::size_t column) {
  return row < rows.size() && column < rows.columns();
}

bool has_value(const Rows& rows, std::size_t row, std::size_t column) {
  return is_there(rows, row, column) && !rows.is_null(row, column);
}

Unexpected no_value(const Rows& rows, std::size_t row, std::size_t column) {
  if (is_there(rows, row, column)) {
    return tl::unexpected(
        misfit(rows, row, column, "is NULL; read it as a std::optional"));
  }
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = "row " + std::to_string(row) + ", column " +
                  std::to_string(column) + ": the result has " +
                  std::to_string(rows.size()) + " rows of " +
                  std::to_string(rows.columns()) + " columns";
  return tl::unexpected(std::move(error));
}

// The first sizeof(Number) bytes, most significant first.
template <typename Number>
Number from_network(std::string_view bytes) {
  using Bits = std::conditional_t<
      sizeof(Number) == 8, std::uint64_t,
      std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint16_t>>;
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i) {
    bits = static_cast<Bits>(bits << 8 | static_cast<unsigned char>(bytes[i]));
  }
  return std::bit_cast<Number>(bits);
}

// A whole number of a binary result, or nullopt.
std::optional<std::int64_t> binary_integer(std::uint32_t oid,
                                           std::string_view bytes) {
  if (oid == kInt2Oid && bytes.size() == 2) {
    return from_network<std::int16_t>(bytes);
  }
  if (oid == kInt4Oid && bytes.size() == 4) {
    return from_network<std::int32_t>(bytes);
  }
  if (oid == kOidOid && bytes.size() == 4) {
    return from_network<std::uint32_t>(bytes);
  }
  if (oid == kInt8Oid && bytes.size() == 8) {
    return from_network<std::int64_t>(bytes);
  }
  return std::nullopt;
}

std::optional<double> binary_double(std::uint32_t oid, std::string_view bytes) {
  if (oid == kFloat4Oid && bytes.size() == 4) {
    return from_network<float>(bytes);
  }
  if (oid == kFloat8Oid && bytes.size() == 8) {
    return from_network<double>(bytes);
  }
  const auto integer = binary_integer(oid, bytes);
  if (integer) return static_cast<double>(*integer);
  return std::nullopt;
}

template <typename Number>
Expected<Number> parse(const Rows& rows, std::size_t row, std::size_t column,
                       std::string_view kind) {
  const std::string_view text = rows.raw(row, column);
  const char* const end = text.data() + text.size();
  Number number{};
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) {
    return tl::unexpected(out_of_range(rows, row, column, kind));
  }
  if (error != std::errc() || stop != end) {
    return tl::unexpected(
        misfit(rows, row, column, "is not " + std::string(kind)));
  }
  return number;
}

bool is_text_like(std::uint32_t oid) {
  static constexpr std::array kTextLike = {kCharOid,   kNameOid,   kTextOid,
                                           kJsonOid,   kXmlOid,    kUnknownOid,
                                           kBpcharOid, kVarcharOid};
  return std::find(kTextLike.begin(), kTextLike.end(), oid) != kTextLike.end();
}

std::optional<unsigned> digit(char character, unsigned base) {
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(&character, &character + 1, value,
                                             static_cast<int>(base));
  if (error != std::errc() || stop != &character + 1) return std::nullopt;
  return value;
}

// `count` digits at the start of `text` as one byte.
std::optional<std::byte> digits(std::string_view text, std::size_t count,
                                unsigned base) {
  if (text.size() < count) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto next = digit(text[i], base);
    if (!next) return std::nullopt;
    value = value * base + *next;
  }
  if (value > 0xFF) return std::nullopt;
  return static_cast<std::byte>(value);
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto byte = digits(text.substr(i), 2, 16);
    if (!byte) return std::nullopt;
    bytes.push_back(*byte);
  }
  return bytes;
}

// The older form (bytea_output = escape): \\ and \ooo.
std::optional<std::vector<std::byte>> from_escapes(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    if (text.front() != '\\') {
      bytes.push_back(static_cast<std::byte>(text.front()));
      text.remove_prefix(1);
    } else if (text.starts_with("\\\\")) {
      bytes.push_back(std::byte{'\\'});
      text.remove_prefix(2);
    } else {
      const auto byte = digits(text.substr(1), 3, 8);
      if (!byte) return std::nullopt;
      bytes.push_back(*byte);
      text.remove_prefix(4);
    }
  }
  return bytes;
}

}  // namespace

Error out_of_range(const Rows& rows, std::size_t row, std::size_t column,
                   std::string_view type) {
  return misfit(rows, row, column,
                "is out of the range of " + std::string(type));
}

Expected<bool> decode_bool(const Rows& rows, std::size_t row,
                           std::size_t column) {
  if (!has_value(rows, row, column)) return no_value(rows, row, column);
  const std::string_view raw = rows.raw(row, column);
  if (rows.is_binary(column)) {
    if (rows.type_oid(column) != kBoolOid || raw.size() != 1) {
      return no_binary(rows, row, column, "a bool");
    }
    return raw.front() != 0;
  }
  if (raw == "t" || raw == "true") return true;
  if (raw == "f" || raw == "false") return false;
  return tl::unexpected(misfit(rows, row, column, "is not a bool"));
}

Expected<std::int64_t> decode_int(const Rows& rows, std::size_t row,
                                  std::size_t column) {
  if (!has_value(rows, row, column)) return no_value(rows, row, column);
  if (!rows.is_binary(column)) {
    return parse<std::int64_t>(rows, row, column, "an integer");
  }
  const auto value =
      binary_integer(rows.type_oid(column), rows.raw(row, column));
  if (!value) return no_binary(rows, row, column, "an integer");
  return *value;
}

Expected<std::uint64_t> decode_uint(const Rows& rows, std::size_t row,
                                    std::size_t column) {
  if (has_value(rows, row, column) && !rows.is_binary(column) &&
      !rows.raw(row, column).starts_with('-')) {
    return parse<std::uint64_t>(rows, row, column, "an integer");
  }
  return decode_int(rows, row, column)
      .and_then([&](std::int64_t value) -> Expected<std::uint64_t> {
        if (value >= 0) return static_cast<std::uint64_t>(value);
        return tl::unexpected(
            out_of_range(rows, row, column, "an unsigned integer"));
      });
}

Expected<double> decode_double(const Rows& rows, std::size_t row,
                               std::size_t column) {
  if (!has_value(rows, row, column)) return no_value(rows, row, column);
  if (!rows.is_binary(column)) {
    return parse<double>(rows, row, column, "a number");
  }
  const auto value =
      binary_double(rows.type_oid(column), rows.raw(row, column));
  if (!value) return no_binary(rows, row, column, "a number");
  return *value;
}

Expected<std::string_view> decode_text(const Rows& rows, std::size_t row,
                                       std::size_t column) {
  if (!has_value(rows, row, column)) return no_value(rows, row, column);
  if (rows.is_binary(column) && !is_text_like(rows.type_oid(column))) {
    return no_binary(rows, row, column, "text");
  }
  return rows.raw(row, column);
}

Expected<std::vector<std::byte>> decode_bytes(const Rows& rows, std::size_t row,
                                              std::size_t column) {
  if (!has_value(rows, row, column)) return no_value(rows, row, column);
  const std::string_view raw = rows.raw(row, column);
  if (rows.type_oid(column) != kByteaOid) {
    return tl::unexpected(misfit(rows, row, column, "is not a bytea"));
  }
  if (rows.is_binary(column)) {
    const auto* first = reinterpret_cast<const std::byte*>(raw.data());
    return std::vector<std::byte>(first, first + raw.size());
  }
  auto bytes =
      raw.starts_with("\\x") ? from_hex(raw.substr(2)) : from_escapes(raw);
  if (!bytes) {
    return tl::unexpected(misfit(rows, row, column, "is not a bytea"));
  }
  return std::move(*bytes);
}

}  // namespace dbpool::detail
