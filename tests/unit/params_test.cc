#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "dbpool/result.h"

namespace dbpool {
namespace {

std::string encoded(const Params& params) {
  EXPECT_EQ(params.size(), 1U);
  EXPECT_FALSE(params.values().front().is_null);
  return params.values().front().value;
}

template <typename T>
concept Accepted = requires(Params params, T value) {
  params.add(value);
};

bool is_null(const Params& params) { return params.values().front().is_null; }

TEST(Params, IntegersOfEveryTypeAreDecimalTextWithoutAType) {
  const Params params{static_cast<signed char>(-1),
                      static_cast<unsigned char>(200),
                      static_cast<short>(-300),
                      static_cast<unsigned short>(60000),
                      -70000,
                      4'000'000'000U,
                      -5L,
                      6UL,
                      -7LL,
                      8ULL};
  const std::array<std::string, 10> expected = {
      "-1",         "200", "-300", "60000", "-70000",
      "4000000000", "-5",  "6",    "-7",    "8"};
  ASSERT_EQ(params.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(params.values()[i].value, expected[i]);
    EXPECT_EQ(params.values()[i].type_oid, 0U);
    EXPECT_FALSE(params.values()[i].is_binary);
  }
}

TEST(Params, TheWidestIntegersAreExact) {
  EXPECT_EQ(encoded({std::numeric_limits<std::int64_t>::min()}),
            "-9223372036854775808");
  EXPECT_EQ(encoded({std::numeric_limits<std::uint64_t>::max()}),
            "18446744073709551615");
}

TEST(Params, BoolIsAWordAndNoPointerIsOne) {
  EXPECT_EQ(encoded({true}), "true");
  EXPECT_EQ(encoded({false}), "false");
  static_assert(Accepted<bool>);
  static_assert(!Accepted<const int*>);
}

TEST(Params, FloatsHaveTheFewestDigitsThatGiveThemBack) {
  EXPECT_EQ(encoded({0.1}), "0.1");
  EXPECT_EQ(encoded({0.1F}), "0.1");
  EXPECT_EQ(encoded({-2.5}), "-2.5");
  EXPECT_EQ(std::stod(encoded({1.0 / 3.0})), 1.0 / 3.0);
  EXPECT_EQ(std::stod(encoded({std::numeric_limits<double>::max()})),
            std::numeric_limits<double>::max());
}

TEST(Params, FloatsThatAreNoNumbersHaveTheServersNames) {
  EXPECT_EQ(encoded({std::nan("")}), "NaN");
  EXPECT_EQ(encoded({std::numeric_limits<double>::infinity()}), "Infinity");
  EXPECT_EQ(encoded({-std::numeric_limits<float>::infinity()}), "-Infinity");
}

TEST(Params, TextOfEveryTypeIsCopied) {
  std::string text = "abc";
  const Params params{text, std::string_view("de"), "f", ""};
  text = "changed";
  EXPECT_EQ(params.values()[0].value, "abc");
  EXPECT_EQ(params.values()[1].value, "de");
  EXPECT_EQ(params.values()[2].value, "f");
  EXPECT_EQ(params.values()[3].value, "");
  EXPECT_FALSE(params.values()[3].is_null);
}

TEST(Params, BytesAreBinaryBytea) {
  const std::vector<std::byte> bytes = {std::byte{0}, std::byte{255}};
  const Params params{bytes};
  EXPECT_EQ(params.values()[0].value, std::string("\0\xFF", 2));
  EXPECT_TRUE(params.values()[0].is_binary);
  EXPECT_EQ(params.values()[0].type_oid, 17U);
}

TEST(Params, NullComesInFourWays) {
  EXPECT_TRUE(is_null({nullptr}));
  EXPECT_TRUE(is_null({std::nullopt}));
  EXPECT_TRUE(is_null({std::optional<int>()}));
  EXPECT_TRUE(is_null({std::optional<std::string>()}));
  EXPECT_EQ(encoded({std::optional<int>(7)}), "7");
}

TEST(Params, CopiesAndMovesAreNotParametersThemselves) {
  Params params{1, 2};
  Params copy(params);
  EXPECT_EQ(copy.size(), 2U);
  const Params moved(std::move(copy));
  EXPECT_EQ(moved.size(), 2U);
}

}  // namespace
}  // namespace dbpool
