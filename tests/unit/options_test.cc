// validate(): every range, told by its name.
#include "dbpool/options.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace dbpool {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests read better so

std::string complaint(const std::function<void(PoolOptions&)>& change) {
  PoolOptions options;
  change(options);
  const auto result = validate(options);
  if (result) return "";
  EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
  return result.error().message;
}

TEST(Options, TheDefaultsAreValid) {
  EXPECT_EQ(complaint([](PoolOptions&) {}), "");
}

TEST(Options, TheEndsOfEveryRangeAreValid) {
  EXPECT_EQ(complaint([](PoolOptions& o) {
              o.max_connections = 1;
              o.min_connections = 1;
              o.max_waiting_requests = 0;
              o.idle_timeout.reset();
              o.max_uses = 1;
              o.lifetime_jitter = 0;
              o.max_concurrent_openings = 1;
              o.backoff_max = o.backoff_initial;
              o.max_query_names = 1;
              o.max_lifetime = 1ns;
            }),
            "");
  EXPECT_EQ(complaint([](PoolOptions& o) {
              o.max_connections = kMaxConnectionsLimit;
              o.min_connections = kMaxConnectionsLimit;
              o.max_waiting_requests = 1'000'000;
              o.check_after_idle = 0ns;
              o.lifetime_jitter = 0.5;
              o.max_concurrent_openings = 1000;
              o.max_query_names = 10'000;
              o.max_lifetime = Duration::max();
            }),
            "");
}

TEST(Options, AComplaintNamesFieldValueAndRange) {
  EXPECT_EQ(complaint([](PoolOptions& o) { o.max_connections = 0; }),
            "PoolOptions::max_connections is 0; accepted: 1 to 10000");
  EXPECT_EQ(complaint([](PoolOptions& o) { o.min_connections = 11; }),
            "PoolOptions::min_connections is 11; accepted: 0 to "
            "max_connections (10)");
  EXPECT_EQ(complaint([](PoolOptions& o) { o.acquire_timeout = -1500us; }),
            "PoolOptions::acquire_timeout is -1.5 ms; accepted: more than "
            "0 ms");
  EXPECT_EQ(complaint([](PoolOptions& o) { o.idle_timeout = 0s; }),
            "PoolOptions::idle_timeout is 0 ms; accepted: more than 0 ms, or "
            "nothing");
}

TEST(Options, EveryFieldOutOfRangeIsNamed) {
  const std::vector<std::pair<std::string, void (*)(PoolOptions&)>> cases = {
      {"name", [](auto& o) { o.name = ""; }},
      {"name", [](auto& o) { o.name = "a\nb"; }},
      {"max_connections", [](auto& o) { o.max_connections = 10'001; }},
      {"max_waiting_requests",
       [](auto& o) { o.max_waiting_requests = 1'000'001; }},
      {"acquire_timeout", [](auto& o) { o.acquire_timeout = 0s; }},
      {"max_uses", [](auto& o) { o.max_uses = 0; }},
      {"max_lifetime", [](auto& o) { o.max_lifetime = -1s; }},
      {"lifetime_jitter", [](auto& o) { o.lifetime_jitter = 0.51; }},
      {"lifetime_jitter", [](auto& o) { o.lifetime_jitter = -0.1; }},
      {"lifetime_jitter", [](auto& o) { o.lifetime_jitter = std::nan(""); }},
      {"check_after_idle", [](auto& o) { o.check_after_idle = -1ns; }},
      {"check_after_idle",
       [](auto& o) {
         o.max_waiting_requests = 0;
         o.check_after_idle = 0ns;
       }},
      {"check_timeout", [](auto& o) { o.check_timeout = 0s; }},
      {"open_timeout", [](auto& o) { o.open_timeout = 0s; }},
      {"max_concurrent_openings",
       [](auto& o) { o.max_concurrent_openings = 0; }},
      {"max_concurrent_openings",
       [](auto& o) { o.max_concurrent_openings = 1001; }},
      {"backoff_initial", [](auto& o) { o.backoff_initial = 0s; }},
      {"backoff_max", [](auto& o) { o.backoff_max = o.backoff_initial - 1ns; }},
      {"statement_timeout", [](auto& o) { o.statement_timeout = 0s; }},
      {"server_statement_timeout",
       [](auto& o) { o.server_statement_timeout = 0s; }},
      {"server_statement_timeout",
       [](auto& o) { o.server_statement_timeout = 24h * 30; }},
      {"cancel_grace", [](auto& o) { o.cancel_grace = 0s; }},
      {"leak_threshold", [](auto& o) { o.leak_threshold = 0s; }},
      {"close_timeout", [](auto& o) { o.close_timeout = 0s; }},
      {"max_query_names", [](auto& o) { o.max_query_names = 0; }},
      {"max_query_names", [](auto& o) { o.max_query_names = 10'001; }},
  };
  for (const auto& [field, change] : cases) {
    const std::string message = complaint(change);
    EXPECT_TRUE(message.starts_with("PoolOptions::" + field + " is "))
        << field << ": " << message;
  }
}

TEST(Options, TheFirstWrongFieldIsTold) {
  const std::string message = complaint([](PoolOptions& o) {
    o.max_query_names = 0;
    o.max_connections = 0;
  });
  EXPECT_TRUE(message.starts_with("PoolOptions::max_connections")) << message;
}

}  // namespace
}  // namespace dbpool
