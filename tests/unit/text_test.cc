#include "pool/src/base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace dbpool::detail {
namespace {

TEST(Text, OneLineHasNoControlCharacters) {
  EXPECT_EQ(one_line("  a\r\n\tb \x01 c\n", 100), "a b c");
  EXPECT_EQ(one_line("a\xFF"
                     "b",
                     100),
            "a?b");
  EXPECT_EQ(one_line(" \n", 100), "");
}

TEST(Text, OneLineIsCutBetweenCharacters) {
  EXPECT_EQ(one_line("abcdef", 6), "abcdef");
  EXPECT_EQ(one_line("abcdefg", 6), "abc...");
  EXPECT_EQ(one_line("ab\xE2\x82\xAC"
                     "cdef",
                     7),
            "ab...");
  EXPECT_EQ(one_line("abcdefg", 2), "..");
}

}  // namespace
}  // namespace dbpool::detail
