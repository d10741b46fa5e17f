#include "exporter/http/text_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

namespace dbpool::exporter {
namespace {

using metrics::MetricInfo;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr MetricInfo kA = {"a", metrics::kGauge, "What it is."};
constexpr MetricInfo kB = {"b", metrics::kCounter, "Another."};
constexpr MetricInfo kH = {"h", metrics::kHistogram, "How long."};

// As a sample of kA, without its name.
std::string number(double value) {
  TextPage page;
  page.add(kA, {}, value);
  const std::string text = page.take();
  const std::size_t at = text.rfind(' ');
  return text.substr(at + 1, text.size() - at - 2);
}

TEST(TextPage, WritesHelpTypeAndSamples) {
  TextPage page;
  page.add(kA, {}, 1);
  page.add(kB, {{"x", "y"}, {"z", ""}}, 2.5);
  EXPECT_EQ(page.take(),
            "# HELP a What it is.\n# TYPE a gauge\na 1\n"
            "# HELP b Another.\n# TYPE b counter\nb{x=\"y\",z=\"\"} 2.5\n");
}

TEST(TextPage, EscapesLabelValues) {
  TextPage page;
  page.add(kA, {{"x", "q\" b\\ n\n"}, {"y", "plain"}}, 1);
  EXPECT_THAT(page.take(),
              HasSubstr("\na{x=\"q\\\" b\\\\ n\\n\",y=\"plain\"} 1\n"));
}

TEST(TextPage, InvalidUtf8DoesNotSpoilThePage) {
  TextPage page;
  page.add(kA, {{"x", "\xff"}}, 1);
  page.add(kA, {{"x", "ü"}}, 2);
  const std::string text = page.take();
  EXPECT_THAT(text, HasSubstr("\na{x=\"\\\\xff\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\na{x=\"ü\"} 2\n"));
}

TEST(TextPage, SeriesOfOneMetricShareOneHeaderWheneverTheyAreTold) {
  TextPage page;
  page.add(kA, {{"pool", "p"}}, 1);
  page.add(kB, {}, 2);
  page.add(kA, {{"pool", "q"}}, 3);
  EXPECT_EQ(page.take(),
            "# HELP a What it is.\n# TYPE a gauge\n"
            "a{pool=\"p\"} 1\na{pool=\"q\"} 3\n"
            "# HELP b Another.\n# TYPE b counter\nb 2\n");
}

TEST(TextPage, APageTakenBeginsAnew) {
  TextPage page;
  EXPECT_THAT(page.take(), IsEmpty());
  page.add(kA, {}, 1);
  page.add(kB, {}, 1);
  page.take();
  EXPECT_THAT(page.take(), IsEmpty());
  // Only what was told since, in its own order.
  page.add(kB, {}, 2);
  page.add(kA, {}, 3);
  EXPECT_EQ(page.take(),
            "# HELP b Another.\n# TYPE b counter\nb 2\n"
            "# HELP a What it is.\n# TYPE a gauge\na 3\n");
}

TEST(TextPage, HistogramsHaveCumulativeBucketsSumAndCount) {
  HistogramSnapshot histogram;
  histogram.counts.front() = 1;
  histogram.counts[12] = 1;
  histogram.counts.back() = 2;
  histogram.sum = std::chrono::milliseconds(123'250);
  TextPage page;
  page.add(kH, {{"pool", "p"}}, histogram);
  EXPECT_EQ(page.take(),
            "# HELP h How long.\n# TYPE h histogram\n"
            "h_bucket{pool=\"p\",le=\"0.0001\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.00025\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.0005\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.001\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.0025\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.005\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.01\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.025\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.05\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.1\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.25\"} 1\n"
            "h_bucket{pool=\"p\",le=\"0.5\"} 1\n"
            "h_bucket{pool=\"p\",le=\"1\"} 2\n"
            "h_bucket{pool=\"p\",le=\"2.5\"} 2\n"
            "h_bucket{pool=\"p\",le=\"5\"} 2\n"
            "h_bucket{pool=\"p\",le=\"10\"} 2\n"
            "h_bucket{pool=\"p\",le=\"30\"} 2\n"
            "h_bucket{pool=\"p\",le=\"60\"} 2\n"
            "h_bucket{pool=\"p\",le=\"+Inf\"} 4\n"
            "h_sum{pool=\"p\"} 123.25\nh_count{pool=\"p\"} 4\n");
}

TEST(TextPage, AHistogramWithoutLabelsHasThatOfItsBucketsOnly) {
  TextPage page;
  page.add(kH, {}, HistogramSnapshot());
  const std::string text = page.take();
  EXPECT_THAT(text, HasSubstr("\nh_bucket{le=\"0.0001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nh_sum 0\nh_count 0\n"));
}

TEST(TextPage, LargeNumbersAndManyDigitsFitIn) {
  HistogramSnapshot histogram;
  histogram.counts.fill(std::numeric_limits<std::uint64_t>::max() / 20);
  histogram.sum = std::chrono::nanoseconds::max();
  TextPage page;
  page.add(kH, {{"name", std::string(5000, 'n')}}, histogram);
  EXPECT_THAT(page.take(), HasSubstr("le=\"+Inf\"} 17524406870024074020\n"));
}

TEST(TextPage, NumbersReadBackTheSame) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-3), "-3");
  EXPECT_EQ(number(1234567890123), "1234567890123");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(0.00025), "0.00025");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "-Inf");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "NaN");
  for (const double value :
       {1.0 / 3, 1e300, 5e-324, 123456.789, 1e17, -2.2250738585072014e-308}) {
    EXPECT_EQ(std::strtod(number(value).c_str(), nullptr), value);
  }
}

}  // namespace
}  // namespace dbpool::exporter
