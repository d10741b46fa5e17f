#include "exporter/metrics/quantile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using testing::DoubleEq;
using testing::DoubleNear;

TEST(Quantile, LiesEvenlyWithinItsBucket) {
  HistogramSnapshot histogram;
  EXPECT_FALSE(quantile(histogram, 0.5));
  histogram.counts[6] = 100;  // 5 to 10 ms
  histogram.sum = 100 * std::chrono::microseconds(7500);
  EXPECT_THAT(*quantile(histogram, 0.5), DoubleEq(0.0075));
  EXPECT_THAT(*quantile(histogram, 1), DoubleEq(0.010));
  histogram.counts[0] = 300;  // to 0.1 ms
  histogram.sum += 300 * std::chrono::microseconds(50);
  EXPECT_THAT(*quantile(histogram, 0.5), DoubleEq(0.0001 * 200 / 300));
}

TEST(Quantile, IsNoHigherThanTheSumAllows) {
  HistogramSnapshot histogram;
  histogram.counts[15] = 100;  // 5 to 10 s
  histogram.sum = 100 * milliseconds(5003);
  EXPECT_THAT(*quantile(histogram, 0.5), DoubleNear(5.003, 1e-6));
  EXPECT_THAT(*quantile(histogram, 0.99), DoubleNear(5.006, 1e-3));
  histogram.sum = 100 * milliseconds(9900);
  EXPECT_THAT(*quantile(histogram, 0.01), DoubleNear(9.8, 0.01));
}

TEST(Quantile, OfWhatTookLongerThanAllBoundsIsTheLastBound) {
  HistogramSnapshot histogram;
  histogram.counts.back() = 1;
  EXPECT_EQ(quantile(histogram, 0.5), 60);
}

TEST(Quantile, IsInTheFirstBucketThatHasTheShare) {
  HistogramSnapshot histogram;
  EXPECT_EQ(quantile_bucket(histogram, 0.99), std::nullopt);
  histogram.counts[2] = 99;
  histogram.counts[6] = 1;
  EXPECT_EQ(quantile_bucket(histogram, 0.99), 2U);
  EXPECT_EQ(quantile_bucket(histogram, 1), 6U);
  histogram.counts.back() = 1'000;
  EXPECT_EQ(quantile_bucket(histogram, 0.99), kLatencyBoundsNs.size());
}

}  // namespace
}  // namespace dbpool::exporter
