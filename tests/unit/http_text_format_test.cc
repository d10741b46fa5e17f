#include "exporter/http/text_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace dbpool::exporter {
namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

MetricFamily gauge(std::string name, double value,
                   std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  MetricFamily family;
  family.name = std::move(name);
  family.help = "What it is.";
  family.type = MetricType::Gauge;
  family.metric = {metric};
  return family;
}

TEST(TextFormat, WritesHelpTypeAndSamples) {
  EXPECT_EQ(to_prometheus_text({gauge("a", 1), gauge("b", 2.5, {{"x", "y"}})}),
            "# HELP a What it is.\n# TYPE a gauge\na 1\n"
            "# HELP b What it is.\n# TYPE b gauge\nb{x=\"y\"} 2.5\n");
}

TEST(TextFormat, EscapesHelpAndLabelValues) {
  MetricFamily family = gauge("a", 1, {{"x", "q\" b\\ n\n"}});
  family.help = "one\ntwo \\ \"three\"";
  EXPECT_EQ(to_prometheus_text({family}),
            "# HELP a one\\ntwo \\\\ \"three\"\n# TYPE a gauge\n"
            "a{x=\"q\\\" b\\\\ n\\n\"} 1\n");
}

TEST(TextFormat, InvalidUtf8DoesNotSpoilThePage) {
  const std::string page = to_prometheus_text({gauge("a", 1, {{"x", "\xff"}})});
  EXPECT_THAT(page, testing::HasSubstr("a{x=\"\\\\xff\"} 1\n"));
}

TEST(TextFormat, FamiliesOfOneNameShareOneHeader) {
  EXPECT_EQ(to_prometheus_text({gauge("a", 1, {{"pool", "p"}}), gauge("b", 2),
                                gauge("a", 3, {{"pool", "q"}})}),
            "# HELP a What it is.\n# TYPE a gauge\n"
            "a{pool=\"p\"} 1\na{pool=\"q\"} 3\n"
            "# HELP b What it is.\n# TYPE b gauge\nb 2\n");
}

TEST(TextFormat, FamiliesWithoutMetricsAreLeftOut) {
  MetricFamily family = gauge("a", 1);
  family.metric.clear();
  EXPECT_EQ(to_prometheus_text({family}), "");
}

TEST(TextFormat, HistogramsHaveBucketsSumAndCount) {
  ClientMetric metric;
  metric.label = {{"pool", "p"}};
  metric.histogram.sample_count = 3;
  metric.histogram.sample_sum = 0.75;
  metric.histogram.bucket = {
      {1, 0.0001}, {2, 1}, {3, std::numeric_limits<double>::infinity()}};
  MetricFamily family;
  family.name = "h";
  family.type = MetricType::Histogram;
  family.metric = {metric};
  const std::string expected =
      "# HELP h \n# TYPE h histogram\n"
      "h_bucket{pool=\"p\",le=\"0.0001\"} 1\n"
      "h_bucket{pool=\"p\",le=\"1\"} 2\n"
      "h_bucket{pool=\"p\",le=\"+Inf\"} 3\n"
      "h_sum{pool=\"p\"} 0.75\nh_count{pool=\"p\"} 3\n";
  EXPECT_EQ(to_prometheus_text({family}), expected);
  family.metric[0].histogram.bucket.pop_back();
  EXPECT_EQ(to_prometheus_text({family}), expected) << "+Inf is never missing";
}

TEST(TextFormat, NumbersReadBackTheSame) {
  EXPECT_EQ(to_prometheus_number(0), "0");
  EXPECT_EQ(to_prometheus_number(-3), "-3");
  EXPECT_EQ(to_prometheus_number(1234567890123), "1234567890123");
  EXPECT_EQ(to_prometheus_number(0.1), "0.1");
  EXPECT_EQ(to_prometheus_number(0.00025), "0.00025");
  EXPECT_EQ(to_prometheus_number(std::numeric_limits<double>::infinity()),
            "+Inf");
  EXPECT_EQ(to_prometheus_number(-std::numeric_limits<double>::infinity()),
            "-Inf");
  EXPECT_EQ(to_prometheus_number(std::numeric_limits<double>::quiet_NaN()),
            "NaN");
  for (const double value : {1.0 / 3, 1e300, 5e-324, 123456.789, 1e17}) {
    EXPECT_EQ(std::strtod(to_prometheus_number(value).c_str(), nullptr), value);
  }
}

}  // namespace
}  // namespace dbpool::exporter
