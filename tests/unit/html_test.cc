#include "exporter/http/html.h"

#include <gtest/gtest.h>

namespace dbpool::exporter {
namespace {

TEST(HtmlTest, NothingThatOthersNameIsMarkup) {
  EXPECT_EQ(escape_html("<b a='1'>\"&\xff"),
            "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\\xff");
}

TEST(HtmlTest, ControlCharactersAreShownAndNotSent) {
  EXPECT_EQ(escape_html("a\x01\x1b[31m\x7f\r\n\tb"),
            "a\\x01\\x1b[31m\\x7f\\x0d\n\tb");
}

}  // namespace
}  // namespace dbpool::exporter
