#include "exporter/base/utf8.h"

#include <gtest/gtest.h>

#include "dbpool/utf8.h"

namespace dbpool {
namespace {

TEST(Utf8Test, ValidTextStaysAsItIs) {
  for (const char* text :
       {"", "plain", "größe", "日本語", "\xF0\x9F\x98\x80"}) {
    EXPECT_EQ(to_utf8(text), text);
  }
}

TEST(Utf8Test, EachInvalidByteIsWrittenOut) {
  EXPECT_EQ(to_utf8("a\xFFz"), "a\\xffz");
  EXPECT_EQ(to_utf8("\xC3"), "\\xc3");                    // cut off
  EXPECT_EQ(to_utf8("\xC0\x80"), "\\xc0\\x80");           // overlong
  EXPECT_EQ(to_utf8("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(to_utf8("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(to_utf8("\xE2\x82z"), "\\xe2\\x82z");
}

TEST(Utf8Test, WhatTurnsTheDirectionOfTextIsWrittenOut) {
  EXPECT_EQ(to_utf8("a\u202ez"), "a\\u202ez");
  EXPECT_EQ(to_utf8("\u061c\u200e\u200f\u202a\u2066\u2069"),
            "\\u061c\\u200e\\u200f\\u202a\\u2066\\u2069");
  for (const char* text : {"\u061b", "\u200d", "\u2010", "\u2029", "\u202f",
                           "\u2065", "\u206a", "שלום"}) {
    EXPECT_EQ(to_utf8(text), text);
  }
}

TEST(Utf8Test, IsToldFromOtherBytes) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
  for (const char* wrong :
       {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xE2\x82",
        "\xFF"}) {
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
  }
}

TEST(Utf8Test, APrefixNeverHoldsHalfACharacter) {
  EXPECT_EQ(utf8_prefix("größe", 3), "grö");
  EXPECT_EQ(utf8_prefix("größe", 100), "größe");
  EXPECT_EQ(utf8_prefix("größe", 0), "");
  EXPECT_EQ(utf8_prefix("\xF0\x9F\x98\x80x", 1), "\xF0\x9F\x98\x80");
  EXPECT_EQ(utf8_prefix("\xFF\xFFx", 2), "\xFF\xFF");
  EXPECT_EQ(utf8_prefix("\xFF\xE2\x82", 2), "\xFF\xE2");
}

}  // namespace
}  // namespace dbpool
