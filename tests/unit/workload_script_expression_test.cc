// What expressions of scripts compute beside what pgbench does:
// tests/integration/pgbench_test.cc.

#include "exporter/workload/script/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

namespace dbpool::exporter::script {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Variables variables() {
  Variables made({.client_id = 3, .scale = 2});
  made.set("x", std::int64_t{7});
  made.set_text("text", "12");
  made.set_text("words", "no number");
  return made;
}

std::string computed(const std::string& text) {
  Random random(1);
  const auto parsed = parse_expression(text);
  if (!parsed) return "cannot be parsed: " + parsed.error();
  const auto value = evaluate(*parsed, variables(), random);
  return value ? text_of(*value) : "fails: " + value.error();
}

TEST(ScriptExpressionTest, OperatorsBindAsPgbenchsDo) {
  EXPECT_EQ(computed("1 + 2 * 3 - 4"), "3");
  EXPECT_EQ(computed("2 - 3 - 4"), "-5");
  EXPECT_EQ(computed("1 | 2 = 3 and not 1 > 2 or false"), "true");
  EXPECT_EQ(computed("~ 1 + 2"), "-4");
  EXPECT_EQ(computed("1 = 2 is null"), "false");
  EXPECT_EQ(computed("- - 5"), "5");
}

TEST(ScriptExpressionTest, VariablesHaveTheTypeOfTheirText) {
  EXPECT_EQ(computed(":x * :scale + :client_id"), "17");
  EXPECT_EQ(computed(":text + 0"), "12");
  EXPECT_THAT(computed(":words + 0"), StartsWith("fails: variable \"words\""));
  EXPECT_EQ(computed(":nobody"), "fails: undefined variable \"nobody\"");
}

TEST(ScriptExpressionTest, WhatIsNotComputedCannotFail) {
  EXPECT_EQ(computed("case when true then 1 else 1 / 0 end"), "1");
  EXPECT_EQ(computed("false and 1 / 0 = 1"), "false");
  EXPECT_EQ(computed("true or 1 / 0 = 1"), "true");
  EXPECT_EQ(computed("1 / 0"), "fails: division by zero");
}

TEST(ScriptExpressionTest, WhatDoesNotParseIsNamed) {
  EXPECT_THAT(computed("1 + * 2"), HasSubstr("syntax error at \"*\""));
  EXPECT_THAT(computed("(1 + 2"), HasSubstr("syntax error at its end"));
  EXPECT_THAT(computed(""), HasSubstr("syntax error at its end"));
  EXPECT_THAT(computed("1 < 2 < 3"), HasSubstr("syntax error at \"<\""));
  EXPECT_THAT(computed("case 1 end"), HasSubstr("syntax error at \"1\""));
  EXPECT_THAT(computed("debug(1)"),
              HasSubstr("unsupported function \"debug\""));
  EXPECT_THAT(computed("random(1)"), HasSubstr("number of arguments"));
  EXPECT_THAT(computed("1 ? 2"), HasSubstr("unexpected character"));
  EXPECT_THAT(computed("9223372036854775808"), HasSubstr("syntax error"));
  EXPECT_THAT(computed("99999999999999999999"), HasSubstr("bigint constant"));
  EXPECT_THAT(computed("1e999"), HasSubstr("double constant overflow"));
}

TEST(ScriptExpressionTest, AnEndlessExpressionIsRefused) {
  std::string text = "1";
  for (int i = 0; i < 100'000; ++i) text += "+1";
  EXPECT_THAT(computed(text), HasSubstr("more than 1000 parts"));
  EXPECT_THAT(computed(std::string(100'000, '(')),
              HasSubstr("more than 1000 parts"));
}

constexpr int kDraws = 20'000;

// value → share of the draws
template <typename Draw>
std::map<std::int64_t, double> shares(Draw draw) {
  Random random(7);
  std::map<std::int64_t, double> counted;
  for (int i = 0; i < kDraws; ++i) counted[draw(random)] += 1.0 / kDraws;
  return counted;
}

void expect_share(double seen, double wanted) {
  const double deviation = std::sqrt(wanted * (1 - wanted) / kDraws);
  EXPECT_NEAR(seen, wanted, 6 * deviation);
}

constexpr Range kFive{.low = 11, .high = 15};

TEST(ScriptRandomTest, UniformDrawsEachAlike) {
  const auto drawn = shares([](Random& r) { return uniform(kFive, r); });
  ASSERT_EQ(drawn.size(), 5U);
  for (const auto& [value, share] : drawn) expect_share(share, 0.2);
}

TEST(ScriptRandomTest, ExponentialDrawsByItsFormula) {
  constexpr double kParameter = 2.5;
  const auto drawn =
      shares([](Random& r) { return exponential(kFive, kParameter, r); });
  ASSERT_EQ(drawn.size(), 5U);
  const auto density = [](double at) { return std::exp(-kParameter * at / 5); };
  for (const auto& [value, share] : drawn) {
    const auto i = static_cast<double>(value - kFive.low);
    expect_share(share, (density(i) - density(i + 1)) / (1 - density(5)));
  }
}

TEST(ScriptRandomTest, GaussianDrawsByItsFormula) {
  constexpr double kParameter = 2.5;
  const auto drawn =
      shares([](Random& r) { return gaussian(kFive, kParameter, r); });
  ASSERT_EQ(drawn.size(), 5U);
  const auto below = [](double at) {
    return std::erf(kParameter * (2 * at / 5 - 1) / std::sqrt(2.0));
  };
  for (const auto& [value, share] : drawn) {
    const auto i = static_cast<double>(value - kFive.low);
    expect_share(share, (below(i + 1) - below(i)) / (below(5) - below(0)));
  }
}

TEST(ScriptRandomTest, ZipfianDrawsByItsFormula) {
  for (const double parameter : {1.001, 1.5, 3.0}) {
    const auto drawn =
        shares([&](Random& r) { return zipfian(kFive, parameter, r); });
    double all = 0;
    for (int k = 1; k <= 5; ++k) all += std::pow(k, -parameter);
    for (const auto& [value, share] : drawn) {
      const auto k = static_cast<double>(value - kFive.low + 1);
      expect_share(share, std::pow(k, -parameter) / all);
    }
  }
}

TEST(ScriptRandomTest, RangesOfOneAndTheWidestAreDrawnFrom) {
  Random random(1);
  const Range one{.low = -3, .high = -3};
  EXPECT_EQ(uniform(one, random), -3);
  EXPECT_EQ(exponential(one, 1, random), -3);
  EXPECT_EQ(gaussian(one, 2, random), -3);
  EXPECT_EQ(zipfian(one, 2, random), -3);
  const Range widest{.low = 1, .high = INT64_MAX};
  for (int i = 0; i < 1000; ++i) {
    EXPECT_GE(uniform(widest, random), 1);
    EXPECT_GE(exponential(widest, 1e-6, random), 1);
    EXPECT_GE(gaussian(widest, 2, random), 1);
    EXPECT_GE(zipfian(widest, 1.001, random), 1);
  }
}

TEST(ScriptRandomTest, RangesThatCannotBeDrawnFromFail) {
  EXPECT_EQ(computed("random(2, 1)"), "fails: empty range given to random");
  EXPECT_EQ(computed("random(0, 9223372036854775807)"),
            "fails: random range is too large");
  EXPECT_THAT(computed("random_gaussian(1, 5, 1.9)"), HasSubstr("gaussian"));
  EXPECT_THAT(computed("random_exponential(1, 5, 0)"),
              HasSubstr("exponential"));
  EXPECT_THAT(computed("random_zipfian(1, 5, 1)"), HasSubstr("zipfian"));
}

TEST(ScriptRandomTest, PermuteHitsEachPlaceOnce) {
  for (const std::int64_t size : {1, 2, 3, 5, 16, 17, 1000}) {
    std::set<std::int64_t> places;
    for (std::int64_t i = 0; i < size; ++i) {
      const std::int64_t place = permute(i, size, 42);
      EXPECT_GE(place, 0);
      EXPECT_LT(place, size);
      EXPECT_EQ(permute(i + size, size, 42), place);
      places.insert(place);
    }
    EXPECT_EQ(places.size(), static_cast<std::size_t>(size));
  }
  EXPECT_NE(permute(5, 1'000'000, 1), permute(5, 1'000'000, 2));
  EXPECT_LT(permute(-1, INT64_MAX, 1), INT64_MAX);
}

}  // namespace
}  // namespace dbpool::exporter::script
