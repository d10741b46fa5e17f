#include "dbpool/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace {

TEST(Version, HasThreeNumbers) {
  const std::string version(dbpool::version());
  EXPECT_THAT(version, testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(Version, OfLibpqHasTwoNumbers) {
  EXPECT_THAT(dbpool::libpq_version(),
              testing::MatchesRegex("[0-9]+\\.[0-9]+"));
}

}  // namespace
