#include "pool/src/text.h"

#include <gtest/gtest.h>

#include <string>

namespace dbpool::detail {
namespace {

TEST(Text, TellsUtf8FromOtherBytes) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
  for (const char* wrong :
       {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xE2\x82",
        "\xFF"}) {
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
  }
}

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

TEST(Text, FirstCharactersAreWholeOnes) {
  EXPECT_EQ(first_characters("abc", 4), "abc");
  EXPECT_EQ(first_characters("abc", 2), "ab");
  EXPECT_EQ(first_characters("a\xE2\x82\xAC"
                             "bc",
                             2),
            "a\xE2\x82\xAC");
  EXPECT_EQ(first_characters("\xFF\xE2\x82", 2), "\xFF\xE2");
}

}  // namespace
}  // namespace dbpool::detail
