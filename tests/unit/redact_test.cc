#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/error.h"

namespace dbpool {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Pairs = std::vector<std::pair<std::string, std::string>>;

void expect_redacted(const Pairs& pairs) {
  for (const auto& [text, expected] : pairs) {
    EXPECT_EQ(redact(text), expected) << text;
  }
}

TEST(Redact, HidesThePasswordOfAUri) {
  expect_redacted({
      {"postgresql://app:pw@db/x", "postgresql://app:***@db/x"},
      {"postgres://app:p%40w%2F@db:5432/x", "postgres://app:***@db:5432/x"},
      {"postgres://:pw@db", "postgres://:***@db"},
      {"postgres://app:@db", "postgres://app:***@db"},
      {"https://me:pw@example.com/a", "https://me:***@example.com/a"},
      {"a postgres://u:pw@h/d b postgres://v:pq@i/e c",
       "a postgres://u:***@h/d b postgres://v:***@i/e c"},
      {"postgres://u:pw@a:1,b:2/d?target_session_attrs=any",
       "postgres://u:***@a:1,b:2/d?target_session_attrs=any"},
      {"postgres://u:pw@[::1]:1/d", "postgres://u:***@[::1]:1/d"},
  });
}

TEST(Redact, HidesThePasswordOfAUriThatIsPercentEncodedItself) {
  expect_redacted({
      {"target=postgresql%3A%2F%2Fapp%3Apw%40db%2Fx&a=b",
       "target=postgresql%3A%2F%2Fapp%3A***%40db%2Fx&a=b"},
      {"postgres%3a%2f%2fapp%3ap%2540w%40db",
       "postgres%3a%2f%2fapp%3a***%40db"},
      {"postgres%3A%2F%2Fapp:p@w@db", "postgres%3A%2F%2Fapp:***@db"},
      {"postgres%3A%2F%2Fapp%40db%3A5432", "postgres%3A%2F%2Fapp%40db%3A5432"},
      {"100%3A%2F", "100%3A%2F"},
  });
}

TEST(Redact, HidesPrivateKeys) {
  expect_redacted({
      {"a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b",
       "a *** b"},
      {"-----BEGIN EC PRIVATE KEY-----\nMIIE", "***"},
      {"-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
       "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"},
      {"given LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t there", "given *** there"},
      {"DB_SSL_KEY=abc def", "DB_SSL_KEY=*** def"},
      {"passphrase=abc", "passphrase=***"},
  });
}

TEST(Redact, HidesPasswordsThatShouldHaveBeenEncoded) {
  expect_redacted({
      {"postgres://u:p@w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p/w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p:w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p?w=1@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p#w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p\"w@db/x", "postgres://u:***@db/x"},
      {"\"postgres://u:p\"w@db/x\"", "\"postgres://u:***@db/x\""},
      {"postgres://u:123@db/x", "postgres://u:***@db/x"},
      {"postgres://u:123,4@db/x", "postgres://u:***@db/x"},
      {"postgres://u:pw", "postgres://u:***"},
      {"postgres://u:pw and more", "postgres://u:*** and more"},
  });
}

TEST(Redact, HidesSecretsInTheQueryOfAUri) {
  expect_redacted({
      {"postgres://db/x?password=pw", "postgres://db/x?password=***"},
      {"postgres://db/x?user=u&password=pw&sslmode=require",
       "postgres://db/x?user=u&password=***&sslmode=require"},
      {"postgres://db/x?sslpassword=p%26w&sslkey=/k&port=1",
       "postgres://db/x?sslpassword=***&sslkey=***&port=1"},
      {"postgres://db/x?pass%77ord=pw", "postgres://db/x?pass%77ord=***"},
      {"postgres://u:pw@db/x?application_name=a@b",
       "postgres://u:***@db/x?application_name=a@b"},
      {"postgres://db:5432/x?user=me@corp",
       "postgres://db:5432/x?user=me@corp"},
  });
}

TEST(Redact, HidesValuesOfKeywords) {
  expect_redacted({
      {"host=db password=pw dbname=x", "host=db password=*** dbname=x"},
      {"password = pw user=u", "password = *** user=u"},
      {"password='p w' user=u", "password=*** user=u"},
      {"password='p\\'w' user=u", "password=*** user=u"},
      {"password='p\\\\' user=u", "password=*** user=u"},
      {"password=p\\ w user=u", "password=*** user=u"},
      {"password=\"p w\" user=u", "password=*** user=u"},
      {"password='never closed user=u", "password=***"},
      {"password=p&w=@ user=u", "password=*** user=u"},
      {"sslpassword=pw sslkey='/a b' x=y", "sslpassword=*** sslkey=*** x=y"},
      {"PGPASSWORD=pw psql", "PGPASSWORD=*** psql"},
      {"PASSWORD=pw", "PASSWORD=***"},
      {"password=", "password="},
  });
}

TEST(Redact, StopsAtTheQuotesAround) {
  expect_redacted({
      {R"({"url":"postgres://u:pw@h/d","mail":"a@b"})",
       R"({"url":"postgres://u:***@h/d","mail":"a@b"})"},
      {R"({"dsn":"host=h password=pw","n":1})",
       R"({"dsn":"host=h password=***","n":1})"},
      {R"({"dsn":"password='p w' host=h","n":1})",
       R"({"dsn":"password=*** host=h","n":1})"},
      {R"(msg="password=\"p w\" host=h" n=1)",
       R"(msg="password=*** host=h" n=1)"},
      {R"(msg="password='p\\'w' host=h" n=1)",
       R"(msg="password=*** host=h" n=1)"},
      {R"(url="postgres://h/d?password=pw" n=1)",
       R"(url="postgres://h/d?password=***" n=1)"},
      {R"({"dsn":"password="})", R"({"dsn":"password="})"},
  });
}

TEST(Redact, LeavesOtherTextAlone) {
  const std::vector<std::string> texts = {
      "",
      "password authentication failed for user \"app\"",
      "postgres://db:5432/x",
      "postgres://u@db:5432/x",
      "postgres://a:1,b:2/x",
      "postgres://[::1]:5432/x?sslmode=require",
      "connect to postgres://[::1]:5432/x failed, tell admin@example.com",
      "connect to postgres://db:5432, then tell admin@example.com",
      "passwords=1x passfile=/home/me/.pgpass",
      "a = b :// c",
      "\xFF\xFE \"unbalanced",
  };
  for (const std::string& text : texts) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(Redact, IsTheSameWhenDoneTwice) {
  const std::vector<std::string> texts = {
      "postgres://u:pw@db/x?password=a", "password='a b' sslkey=k",
      "postgres://u:pw and more", R"({"dsn":"host=h password=pw","n":1})"};
  for (const std::string& text : texts) {
    EXPECT_EQ(redact(redact(text)), redact(text)) << text;
  }
}

TEST(Redact, NoEncodedPasswordSurvives) {
  // Passwords of awkward characters, written as libpq wants them.
  std::mt19937 random(7);
  const std::string awkward = "abc019:/?#@%&=+ '\"\\,[]{}<>|;.~\t";
  for (int round = 0; round < 20'000; ++round) {
    std::string quoted;
    std::string encoded;
    for (int i = 0; i < 8; ++i) {
      const char character = awkward[random() % awkward.size()];
      if (character == '\'' || character == '\\') quoted += '\\';
      quoted += character;
      const char* const digits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(character);
      encoded += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
    EXPECT_EQ(redact("host=h password='" + quoted + "' user=u"),
              "host=h password=*** user=u");
    EXPECT_EQ(redact("postgres://u:" + encoded + "@h/d"),
              "postgres://u:***@h/d");
  }
}

TEST(Redact, SurvivesAnyBytes) {
  std::mt19937 random(11);
  const std::string alphabet = "pasword=sl://:@?&'\"\\ %7\n[]";
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::size_t length = random() % 60;
    for (std::size_t i = 0; i < length; ++i) {
      text += alphabet[random() % alphabet.size()];
    }
    const std::string once = redact("password=pl4nted " + text);
    EXPECT_THAT(once, Not(HasSubstr("pl4nted")));
  }
}

}  // namespace
}  // namespace dbpool
