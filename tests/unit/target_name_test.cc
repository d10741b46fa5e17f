// The parameter `target` of /probe, read as somebody would write it who wants
// more than a target.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "exporter/targets/target_name.h"

namespace dbpool::exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

// As it is understood, or "" when it is refused.
std::string understood(const std::string& text) {
  const auto target = parse_target(text);
  return target ? to_string(*target) : "";
}

TEST(TargetNameTest, HostPortAndDatabaseAreTaken) {
  EXPECT_EQ(understood("db1.example.org"), "db1.example.org:5432/");
  EXPECT_EQ(understood("db1.example.org:6432"), "db1.example.org:6432/");
  EXPECT_EQ(understood("db1/orders"), "db1:5432/orders");
  EXPECT_EQ(understood("db_1-a:1/o_r-d.e$rs"), "db_1-a:1/o_r-d.e$rs");
  EXPECT_EQ(understood("10.1.2.3:65535/orders"), "10.1.2.3:65535/orders");
  EXPECT_EQ(understood("[2001:db8::7]"), "[2001:db8::7]:5432/");
  EXPECT_EQ(understood("[2001:db8::7]:5433/orders"),
            "[2001:db8::7]:5433/orders");
}

TEST(TargetNameTest, WhatMeansOneTargetIsWrittenOneWay) {
  EXPECT_EQ(understood("DB1.Example.ORG./x"), "db1.example.org:5432/x");
  EXPECT_EQ(understood("[2001:DB8:0:0:0:0:0:7]:05432/x"),
            "[2001:db8::7]:5432/x");
  EXPECT_EQ(understood("[::ffff:10.1.2.3]/x"), "10.1.2.3:5432/x");
  EXPECT_EQ(understood("[::ffff:0a01:0203]/x"), "10.1.2.3:5432/x");
}

TEST(TargetNameTest, NumbersThatOnlySomeReadAsAnAddressAreRefused) {
  for (const char* text : {"2130706433",
                           "0x7f000001",
                           "0x7f.1",
                           "017700000001",
                           "127.1",
                           "127.0.1",
                           "0177.0.0.1",
                           "0x7f.0.0.1",
                           "127.0.0.1.",
                           "1.2.3.4.5",
                           "127.0.0.01",
                           "10.0.0.256",
                           "db.127",
                           "db.0x1",
                           "[127.0.0.1]",
                           "::1",
                           "::1:5432",
                           "[::1",
                           "[::1]x",
                           "[]",
                           "[fe80::1%25eth0]",
                           "[fe80::1%eth0]",
                           "[::ffff:127.1]",
                           "[::1]]",
                           "[[::1]]"}) {
    EXPECT_EQ(understood(text), "") << text;
  }
}

TEST(TargetNameTest, NothingButATargetCanBeSaid) {
  for (const std::string text : {"",
                                 "/",
                                 ":5432",
                                 "/run/postgresql",
                                 "/run/postgresql/orders",
                                 "@abstract",
                                 "%2Frun%2Fpostgresql",
                                 "user@db",
                                 "user:pw@db:5432/x",
                                 "postgresql://db/x",
                                 "postgres://db",
                                 "http://db",
                                 "db1,db2",
                                 "db1:5432,db2:5433",
                                 "db:5432/x?sslmode=disable",
                                 "db?host=evil",
                                 "db/x&host=evil",
                                 "db#x",
                                 "db/x#y",
                                 "db x",
                                 " db",
                                 "db ",
                                 "db/ x",
                                 "db\tx",
                                 "db\n",
                                 "db/x\n",
                                 "db/x\r\nhost",
                                 "'db'",
                                 "\"db\"",
                                 "db'",
                                 "db\\x",
                                 "host=evil",
                                 "db/host=evil",
                                 "db/dbname=x host=evil",
                                 "db/x host=evil",
                                 "db/postgresql:",
                                 "db/service:x",
                                 "db/x,y",
                                 "db/x/y",
                                 "db//x",
                                 "db/",
                                 "db:",
                                 "db:/x",
                                 "db:0",
                                 "db:65536",
                                 "db:-1",
                                 "db:+1",
                                 "db:5432x",
                                 "db:0x10",
                                 "db: 5432",
                                 "db:5432:5433",
                                 "db/..%2f",
                                 "db/%00",
                                 "-db",
                                 "db-",
                                 "db..x",
                                 ".db",
                                 ".",
                                 "*",
                                 "*.example.org",
                                 "d\xc3\xb6/x",
                                 "db/\xc3\xb6",
                                 "\xff",
                                 "db/x;y",
                                 "db/`x`",
                                 "db/(x)",
                                 "db/{x}",
                                 "db/x@y",
                                 "db/x:y",
                                 "db/~",
                                 "db/x|y",
                                 "db/<x>"}) {
    EXPECT_EQ(understood(text), "") << text;
  }
  EXPECT_EQ(understood(std::string("db\0.evil", 8)), "");
  EXPECT_EQ(understood(std::string("db/x\0y", 6)), "");
  EXPECT_EQ(understood(std::string("127.0.0.1\0", 10)), "");
}

TEST(TargetNameTest, LengthsAreBounded) {
  EXPECT_NE(understood(std::string(63, 'a')), "");
  EXPECT_EQ(understood(std::string(64, 'a')), "");
  EXPECT_NE(understood("db/" + std::string(63, 'a')), "");
  EXPECT_EQ(understood("db/" + std::string(64, 'a')), "");
  std::string name;
  for (int i = 0; i < 200; ++i) name += "a.";
  EXPECT_EQ(understood(name + "a"), "");
  EXPECT_EQ(understood(std::string(100'000, 'a')), "");
}

TEST(TargetNameTest, AMistakeRepeatsNothingOfTheText) {
  for (const char* text :
       {"user:s3cret@db", "db:s3cret", "db/s3cret=", "s3cret@"}) {
    const auto target = parse_target(text);
    ASSERT_FALSE(target);
    EXPECT_THAT(target.error(), HasSubstr("expected "));
    EXPECT_THAT(target.error(), Not(HasSubstr("s3cret")));
  }
}

}  // namespace
}  // namespace dbpool::exporter
