#include "exporter/build_revision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace {

TEST(BuildRevision, IsAShortHashOrUnknown) {
  const std::string revision(dbpool::exporter::build_revision());
  EXPECT_THAT(revision,
              testing::AnyOf("unknown", testing::MatchesRegex("[0-9a-f]+")));
}

}  // namespace
