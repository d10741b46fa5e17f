#include "pool/src/secrets/known_secret.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace dbpool::detail {
namespace {

std::string without(const std::string& secret, std::string text) {
  hide_secret(text, secret);
  return text;
}

TEST(KnownSecret, IsHiddenWhereverItStands) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"p/w@1", "***"},
      {"no: p/w@1 is wrong, p/w@1!", "no: *** is wrong, ***!"},
      {"xp/w@1y", "x***y"},
      {"as p%2Fw%401, p%2fw@1 or %70%2F%77%40%31", "as ***, *** or ***"},
      {"p/w@ 1 p/w", "p/w@ 1 p/w"},
      {"p%2", "p%2"},
      {"", ""}};
  for (const auto& [text, expected] : texts) {
    EXPECT_EQ(without("p/w@1", text), expected) << text;
  }
}

TEST(KnownSecret, IsHiddenEncodedThoughItHasAPercentSign) {
  for (const char* text : {"Zk7-tr@p%w0rd", "Zk7-tr%40p%25w0rd",
                           "%5Ak7-tr@p%25w0rd", "Zk7%2Dtr@p%w0rd"}) {
    EXPECT_EQ(without("Zk7-tr@p%w0rd", text), "***") << text;
  }
  EXPECT_EQ(without("p%25w", "p%25w or p%2525w"), "*** or ***");
}

TEST(KnownSecret, IsHiddenWithItsQuotesDoubledOrEscaped) {
  const std::string secret = R"(it's "a\b")";
  for (const char* text : {R"(it's "a\b")", R"(it''s "a\b")", R"(it's ""a\b"")",
                           R"(it\'s \"a\\b\")"}) {
    EXPECT_EQ(without(secret, text), "***") << text;
  }
  EXPECT_EQ(without("a''b", "(a''''b)"), "(***)");
}

TEST(KnownSecret, AShortOneIsHiddenInQuotesOnly) {
  EXPECT_EQ(without("to", "want to say \"to\", 'to' or `to`"),
            "want to say \"***\", '***' or `***`");
  EXPECT_EQ(without("", "nothing \"\""), "nothing \"\"");
}

}  // namespace
}  // namespace dbpool::detail
