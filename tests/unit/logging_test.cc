#include "exporter/logging/logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "exporter/logging/timestamp.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;
using testing::HasSubstr;
using testing::Not;

const system_clock::time_point kTime{milliseconds(1'705'314'600'007)};

std::string logfmt(std::string_view message,
                   std::vector<LogField> fields = {}) {
  return log_line(LogFormat::kLogfmt, LogLevel::kInfo, kTime, message, fields);
}

nlohmann::json json(std::string_view message,
                    std::vector<LogField> fields = {}) {
  return nlohmann::json::parse(
      log_line(LogFormat::kJson, LogLevel::kWarn, kTime, message, fields));
}

TEST(LogLine, TimestampsAreRfc3339InUtcWithMilliseconds) {
  EXPECT_EQ(rfc3339_utc(kTime), "2024-01-15T10:30:00.007Z");
  EXPECT_EQ(rfc3339_utc(system_clock::time_point(milliseconds(-1))),
            "1969-12-31T23:59:59.999Z");
}

TEST(LogLine, LogfmtHasTimeLevelMessageThenFieldsInOrder) {
  EXPECT_EQ(logfmt("ready", {{"pool", "default"},
                             {"seconds", 1.5},
                             {"count", 3},
                             {"big", std::numeric_limits<uint64_t>::max()},
                             {"negative", -1},
                             {"yes", true}}),
            "ts=2024-01-15T10:30:00.007Z level=info msg=ready pool=default "
            "seconds=1.5 count=3 big=18446744073709551615 negative=-1 "
            "yes=true");
}

TEST(LogLine, JsonKeepsTheTypesOfFields) {
  const nlohmann::json line =
      json("all well", {{"pool", "default"},
                        {"seconds", 0.25},
                        {"count", std::uint32_t{7}},
                        {"yes", false},
                        {"never", std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(line["ts"], "2024-01-15T10:30:00.007Z");
  EXPECT_EQ(line["level"], "warn");
  EXPECT_EQ(line["msg"], "all well");
  EXPECT_EQ(line["pool"], "default");
  EXPECT_EQ(line["seconds"], 0.25);
  EXPECT_EQ(line["count"], 7);
  EXPECT_EQ(line["yes"], false);
  EXPECT_EQ(line["never"], "inf");
}

TEST(LogLine, NoTextBreaksALogfmtLine) {
  const std::string line = logfmt("two\nlines", {{"quote", "say \"hi\""},
                                                 {"equals", "a=b"},
                                                 {"empty", ""},
                                                 {"back", "a\\b"},
                                                 {"escape", "\x1b[31m"},
                                                 {"c1",
                                                  "\xc2\x9b"
                                                  "31m"}});
  EXPECT_THAT(line, HasSubstr(R"(msg="two\nlines")"));
  EXPECT_THAT(line, HasSubstr(R"(quote="say \"hi\"")"));
  EXPECT_THAT(line, HasSubstr(R"(equals="a=b")"));
  EXPECT_THAT(line, HasSubstr(R"(empty="")"));
  EXPECT_THAT(line, HasSubstr(R"(back="a\\b")"));
  EXPECT_THAT(line, HasSubstr(R"(escape="\u001b[31m")"));
  EXPECT_THAT(line, HasSubstr(R"(c1="\u009b31m")"));
}

TEST(LogLine, EveryByteValueMakesValidJsonInOneLine) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(3, static_cast<char>(byte));
    const std::string line =
        log_line(LogFormat::kJson, LogLevel::kInfo, kTime, text, {});
    EXPECT_EQ(line.find('\n'), std::string::npos) << byte;
    EXPECT_TRUE(nlohmann::json::accept(line)) << byte;
  }
}

TEST(LogLine, JsonTextsComeBackAsTheyWere) {
  const std::string text = "tab\t quote\" back\\ line\n esc\x1b ünï €";
  EXPECT_EQ(json(text)["msg"], text);
}

TEST(LogLine, InvalidUtf8IsSpelledOut) {
  EXPECT_EQ(json("a\xff")["msg"], "a\\xff");
  EXPECT_THAT(logfmt("a\xff"), HasSubstr(R"(msg="a\\xff")"));
}

TEST(LogLine, LongTextsAreCut) {
  const std::string text = json(std::string(100'000, 'x'))["msg"];
  EXPECT_EQ(text, std::string(kMaxLogText, 'x') + "…");
}

TEST(LogLine, PasswordsAreRedactedInMessagesAndFields) {
  const std::string url = "postgres://app:hunter2@db/orders";
  for (const LogFormat format : {LogFormat::kLogfmt, LogFormat::kJson}) {
    const std::vector<LogField> fields = {{"url", url},
                                          {"dsn", "host=db password=hunter2"}};
    const std::string line =
        log_line(format, LogLevel::kInfo, kTime, "connect to " + url, fields);
    EXPECT_THAT(line, Not(HasSubstr("hunter2")));
    EXPECT_THAT(line, HasSubstr("db/orders"));
  }
}

class LoggerTest : public testing::Test {
 protected:
  Logger make(LogOptions options) {
    return Logger(options,
                  std::make_shared<spdlog::sinks::ostream_sink_mt>(stream_));
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> result;
    std::istringstream in(stream_.str());
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
  }

  std::ostringstream stream_;
};

TEST_F(LoggerTest, WritesNothingBelowItsLevel) {
  Logger log = make({.level = LogLevel::kWarn});
  log.debug("no");
  log.info("no");
  log.warn("warned");
  log.error("failed");
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_THAT(lines()[0], HasSubstr("level=warn msg=warned"));
  EXPECT_THAT(lines()[1], HasSubstr("level=error msg=failed"));
}

TEST_F(LoggerTest, DebugLevelWritesEverything) {
  Logger log = make({.level = LogLevel::kDebug});
  log.debug("seen");
  EXPECT_THAT(stream_.str(), HasSubstr("level=debug msg=seen"));
}

TEST_F(LoggerTest, BracesInTextsAreNoFormat) {
  Logger log = make({});
  log.info("{} {0} %v %d", {{"sql", "{}"}});
  EXPECT_THAT(stream_.str(), HasSubstr("msg=\"{} {0} %v %d\" sql={}"));
}

TEST_F(LoggerTest, RepeatedMessagesOfOneKeyAreHeldBack) {
  Logger log = make({});
  for (int i = 0; i < 100; ++i) log.limited(LogLevel::kWarn, "a", "again");
  log.limited(LogLevel::kWarn, "b", "other");
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_THAT(lines()[0], HasSubstr("msg=again"));
  EXPECT_THAT(lines()[1], HasSubstr("msg=other"));
}

TEST_F(LoggerTest, LinesOfSeveralThreadsNeverMix) {
  Logger log = make({.format = LogFormat::kJson});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < 250; ++i) {
          log.info("line", {{"thread", t}, {"text", std::string(200, 'x')}});
        }
      });
    }
  }
  ASSERT_EQ(lines().size(), 1000U);
  for (const std::string& line : lines()) {
    ASSERT_TRUE(nlohmann::json::accept(line)) << line;
  }
}

TEST(RateLimiter, LetsOneThroughInAnIntervalAndCountsTheRest) {
  RateLimiter limiter(seconds(10));
  const TimePoint start{};
  EXPECT_EQ(limiter.admit("k", start), 0U);
  EXPECT_EQ(limiter.admit("k", start + seconds(1)), std::nullopt);
  EXPECT_EQ(limiter.admit("k", start + seconds(9)), std::nullopt);
  EXPECT_EQ(limiter.admit("other", start + seconds(9)), 0U);
  EXPECT_EQ(limiter.admit("k", start + seconds(10)), 2U);
  EXPECT_EQ(limiter.admit("k", start + seconds(20)), 0U);
}

TEST(RateLimiter, LetsABurstThroughInAnIntervalAndCountsTheRest) {
  RateLimiter limiter(seconds(1), 1, 3);
  const TimePoint start{seconds(100)};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.admit("a", start), 0U);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(limiter.admit("a", start), std::nullopt);
  EXPECT_EQ(limiter.admit("a", start + seconds(1)), 5U);
  EXPECT_EQ(limiter.admit("a", start + seconds(1)), 0U);
  EXPECT_EQ(limiter.admit("a", start + seconds(1)), 0U);
  EXPECT_EQ(limiter.admit("a", start + seconds(1)), std::nullopt);
}

TEST(RateLimiter, ANewKeyTakesThePlaceOfTheOldest) {
  RateLimiter limiter(seconds(10), 2);
  const TimePoint start{};
  EXPECT_EQ(limiter.admit("a", start), 0U);
  EXPECT_EQ(limiter.admit("b", start + seconds(1)), 0U);
  EXPECT_EQ(limiter.admit("c", start + seconds(2)), 0U);
  EXPECT_EQ(limiter.admit("b", start + seconds(3)), std::nullopt);
  EXPECT_EQ(limiter.admit("a", start + seconds(3)), 0U) << "a was forgotten";
}

}  // namespace
}  // namespace dbpool::exporter
