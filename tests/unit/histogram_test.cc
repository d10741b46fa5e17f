#include "exporter/metrics/histogram.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(HistogramTest, ABoundBelongsToItsOwnBucket) {
  for (std::size_t i = 0; i < kLatencyBoundsNs.size(); ++i) {
    EXPECT_EQ(bucket_of(nanoseconds(kLatencyBoundsNs[i])), i);
    EXPECT_EQ(bucket_of(nanoseconds(kLatencyBoundsNs[i] + 1)), i + 1);
  }
  EXPECT_EQ(bucket_of(nanoseconds(0)), 0U);
}

TEST(HistogramTest, SnapshotHoldsEveryObservationAndTheirSum) {
  Histogram histogram;
  histogram.observe(milliseconds(3));
  histogram.observe(seconds(61));
  histogram.observe(nanoseconds(-5));
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.count(), 3U);
  EXPECT_EQ(snapshot.counts.front(), 1U);
  EXPECT_EQ(snapshot.counts[5], 1U);
  EXPECT_EQ(snapshot.counts.back(), 1U);
  EXPECT_EQ(snapshot.sum, nanoseconds(milliseconds(61'003)));
}

TEST(HistogramTest, ThreadsLoseNoObservation) {
  Histogram histogram;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&histogram] {
      for (int n = 0; n < 5'000; ++n) histogram.observe(milliseconds(1));
    });
  }
  threads.clear();
  EXPECT_EQ(histogram.snapshot().count(), 20'000U);
  EXPECT_EQ(histogram.snapshot().sum, nanoseconds(seconds(20)));
}

}  // namespace
}  // namespace dbpool::exporter
