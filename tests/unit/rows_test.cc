#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "dbpool/result.h"

namespace dbpool {
namespace {

constexpr unsigned kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23,
                   kText = 25, kOid = 26, kFloat4 = 700, kFloat8 = 701,
                   kNumeric = 1700, kTimestamp = 1114;

// One row of one column "c"; nullopt is NULL.
Rows one(unsigned oid, std::optional<std::string> value, bool binary = false) {
  PGresult* const result = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
  char name[] = "c";
  PGresAttDesc column = {};
  column.name = name;
  column.typid = oid;
  column.format = binary ? 1 : 0;
  PQsetResultAttrs(result, 1, &column);
  PQsetvalue(result, 0, 0, value ? value->data() : nullptr,
             value ? static_cast<int>(value->size()) : -1);
  return Rows(result);
}

std::string bytes(std::initializer_list<unsigned> values) {
  std::string text;
  for (unsigned value : values) text.push_back(static_cast<char>(value));
  return text;
}

template <typename T>
T value_of(const Rows& rows) {
  const auto value = rows.get<T>(0, 0);
  if (value) return *value;
  ADD_FAILURE() << value.error().message;
  return T();
}

template <typename T>
std::string error_of(const Rows& rows) {
  const auto value = rows.get<T>(0, 0);
  if (value) {
    ADD_FAILURE() << "there is a value";
    return "";
  }
  EXPECT_EQ(value.error().kind, ErrorKind::kUsage);
  return value.error().message;
}

TEST(Rows, AnEmptyOneHasNothing) {
  const Rows rows;
  EXPECT_TRUE(rows.empty());
  EXPECT_EQ(rows.columns(), 0U);
  EXPECT_EQ(rows.affected(), 0U);
  EXPECT_EQ(rows.command(), "");
  EXPECT_FALSE(rows.column("c"));
}

TEST(Rows, TellsItsColumns) {
  const Rows rows = one(kInt4, "5");
  EXPECT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows.columns(), 1U);
  EXPECT_EQ(rows.name(0), "c");
  EXPECT_EQ(rows.column("c"), 0U);
  EXPECT_FALSE(rows.column("d"));
  EXPECT_EQ(rows.type_oid(0), kInt4);
  EXPECT_FALSE(rows.is_binary(0));
  EXPECT_EQ(rows.raw(0, 0), "5");
}

TEST(Rows, ReadsBoolFromTextAndBinary) {
  EXPECT_TRUE(value_of<bool>(one(kBool, "t")));
  EXPECT_FALSE(value_of<bool>(one(kBool, "f")));
  EXPECT_TRUE(value_of<bool>(one(kBool, bytes({1}), true)));
  EXPECT_FALSE(value_of<bool>(one(kBool, bytes({0}), true)));
  EXPECT_NE(error_of<bool>(one(kInt4, "1")).find("not a bool"),
            std::string::npos);
}

TEST(Rows, ReadsIntegersFromText) {
  EXPECT_EQ(value_of<int>(one(kInt4, "-42")), -42);
  EXPECT_EQ(value_of<std::int64_t>(one(kInt8, "-9223372036854775808")),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value_of<std::uint64_t>(one(kNumeric, "18446744073709551615")),
            std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(value_of<std::uint8_t>(one(kInt2, "255")), 255);
}

TEST(Rows, ReadsIntegersFromBinary) {
  EXPECT_EQ(value_of<int>(one(kInt2, bytes({0xFF, 0xFE}), true)), -2);
  EXPECT_EQ(value_of<int>(one(kInt4, bytes({0, 0, 1, 2}), true)), 258);
  EXPECT_EQ(value_of<std::int64_t>(
                one(kInt8, bytes({0x80, 0, 0, 0, 0, 0, 0, 0}), true)),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(
      value_of<std::uint32_t>(one(kOid, bytes({0xFF, 0xFF, 0xFF, 0xFF}), true)),
      0xFFFFFFFFU);
}

TEST(Rows, AnIntegerThatDoesNotFitIsAnError) {
  EXPECT_NE(error_of<std::int8_t>(one(kInt4, "128")).find("out of the range"),
            std::string::npos);
  EXPECT_NE(error_of<unsigned>(one(kInt4, "-1")).find("out of the range"),
            std::string::npos);
  EXPECT_NE(error_of<unsigned>(one(kInt2, bytes({0xFF, 0xFF}), true))
                .find("out of the range"),
            std::string::npos);
  EXPECT_NE(error_of<std::int64_t>(one(kNumeric, "9223372036854775808"))
                .find("out of the range"),
            std::string::npos);
  EXPECT_NE(error_of<int>(one(kNumeric, "1.5")).find("not an integer"),
            std::string::npos);
  EXPECT_NE(error_of<int>(one(kText, "")).find("not an integer"),
            std::string::npos);
}

TEST(Rows, ReadsFloatingPointNumbersFromText) {
  EXPECT_EQ(value_of<double>(one(kFloat8, "0.1")), 0.1);
  EXPECT_EQ(value_of<double>(one(kNumeric, "12345678.25")), 12345678.25);
  EXPECT_EQ(value_of<float>(one(kFloat4, "1e-20")), 1e-20F);
  EXPECT_TRUE(std::isnan(value_of<double>(one(kFloat8, "NaN"))));
  EXPECT_EQ(value_of<double>(one(kFloat8, "-Infinity")),
            -std::numeric_limits<double>::infinity());
  EXPECT_EQ(value_of<float>(one(kFloat4, "Infinity")),
            std::numeric_limits<float>::infinity());
}

TEST(Rows, ReadsFloatingPointNumbersFromBinary) {
  EXPECT_EQ(
      value_of<double>(one(kFloat8, bytes({0xC0, 4, 0, 0, 0, 0, 0, 0}), true)),
      -2.5);
  EXPECT_EQ(value_of<float>(one(kFloat4, bytes({0x3F, 0x80, 0, 0}), true)),
            1.0F);
  EXPECT_EQ(value_of<double>(one(kInt4, bytes({0, 0, 0, 7}), true)), 7.0);
}

TEST(Rows, ANumberThatDoesNotFitAFloatIsAnError) {
  EXPECT_NE(error_of<float>(one(kFloat8, "1e300")).find("out of the range"),
            std::string::npos);
  EXPECT_NE(error_of<double>(one(kNumeric, "1e999")).find("out of the range"),
            std::string::npos);
  EXPECT_NE(error_of<double>(one(kText, "x")).find("not a number"),
            std::string::npos);
}

TEST(Rows, ABinaryNumericSaysToAskForText) {
  EXPECT_NE(error_of<double>(one(kNumeric, bytes({0, 1, 0, 0}), true))
                .find("ask for ResultFormat::kText"),
            std::string::npos);
}

TEST(Rows, ReadsText) {
  const Rows rows = one(kText, "héllo");
  EXPECT_EQ(value_of<std::string>(rows), "héllo");
  EXPECT_EQ(value_of<std::string_view>(rows), "héllo");
  EXPECT_EQ(value_of<std::string>(one(kText, "x", true)), "x");
  EXPECT_EQ(value_of<std::string>(one(kTimestamp, "2024-01-01 00:00:00")),
            "2024-01-01 00:00:00");
  EXPECT_NE(error_of<std::string>(one(kTimestamp, "12345678", true))
                .find("type 1114"),
            std::string::npos);
}

TEST(Rows, ReadsBytesInAllThreeForms) {
  const std::vector<std::byte> expected = {std::byte{0}, std::byte{'a'},
                                           std::byte{0xFF}, std::byte{'\\'}};
  using Vector = std::vector<std::byte>;
  EXPECT_EQ(value_of<Vector>(one(kBytea, "\\x0061ff5C")), expected);
  EXPECT_EQ(value_of<Vector>(one(kBytea, "\\000a\\377\\\\")), expected);
  EXPECT_EQ(value_of<Vector>(one(kBytea, bytes({0, 'a', 255, '\\'}), true)),
            expected);
  EXPECT_TRUE(value_of<Vector>(one(kBytea, "\\x")).empty());
}

TEST(Rows, BytesThatAreDamagedAreAnError) {
  using Vector = std::vector<std::byte>;
  for (const char* damaged : {"\\x0", "\\xzz", "\\40", "\\999", "\\"}) {
    EXPECT_NE(error_of<Vector>(one(kBytea, damaged)).find("not a bytea"),
              std::string::npos)
        << damaged;
  }
  EXPECT_NE(error_of<Vector>(one(kText, "abc")).find("not a bytea"),
            std::string::npos);
}

TEST(Rows, NullNeedsAnOptional) {
  const Rows rows = one(kInt4, std::nullopt);
  EXPECT_TRUE(rows.is_null(0, 0));
  EXPECT_EQ(rows.raw(0, 0), "");
  EXPECT_EQ(value_of<std::optional<int>>(rows), std::nullopt);
  EXPECT_EQ(value_of<std::optional<int>>(one(kInt4, "3")), 3);
  EXPECT_EQ(error_of<int>(rows),
            "row 0, column 0 (\"c\", int4) is NULL; read it as a "
            "std::optional");
  EXPECT_NE(error_of<unsigned>(rows).find("is NULL"), std::string::npos);
  EXPECT_NE(error_of<bool>(rows).find("is NULL"), std::string::npos);
  EXPECT_NE(error_of<double>(rows).find("is NULL"), std::string::npos);
  EXPECT_NE(error_of<std::string>(rows).find("is NULL"), std::string::npos);
  EXPECT_NE(error_of<std::vector<std::byte>>(rows).find("is NULL"),
            std::string::npos);
}

TEST(Rows, WhatIsNotThereIsAnError) {
  const Rows rows = one(kInt4, "3");
  EXPECT_EQ(rows.get<int>(1, 0).error().message,
            "row 1, column 0: the result has 1 rows of 1 columns");
  EXPECT_FALSE(rows.get<bool>(0, 1));
  EXPECT_FALSE(rows.get<double>(0, 1));
  EXPECT_FALSE(rows.get<unsigned>(0, 1));
  EXPECT_FALSE(rows.get<std::string>(7, 7));
  EXPECT_FALSE(rows.get<std::vector<std::byte>>(0, 1));
  EXPECT_FALSE(rows.get<std::optional<int>>(0, 1));
  EXPECT_FALSE(Rows().get<int>(0, 0));
}

TEST(Rows, AnErrorNeverHoldsTheValue) {
  const auto message = error_of<int>(one(kText, "planted-secret"));
  EXPECT_EQ(message.find("planted-secret"), std::string::npos);
  EXPECT_EQ(message, "row 0, column 0 (\"c\", text) is not an integer");
}

}  // namespace
}  // namespace dbpool
