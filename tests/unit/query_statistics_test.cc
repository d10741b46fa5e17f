#include "pool/src/query_statistics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace dbpool::detail {
namespace {

using std::chrono::milliseconds;

std::vector<std::string> names_of(const std::vector<QueryStats>& queries) {
  std::vector<std::string> names;
  for (const QueryStats& query : queries) names.push_back(query.name);
  return names;
}

TEST(QueryStatistics, NothingIsThereBeforeItIsSeen) {
  EXPECT_TRUE(QueryStatistics(100).snapshot().empty());
}

TEST(QueryStatistics, CountsByNameSorted) {
  QueryStatistics statistics(100);
  statistics.record("b", milliseconds(1), std::nullopt);
  statistics.record("a", milliseconds(30), StatementFailure::kTimeout);
  statistics.record("a", milliseconds(3), std::nullopt);
  const auto queries = statistics.snapshot();
  ASSERT_EQ(names_of(queries), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(queries[0].total, 2U);
  EXPECT_EQ(queries[0].failures[0], 1U);
  EXPECT_EQ(queries[0].failures[1], 0U);
  EXPECT_EQ(queries[0].duration.count(), 2U);
  EXPECT_EQ(queries[0].duration.sum, milliseconds(33));
  EXPECT_EQ(queries[0].duration.counts[5], 1U);  // (2.5 ms, 5 ms]
  EXPECT_EQ(queries[0].duration.counts[8], 1U);  // (25 ms, 50 ms]
  EXPECT_EQ(queries[1].duration.counts[3], 1U);  // bounds are included
}

TEST(QueryStatistics, AnEmptyNameIsUnnamed) {
  QueryStatistics statistics(1);
  statistics.record("", milliseconds(1), std::nullopt);
  EXPECT_EQ(names_of(statistics.snapshot()),
            std::vector<std::string>{"unnamed"});
}

TEST(QueryStatistics, NamesPastTheBoundFoldIntoOther) {
  QueryStatistics statistics(2);
  for (const char* name : {"a", "b", "c", "d", "a", ""}) {
    statistics.record(name, milliseconds(1), std::nullopt);
  }
  const auto queries = statistics.snapshot();
  ASSERT_EQ(names_of(queries),
            (std::vector<std::string>{"a", "b", "other", "unnamed"}));
  EXPECT_EQ(queries[0].total, 2U);
  EXPECT_EQ(queries[2].total, 2U);
}

TEST(QueryStatistics, NamesThatAreNoLabelFoldIntoOther) {
  QueryStatistics statistics(100);
  statistics.record("\xFF", milliseconds(1), std::nullopt);
  statistics.record(std::string(101, 'x'), milliseconds(1), std::nullopt);
  statistics.record(std::string(100, 'x'), milliseconds(1), std::nullopt);
  const auto queries = statistics.snapshot();
  ASSERT_EQ(queries.size(), 2U);
  EXPECT_EQ(queries[0].name, "other");
  EXPECT_EQ(queries[0].total, 2U);
}

TEST(QueryStatistics, LosesNothingUnderManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 2000;
  QueryStatistics statistics(4);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&statistics, thread] {
      for (int i = 0; i < kRounds; ++i) {
        statistics.record("q" + std::to_string((thread + i) % 8),
                          milliseconds(1), std::nullopt);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto queries = statistics.snapshot();
  EXPECT_EQ(queries.size(), 5U);  // four names and "other"
  std::uint64_t total = 0;
  for (const QueryStats& query : queries) total += query.total;
  EXPECT_EQ(total, std::uint64_t{kThreads} * kRounds);
}

}  // namespace
}  // namespace dbpool::detail
