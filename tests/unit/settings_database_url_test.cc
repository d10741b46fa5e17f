// load_settings(): DATABASE_URLs that were written for other drivers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "exporter/settings/settings.h"
#include "tests/support/scoped_env.h"
#include "tests/support/temp_dir.h"
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

TEST(DatabaseUrl, AKeywordOfOtherDriversIsNamedBehindAPasswordToo) {
  EXPECT_THAT(
      mistakes({{"DATABASE_URL", "postgres://db/x?password=a&schema=b&c=d"}}),
      testing::ElementsAre("DATABASE_URL: unknown keyword \"schema\": expected "
                           "options=-csearch_path%3DNAME"));
}

TEST(DatabaseUrl, APartOfAPasswordIsNotTakenForAKeyword) {
  for (const char* url :
       {"host=db password=my hunter2=x", "postgres://app:a@db?hunter2=1@db/x",
        "postgres://app@db/x?password=a&hunter2",
        "postgres://app@db/x?password=a&hunter2=1",
        "postgres://app@db/x?sslpassword=a&b=1&hunter2=",
        "postgres://app@db/x?hunter2", "postgres://app:my?hunter2=1"}) {
    const auto settings = load_settings({}, {{"DATABASE_URL", url}});
    ASSERT_FALSE(settings.has_value()) << url;
    EXPECT_THAT(settings.error().errors, Each(Not(HasSubstr("hunter2"))));
  }
}

// What libpq's own variables and files add.
class Completion : public testing::Test {
 protected:
  static std::string line(const std::string& url) {
    const auto settings = load_settings({}, {{"DATABASE_URL", url}});
    EXPECT_FALSE(settings.has_value()) << url;
    if (settings) return "";
    const auto& lines = settings.error().errors;
    EXPECT_THAT(lines, SizeIs(1));
    EXPECT_THAT(lines, Each(Not(HasSubstr("hunter2"))));
    return lines.at(0);
  }

  const test::TempDir folder_;
  const test::ScopedEnv user_{"PGUSER", nullptr};
  const test::ScopedEnv database_{"PGDATABASE", nullptr};
  const test::ScopedEnv host_{"PGHOST", nullptr};
  const test::ScopedEnv service_{"PGSERVICE", nullptr};
  const test::ScopedEnv file_{"PGSERVICEFILE", nullptr};
  const test::ScopedEnv passfile_{"PGPASSFILE", nullptr};
  const test::ScopedEnv password_{"PGPASSWORD", nullptr};
  const test::ScopedEnv home_{"HOME", folder_.path().c_str()};
};

TEST_F(Completion, AConnectionStringIsNoNameOfADatabase) {
  constexpr const char* kUri = "postgres://app:hunter2@db/x";
  for (const std::string& url :
       {std::string("host=db dbname=") + kUri,
        std::string("host=db dbname='host=db password=hunter2'"),
        std::string("host=db dbname=x://hunter2")}) {
    EXPECT_THAT(line(url), HasSubstr("DATABASE_URL: dbname: the name of the "
                                     "database"));
  }
  const test::ScopedEnv database("PGDATABASE", kUri);
  EXPECT_THAT(line("host=db"), HasSubstr("PGDATABASE: the name"));
  EXPECT_EQ(load({{"DATABASE_URL", "host=db dbname=x"}})
                .pools.at(0)
                .database->database(),
            "x");
}

TEST_F(Completion, AUserWithAPasswordIsNoNameOfAUser) {
  EXPECT_THAT(line("host=db user=app:hunter2"),
              HasSubstr("DATABASE_URL: user: the name of the user has the "
                        "shape name:something"));
  EXPECT_THAT(line("postgres://app%3Ahunter2@db/x"), HasSubstr("user: "));
  const test::ScopedEnv user("PGUSER", "app:hunter2");
  EXPECT_THAT(line("host=db dbname=x"), HasSubstr("PGUSER: the name"));
  (void)load({{"DATABASE_URL", "host=db user=app"}});
}

TEST_F(Completion, AUserWithAPasswordIsNoPartOfAHost) {
  for (const char* url : {"host=app:hunter2@db", "host=postgres://a:hunter2@b",
                          "host=a,hunter2@b"}) {
    EXPECT_THAT(line(url), HasSubstr("host: the name of the host"));
  }
  (void)load({{"DATABASE_URL", "host=@abstract,/run/me@home user=app"}});
}

TEST_F(Completion, AServiceThatIsNotThereStopsTheStart) {
  EXPECT_THAT(line("service=hunter2"), HasSubstr("is not defined; accepted"));
  const std::string path = folder_.path() + "/services";
  const test::ScopedEnv file("PGSERVICEFILE", path.c_str());
  EXPECT_THAT(line("service=orders"), HasSubstr("\" not found; accepted"));
  test::write_file(path, "[orders]\npassword hunter2\n");
  EXPECT_THAT(line("service=orders"), HasSubstr("line 2; accepted"));
  test::write_file(path, "[orders]\nuser=app:hunter2\n");
  EXPECT_THAT(line("service=orders"), HasSubstr("the service file's user: "));
  test::write_file(path, "[orders]\nport=hunter2\n");
  EXPECT_THAT(line("service=orders"), HasSubstr("a port is not a number"));
  test::write_file(path, "[orders]\nhost=db\n");
  const test::ScopedEnv service("PGSERVICE", "orders");
  EXPECT_EQ(load({{"DATABASE_URL", "user=app"}}).pools.at(0).database->host(),
            "db");
}

TEST_F(Completion, APasswordFileThatOthersMayReadIsWarnedOf) {
  const Environment target = {{"DATABASE_URL", "host=db user=app"}};
  const auto has_warning = testing::Contains(HasSubstr("password file"));
  EXPECT_THAT(notices(load(target)), Not(has_warning));
  const std::string path = folder_.path() + "/.pgpass";
  test::write_file(path, "*:*:*:*:hunter2\n");
  ::chmod(path.c_str(), 0644);
  EXPECT_THAT(notices(load(target)),
              testing::Contains("the password file \"" + path +
                                "\" is not used: group or others have access "
                                "(mode 0644); make it 0600"));
  EXPECT_THAT(notices(load({{"DATABASE_URL", "host=db password=a"}})),
              Not(has_warning));
  ::chmod(path.c_str(), 0600);
  EXPECT_THAT(notices(load(target)), Not(has_warning));
  const test::ScopedEnv other("PGPASSFILE", "/dev/null");
  EXPECT_THAT(notices(load(target)), Not(has_warning));
  const test::ScopedEnv folder("PGPASSFILE", folder_.path().c_str());
  EXPECT_THAT(notices(load(target)), has_warning);
}

}  // namespace
}  // namespace dbpool::exporter
