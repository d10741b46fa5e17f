// Deciding on TLS in tests.
#ifndef DBPOOL_TESTS_UNIT_SETTINGS_TLS_FIXTURE_H_
#define DBPOOL_TESTS_UNIT_SETTINGS_TLS_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>

#include "exporter/settings/tls.h"

namespace dbpool::exporter::settings_test {

inline constexpr const char* kDatabase = "postgres://db/x";

struct Decided {
  TlsDecision decision;
  std::string mode = "unset";
  std::string roots = "unset";
};

inline Decided decide(const std::string& url, TlsWishes wishes) {
  auto database = ConnectionString::parse(url);
  EXPECT_TRUE(database.has_value()) << url;
  Decided decided;
  decided.decision = decide_tls(*database, wishes);
  decided.mode = database->get("sslmode").value_or("unset");
  decided.roots = database->get("sslrootcert").value_or("unset");
  return decided;
}

}  // namespace dbpool::exporter::settings_test

#endif  // DBPOOL_TESTS_UNIT_SETTINGS_TLS_FIXTURE_H_
