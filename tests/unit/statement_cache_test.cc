#include "pool/src/session/statement_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace dbpool::detail {
namespace {

std::string add(StatementCache& cache, std::string_view sql,
                const Params& params = {}) {
  std::string name = cache.new_name();
  cache.add(sql, params, name);
  return name;
}

TEST(StatementCache, FindsWhatWasAdded) {
  StatementCache cache(2);
  EXPECT_EQ(cache.find("SELECT 1", {}), "");
  const auto name = add(cache, "SELECT 1");
  EXPECT_EQ(cache.find("SELECT 1", {}), name);
  EXPECT_EQ(cache.find("SELECT 2", {}), "");
}

TEST(StatementCache, ParameterTypesArePartOfTheKey) {
  StatementCache cache(4);
  const std::vector<std::byte> bytes = {std::byte{1}};
  const auto inferred = add(cache, "SELECT $1", {"a"});
  const auto typed = add(cache, "SELECT $1", {bytes});
  EXPECT_NE(inferred, typed);
  EXPECT_EQ(cache.find("SELECT $1", {"b"}), inferred);
  EXPECT_EQ(cache.find("SELECT $1", {bytes}), typed);
}

TEST(StatementCache, EvictsTheLeastRecentlyUsed) {
  StatementCache cache(2);
  const auto first = add(cache, "1");
  const auto second = add(cache, "2");
  EXPECT_FALSE(cache.has_room());
  cache.find("1", {});
  cache.evict_oldest();
  EXPECT_EQ(cache.stale(), second);
  EXPECT_EQ(cache.find("1", {}), first);
  EXPECT_EQ(cache.find("2", {}), "");
}

TEST(StatementCache, HasRoomOnlyOnceTheServerHasDroppedTheStale) {
  StatementCache cache(1);
  add(cache, "1");
  cache.evict_oldest();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_FALSE(cache.has_room());
  cache.pop_stale();
  EXPECT_EQ(cache.stale(), "");
  EXPECT_TRUE(cache.has_room());
}

TEST(StatementCache, WhatIsRemovedBecomesStale) {
  StatementCache cache(2);
  const auto name = add(cache, "1");
  cache.remove("1", {});
  cache.remove("never added", {});
  EXPECT_EQ(cache.find("1", {}), "");
  EXPECT_EQ(cache.stale(), name);
  cache.pop_stale();
  EXPECT_EQ(cache.stale(), "");
}

TEST(StatementCache, ANameIsNeverUsedTwice) {
  StatementCache cache(2);
  const auto first = add(cache, "1");
  cache.clear();
  EXPECT_NE(add(cache, "1"), first);
}

TEST(StatementCache, ClearForgetsEverything) {
  StatementCache cache(2);
  add(cache, "1");
  add(cache, "2");
  cache.evict_oldest();
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.stale(), "");
  EXPECT_EQ(cache.find("2", {}), "");
}

TEST(StatementCache, AcceptsNothingWithoutCapacityNorTextsWithoutEnd) {
  EXPECT_FALSE(StatementCache(0).accepts("SELECT 1"));
  const StatementCache cache(1);
  EXPECT_TRUE(cache.accepts(std::string(StatementCache::kMaxSqlBytes, 'x')));
  EXPECT_FALSE(
      cache.accepts(std::string(StatementCache::kMaxSqlBytes + 1, 'x')));
}

}  // namespace
}  // namespace dbpool::detail
