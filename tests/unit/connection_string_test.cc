#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connect.h"
#include "tests/support/scoped_env.h"

namespace dbpool {
namespace {

using test::ScopedEnv;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSecret = "s3cret-Qz7";

// Without what the machine's environment says about PostgreSQL.
class ConnectionStringTest : public testing::Test {
 private:
  ScopedEnv host_{"PGHOST", nullptr};
  ScopedEnv hostaddr_{"PGHOSTADDR", nullptr};
  ScopedEnv port_{"PGPORT", nullptr};
  ScopedEnv user_{"PGUSER", nullptr};
  ScopedEnv database_{"PGDATABASE", nullptr};
  ScopedEnv service_{"PGSERVICE", nullptr};
};

ConnectionString parsed(std::string_view text) {
  auto result = ConnectionString::parse(text);
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result ? *result : ConnectionString();
}

std::string refusal(std::string_view text) {
  const auto result = ConnectionString::parse(text);
  EXPECT_FALSE(result) << text.substr(0, 200);
  if (result) return {};
  EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(result.error().message, Not(HasSubstr(std::string(kSecret))));
  return result.error().message;
}

TEST_F(ConnectionStringTest, AUriIsReadInFull) {
  const auto target = parsed(
      "postgresql://app:s3cret-Qz7@db.example:6432/orders?sslmode=require");
  ASSERT_EQ(target.hosts().size(), 1U);
  EXPECT_EQ(target.host(), "db.example");
  EXPECT_EQ(target.port(), "6432");
  EXPECT_EQ(target.database(), "orders");
  EXPECT_EQ(target.user(), "app");
  EXPECT_EQ(target.get("password"), std::string(kSecret));
  EXPECT_EQ(target.get("sslmode"), "require");
  EXPECT_EQ(target.get("application_name"), std::nullopt);
  EXPECT_EQ(target.description(), "postgresql://app@db.example:6432/orders");
}

TEST_F(ConnectionStringTest, KeywordsAndValuesAreReadInFull) {
  const auto target = parsed(
      "host=db.example port = 6432 dbname='my db' user=app "
      "password='it\\'s s3cret-Qz7'");
  EXPECT_EQ(target.host(), "db.example");
  EXPECT_EQ(target.database(), "my db");
  EXPECT_EQ(target.get("password"), "it's s3cret-Qz7");
  EXPECT_EQ(target.description(), "postgresql://app@db.example:6432/my%20db");
}

TEST_F(ConnectionStringTest, PercentEncodingIsDecoded) {
  const auto target = parsed("postgres://us%40er:p%2F%3A%25@db/na%20me");
  EXPECT_EQ(target.user(), "us@er");
  EXPECT_EQ(target.get("password"), "p/:%");
  EXPECT_EQ(target.database(), "na me");
  EXPECT_EQ(target.description(), "postgresql://us%40er@db:5432/na%20me");
}

TEST_F(ConnectionStringTest, DefaultsAreThoseOfLibpq) {
  const auto target = parsed("postgresql://app@db");
  EXPECT_EQ(target.port(), "5432");
  EXPECT_EQ(target.database(), "app");
  EXPECT_EQ(target.get("port"), std::nullopt);
  const auto nothing = parsed("postgresql://");
  ASSERT_EQ(nothing.hosts().size(), 1U);
  EXPECT_TRUE(nothing.hosts()[0].is_socket()) << nothing.host();
  EXPECT_FALSE(nothing.user().empty());
  EXPECT_EQ(nothing.database(), nothing.user());
}

TEST_F(ConnectionStringTest, TheEnvironmentFillsGaps) {
  const ScopedEnv host("PGHOST", "one,two");
  const ScopedEnv port("PGPORT", "6001,6002");
  const ScopedEnv user("PGUSER", "somebody");
  const ScopedEnv database("PGDATABASE", "things");
  const auto target = parsed("sslmode=disable");
  EXPECT_EQ(target.host(), "one,two");
  EXPECT_EQ(target.port(), "6001,6002");
  EXPECT_EQ(target.user(), "somebody");
  EXPECT_EQ(target.database(), "things");
  EXPECT_EQ(parsed("host=three port=5").host(), "three");
}

TEST_F(ConnectionStringTest, AServiceFileFillsGaps) {
  const std::string path = testing::TempDir() + "dbpool_pg_service.conf";
  std::ofstream(path) << "[orders]\nhost=db.service\nport=7000\n"
                         "dbname=orders\nuser=clerk\n";
  const ScopedEnv file("PGSERVICEFILE", path.c_str());
  EXPECT_EQ(parsed("service=orders").description(),
            "postgresql://clerk@db.service:7000/orders");
  EXPECT_EQ(parsed("service=orders host=other").host(), "other");
  std::remove(path.c_str());
}

TEST_F(ConnectionStringTest, ASecretInThePlaceOfANameIsNeitherShownNorFine) {
  const auto target = parsed(
      "host=a:s3cret-Qz7@b,c user=app:s3cret-Qz7 "
      "dbname=postgres://app:s3cret-Qz7@b/orders");
  EXPECT_EQ(target.host(), "***@b,c");
  EXPECT_EQ(target.user(), "app:***");
  EXPECT_EQ(target.database(), "postgres://app:***@b/orders");
  EXPECT_THAT(target.description(), Not(HasSubstr(std::string(kSecret))));
  EXPECT_EQ(parsed("host=h user=app:s3cret-Qz7").database(), "app:***");
  EXPECT_FALSE(target.check_completed());
  EXPECT_TRUE(parsed("host=h user=app dbname=d").check_completed());
}

TEST_F(ConnectionStringTest, ANameAndSomethingIsNoHostAndNoDatabase) {
  const auto host = parsed("host=app:s3cret-Qz7 dbname=d user=u");
  EXPECT_FALSE(host.check_completed());
  EXPECT_EQ(host.host(), "app:***");
  const auto database = parsed("postgresql://u@h/app:s3cret-Qz7");
  EXPECT_FALSE(database.check_completed());
  EXPECT_EQ(database.database(), "app:***");
  for (const char* good : {"host=::1 user=u dbname=d", "host=/tmp/a:b user=u",
                           "host=fe80::1 user=u dbname=d"}) {
    EXPECT_TRUE(parsed(good).check_completed()) << good;
  }
  EXPECT_EQ(parsed("host=fe80::1").host(), "fe80::1");
}

TEST_F(ConnectionStringTest, ItsPasswordIsHiddenInAnyText) {
  const ScopedEnv password("PGPASSWORD", "env-Qz7");
  EXPECT_EQ(parsed("password=s3cret-Qz7 sslpassword=other-Qz7")
                .redact("s3cret-Qz7 other-Qz7 env-Qz7 password=x"),
            "*** *** env-Qz7 password=***");
  EXPECT_EQ(parsed("user=u").redact("SELECT 'env-Qz7'"), "SELECT '***'");
  // A mask would tell that the name is the password.
  EXPECT_EQ(parsed("user=orders password=orders").redact("FROM orders"),
            "FROM orders");
}

TEST_F(ConnectionStringTest, SeveralHostsKeepTheirOrderAndPorts) {
  const auto target = parsed("postgresql://app@a:1001,b,c:1003/db");
  const auto hosts = target.hosts();
  ASSERT_EQ(hosts.size(), 3U);
  EXPECT_EQ(hosts[0].name, "a");
  EXPECT_EQ(hosts[1].name, "b");
  EXPECT_EQ(hosts[1].port, "5432");
  EXPECT_EQ(hosts[2].port, "1003");
  EXPECT_EQ(target.host(), "a,b,c");
  EXPECT_EQ(target.port(), "1001,5432,1003");
  EXPECT_EQ(target.description(), "postgresql://app@a:1001,b:5432,c:1003/db");
  EXPECT_EQ(parsed("host=a,b port=7 user=u dbname=d").port(), "7,7");
}

TEST_F(ConnectionStringTest, AddressesGoWithTheirNames) {
  const auto hosts = parsed("host=a,b hostaddr=10.0.0.1,::1 user=u").hosts();
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[1].name, "b");
  EXPECT_EQ(hosts[1].address, "::1");
  EXPECT_EQ(parsed("hostaddr=10.0.0.9").host(), "10.0.0.9");
}

TEST_F(ConnectionStringTest, Ipv6AddressesStandInBrackets) {
  const auto target = parsed("postgresql://app@[2001:db8::7]:6000/db");
  EXPECT_EQ(target.host(), "2001:db8::7");
  EXPECT_EQ(target.port(), "6000");
  EXPECT_EQ(target.description(), "postgresql://app@[2001:db8::7]:6000/db");
}

TEST_F(ConnectionStringTest, SocketsAreFoldersOrAbstractNames) {
  const auto target = parsed("postgresql://app@%2Frun%2Fpg:6000/db");
  ASSERT_EQ(target.hosts().size(), 1U);
  EXPECT_TRUE(target.hosts()[0].is_socket());
  EXPECT_EQ(target.host(), "/run/pg");
  EXPECT_EQ(target.description(), "postgresql://app@%2Frun%2Fpg:6000/db");
  EXPECT_TRUE(parsed("host=@abstract").hosts()[0].is_socket());
  EXPECT_FALSE(parsed("host=db").hosts()[0].is_socket());
}

TEST_F(ConnectionStringTest, ADescriptionHoldsNoSecretAndParsesAgain) {
  const auto target = parsed(
      "postgresql://a%40p:s3cret-Qz7@a,b:7/o%2Fo"
      "?sslpassword=s3cret-Qz7&application_name=x");
  const std::string description = target.description();
  EXPECT_THAT(description, Not(HasSubstr(std::string(kSecret))));
  const auto again = parsed(description);
  EXPECT_EQ(again.host(), target.host());
  EXPECT_EQ(again.user(), "a@p");
  EXPECT_EQ(again.database(), "o/o");
  EXPECT_EQ(again.get("password"), std::nullopt);
}

TEST_F(ConnectionStringTest, ARefusalSaysWhatIsWrongAndNeverQuotes) {
  struct Case {
    std::string text;
    std::string words;
  };
  const std::vector<Case> cases = {
      {"", "empty"},
      {" \n\t ", "empty"},
      {"mysql://app:s3cret-Qz7@db/x", "scheme"},
      {"s3cret-Qz7", "followed by ="},
      {"host=db s3cret-Qz7", "followed by ="},
      {"host=db password='s3cret-Qz7", "quote"},
      {"host=db s3cret-Qz7=1", "unknown"},
      {"postgresql://app:s3cret-Qz7@db/x?s3cret-Qz7=1", "unknown"},
      {"postgresql://app:s3cret-Qz7@db/x?s3cret-Qz7", "keyword=value"},
      {"postgresql://app:%s3cret-Qz7@db/x", "hexadecimal"},
      {"postgresql://app:a%00s3cret-Qz7@db/x", "%00"},
      {"postgresql://app:s3cret-Qz7@[::1/x", "]"},
      {"postgresql://app:s3cret-Qz7@[]/x", "empty"},
      {"postgresql://app:s3cret-Qz7@[::1]s3cret-Qz7/x", "follows the ]"},
      {"postgresql://app:s3cret/s3cret-Qz7@db/x", "an @ stands where"},
      {"postgresql://app@db:s3cret-Qz7/x", "1 to 65535"},
      {"postgresql://app:p@s3cret-Qz7@db/x", "an @ stands where"},
      {"postgres://app:1234/s3cret-Qz7@db:5432/x", "an @ stands where"},
      {"postgresql://app:p@db/s3cret-Qz7@db/x", "an @ stands where"},
      {"postgresql://db:0/x", "1 to 65535"},
      {"postgresql://db:65536/x", "1 to 65535"},
      {"host=db port=-1", "1 to 65535"},
      {"host=db port=5432x", "1 to 65535"},
      {"host=db port=99999999999999999999", "1 to 65535"},
      {"host=a,b,c port=1,2", "2 ports for 3 hosts"},
      {"host=a,b hostaddr=10.0.0.1", "one address for each name"},
      {"hostaddr=s3cret-Qz7", "not an IPv4 or IPv6 address"},
      {"host=db sslmode=s3cret-Qz7", "verify-full"},
      {"host=db target_session_attrs=s3cret-Qz7", "prefer-standby"},
      {"host=db connect_timeout=s3cret-Qz7", "connect_timeout"},
      {"host=db keepalives_idle=1.5", "keepalives_idle"},
      {"postgresql://app:s3cret-Qz7@\xFF/x", "UTF-8"},
      {"postgresql://%FF:s3cret-Qz7@db/x", "UTF-8"},
      {"postgresql://app:s3cret-Qz7@db/\xC0\xAF", "UTF-8"},
      {std::string("host=db\0 password=s3cret-Qz7", 28), "NUL"},
      {"password=s3cret-Qz7 host=" + std::string(100'000, 'a'), "longer"},
      {"password=s3cret-Qz7 host=" + std::string(100, ','), "at most 64"},
  };
  for (const Case& each : cases) {
    EXPECT_THAT(refusal(each.text), HasSubstr(each.words))
        << each.text.substr(0, 200);
  }
}

TEST_F(ConnectionStringTest, AnAtSignInAParameterIsItsOwn) {
  EXPECT_EQ(parsed("postgresql://u@db/x?application_name=a@b")
                .get("application_name"),
            "a@b");
}

TEST_F(ConnectionStringTest, APasswordMayBeAnyBytes) {
  EXPECT_EQ(parsed("postgresql://u:%FF%FE@db").get("password"), "\xFF\xFE");
  const std::string large(60'000, 'x');
  EXPECT_EQ(parsed("password=" + large).get("password"), large);
}

TEST_F(ConnectionStringTest, SetReplacesAndChecks) {
  auto target = parsed("postgresql://app@db/x");
  EXPECT_TRUE(target.set("sslmode", "verify-full"));
  EXPECT_EQ(target.get("sslmode"), "verify-full");
  EXPECT_TRUE(target.set("host", "other"));
  EXPECT_EQ(target.host(), "other");
  EXPECT_TRUE(target.set("dbname", ""));
  EXPECT_EQ(target.database(), "app");

  const auto unknown = target.set("no_such_keyword", kSecret);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(unknown.error().message, Not(HasSubstr(std::string(kSecret))));
  EXPECT_FALSE(target.set("sslmode", "sometimes"));
  EXPECT_FALSE(target.set("port", "0"));
  EXPECT_FALSE(target.set("password", std::string_view("a\0b", 3)));
  EXPECT_EQ(target.get("sslmode"), "verify-full");
}

TEST_F(ConnectionStringTest, EqualsWhatSaysTheSameInOtherWords) {
  const auto target = parsed("postgresql://app:one@db:5432/x");
  EXPECT_EQ(target, parsed("dbname=x password=one user=app port=5432 host=db"));
  EXPECT_NE(target, parsed("postgresql://app:two@db:5432/x"));
  EXPECT_NE(target, parsed("postgresql://app:one@db:5432/x?sslmode=require"));
}

}  // namespace
}  // namespace dbpool
