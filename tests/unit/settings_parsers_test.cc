#include "exporter/settings/parsers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace dbpool::exporter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Parsers, NumbersAreDigitsWithinARange) {
  std::uint32_t value = 7;
  EXPECT_EQ(parse_number("1", 1, 10U, value), std::nullopt);
  EXPECT_EQ(value, 1U);
  EXPECT_EQ(parse_number("10", 1, 10U, value), std::nullopt);
  EXPECT_EQ(value, 10U);
  EXPECT_EQ(parse_number("007", 1, 10U, value), std::nullopt);
  EXPECT_EQ(value, 7U);
  for (const char* text :
       {"", "0", "11", "-1", "+1", "1.0", "1e1", "0x1", "1 ", " 1", "1,000",
        "one", "4294967297", "18446744073709551617",
        "99999999999999999999999999", "1\n", "１"}) {
    EXPECT_EQ(parse_number(text, 1, 10U, value), "a whole number from 1 to 10")
        << text;
  }
  EXPECT_EQ(value, 7U) << "a refused text changes nothing";
}

TEST(Parsers, MillisecondsAreWholeAndBounded) {
  Duration value{};
  EXPECT_EQ(parse_ms("5000", 1, 10'000, value), std::nullopt);
  EXPECT_EQ(value, seconds(5));
  for (const char* text : {"0", "-5", "5s", "5e3", "1.5", "10001",
                           "9223372036854775808", "18446744073709551616"}) {
    EXPECT_EQ(parse_ms(text, 1, 10'000, value),
              "a whole number of milliseconds from 1 to 10000")
        << text;
  }
}

TEST(Parsers, ZeroAndUnlimitedMeanNoLimit) {
  std::optional<Duration> time = seconds(1);
  std::optional<std::uint64_t> number = 1;
  for (const char* text : {"0", "unlimited", "00"}) {
    time = seconds(1);
    number = 1;
    EXPECT_EQ(parse_ms_or_unlimited(text, 100, time), std::nullopt);
    EXPECT_EQ(time, std::nullopt) << text;
    EXPECT_EQ(parse_number_or_unlimited(text, 100, number), std::nullopt);
    EXPECT_EQ(number, std::nullopt) << text;
  }
  EXPECT_EQ(parse_ms_or_unlimited("20", 100, time), std::nullopt);
  EXPECT_EQ(time, milliseconds(20));
  EXPECT_EQ(parse_number_or_unlimited("20", 100, number), std::nullopt);
  EXPECT_EQ(number, 20U);
  for (const char* text : {"101", "Unlimited", "never", "-1", ""}) {
    EXPECT_NE(parse_ms_or_unlimited(text, 100, time), std::nullopt) << text;
    EXPECT_NE(parse_number_or_unlimited(text, 100, number), std::nullopt);
  }
}

TEST(Parsers, BooleansAreEightWordsInAnyCase) {
  for (const char* text : {"true", "1", "yes", "on", "TRUE", "Yes"}) {
    bool value = false;
    EXPECT_EQ(parse_bool(text, value), std::nullopt) << text;
    EXPECT_TRUE(value) << text;
  }
  for (const char* text : {"false", "0", "no", "off", "OFF", "False"}) {
    bool value = true;
    EXPECT_EQ(parse_bool(text, value), std::nullopt) << text;
    EXPECT_FALSE(value) << text;
  }
  bool value = false;
  for (const char* text : {"", "2", "t", "y", "truee", "nein", "true false"}) {
    EXPECT_EQ(parse_bool(text, value),
              "one of true, false, 1, 0, yes, no, on, off")
        << text;
  }
}

TEST(Parsers, DurationsHaveUnits) {
  const auto parsed = [](std::string_view text) {
    Duration value{-1};
    EXPECT_EQ(parse_duration(text, Duration(0), hours(100), value),
              std::nullopt)
        << text;
    return value;
  };
  EXPECT_EQ(parsed("15s"), seconds(15));
  EXPECT_EQ(parsed("500ms"), milliseconds(500));
  EXPECT_EQ(parsed("250us"), std::chrono::microseconds(250));
  EXPECT_EQ(parsed("1m30s"), seconds(90));
  EXPECT_EQ(parsed("1.5h"), minutes(90));
  EXPECT_EQ(parsed("0.1s"), milliseconds(100));
  EXPECT_EQ(parsed("0"), Duration(0));
  EXPECT_EQ(parsed("0s"), Duration(0));
  Duration value{};
  for (const char* text : {"", "15", "s", "-1s", "+1s", "1 s", "1s ", "1e3s",
                           "inf", "infs", "nans", "1d", "1s1", "ms", ".5s",
                           "1..5s", "101h", "99999999999999999999h", "1sec"}) {
    EXPECT_EQ(parse_duration(text, Duration(0), hours(100), value),
              "a duration such as 15s or 500ms from 0 to 100h")
        << text;
  }
}

TEST(Parsers, ZeroAndTheWordOffTurnAnIntervalOff) {
  std::optional<Duration> value = seconds(1);
  for (const char* text : {"0", "0s", "0ms", "off"}) {
    value = seconds(1);
    EXPECT_EQ(parse_duration_or_off(text, seconds(1), hours(1), value),
              std::nullopt);
    EXPECT_EQ(value, std::nullopt) << text;
  }
  EXPECT_EQ(parse_duration_or_off("2s", seconds(1), hours(1), value),
            std::nullopt);
  EXPECT_EQ(value, seconds(2));
  EXPECT_EQ(parse_duration_or_off("1ms", seconds(1), hours(1), value),
            "a duration such as 15s or 500ms from 1s to 1h, or 0 or off");
}

TEST(Parsers, DurationTextReadsBackTheSame) {
  for (const Duration duration :
       {Duration(0), Duration(hours(2)), Duration(minutes(90)),
        Duration(seconds(15)), Duration(milliseconds(1500)),
        Duration(milliseconds(250)), Duration(std::chrono::microseconds(5))}) {
    Duration read{-1};
    EXPECT_EQ(
        parse_duration(duration_text(duration), Duration(0), hours(24), read),
        std::nullopt)
        << duration_text(duration);
    EXPECT_EQ(read, duration);
  }
}

TEST(Parsers, RatesArePositiveDecimals) {
  double value = 0;
  EXPECT_EQ(parse_rate("2.5", 1e6, value), std::nullopt);
  EXPECT_EQ(value, 2.5);
  EXPECT_EQ(parse_rate("1000000", 1e6, value), std::nullopt);
  for (const char* text : {"", "0", "0.0", "-1", "1e3", "inf", "nan", "1/s",
                           "1000001", "2.5 ", "0x10"}) {
    EXPECT_EQ(parse_rate(text, 1e6, value),
              "a decimal number above 0, at most 1e+06")
        << text;
  }
}

TEST(Parsers, TrimTakesBlanksOffBothEnds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(" \n"), "");
}

}  // namespace
}  // namespace dbpool::exporter
