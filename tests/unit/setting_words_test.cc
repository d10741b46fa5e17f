#include "exporter/base/setting_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dbpool/error.h"
#include "pool/src/acquire_errors.h"

namespace dbpool::exporter {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string words_of(AcquireFailure failure) {
  return in_setting_words(detail::acquire_error(failure, {}).message);
}

TEST(SettingWordsTest, OptionsOfThePoolBecomeSettingsOfTheProgram) {
  EXPECT_THAT(words_of(AcquireFailure::kTimeoutCapacity),
              HasSubstr("raise DB_POOL_MAX"));
  EXPECT_THAT(words_of(AcquireFailure::kTimeoutOpening),
              HasSubstr("raise DB_POOL_MIN or DB_CONNECTION_TIMEOUT_MS"));
  EXPECT_THAT(words_of(AcquireFailure::kQueueFull),
              HasSubstr("raise DB_POOL_MAX or DB_MAX_WAITING"));
  EXPECT_THAT(words_of(AcquireFailure::kServerSlots),
              HasSubstr("lower DB_POOL_MAX of the pools that share it, or "
                        "raise the server's max_connections"));
}

TEST(SettingWordsTest, NoAdviceNamesWhatTheProgramDoesNotHave) {
  for (std::size_t i = 0; i < kAcquireFailureCount; ++i) {
    EXPECT_THAT(words_of(static_cast<AcquireFailure>(i)),
                Not(HasSubstr("PoolOptions")));
  }
}

TEST(SettingWordsTest, AdviceWithoutASettingIsLeftOut) {
  EXPECT_EQ(in_setting_words("use its session mode, or set "
                             "PoolOptions::max_prepared_statements to 0"),
            "use its session mode");
}

TEST(SettingWordsTest, OtherTextStaysAsItIs) {
  EXPECT_EQ(in_setting_words("max_connections of the server"),
            "max_connections of the server");
}

}  // namespace
}  // namespace dbpool::exporter
