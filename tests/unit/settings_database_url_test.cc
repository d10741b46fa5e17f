// load_settings(): DATABASE_URLs that were written for other drivers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "exporter/settings/settings.h"
#include "tests/unit/settings_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

TEST(DatabaseUrl, KeywordsOfOtherDriversAreNamedWithWhatTakesTheirPlace) {
  const auto line = [](const std::string& url) {
    const auto lines = mistakes({{"DATABASE_URL", url}});
    EXPECT_THAT(lines, SizeIs(1));
    EXPECT_THAT(lines, Each(Not(HasSubstr("hunter2"))));
    return lines.at(0);
  };
  const std::string url = "postgres://app:hunter2@db/x?";
  EXPECT_EQ(line(url + "schema=hunter2"),
            "DATABASE_URL: unknown keyword \"schema\": expected "
            "options=-csearch_path%3DNAME");
  EXPECT_EQ(line(url + "sslmode=require&pgbouncer=true&connection_limit=1"),
            "DATABASE_URL: unknown keyword \"pgbouncer\": expected nothing in "
            "its place (PgBouncer works in session mode); unknown keyword "
            "\"connection_limit\": expected DB_POOL_MAX");
  EXPECT_THAT(line(url + "pool_timeout=1"), HasSubstr("CONNECTION_TIMEOUT"));
  EXPECT_THAT(line(url + "sslaccept=strict"), HasSubstr("verify-full"));
  EXPECT_THAT(line(url + "uselibpqcompat=true"), HasSubstr("expected nothing"));
  EXPECT_EQ(line(url + "sslmode=no-verify"),
            "DATABASE_URL: sslmode=no-verify is Node's; expected "
            "sslmode=require in its place, which encrypts and verifies "
            "nothing");
  EXPECT_EQ(line(url + "sslmod=require"),
            "DATABASE_URL: unknown keyword \"sslmod\": expected one of "
            "libpq's, the nearest known one is sslmode");
  EXPECT_THAT(line(url + "options=-chunter2&nosuch=hunter2"),
              HasSubstr("unknown keyword \"nosuch\""));
  EXPECT_THAT(line("host=db schema=hunter2"), HasSubstr("\"schema\""));
}

TEST(DatabaseUrl, APartOfAPasswordIsNotTakenForAKeyword) {
  for (const char* url : {"host=db password=my hunter2=x",
                          "postgres://app:a@db?hunter2=1@db/x"}) {
    const auto settings = load_settings({}, {{"DATABASE_URL", url}});
    ASSERT_FALSE(settings.has_value()) << url;
    EXPECT_THAT(settings.error().errors, Each(Not(HasSubstr("hunter2"))));
  }
}

}  // namespace
}  // namespace dbpool::exporter
