#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/error.h"

namespace dbpool {
namespace {

using ::testing::AnyOf;
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
      {"LS0tLS1CRUdJTiBQUklWQVRF\npassword='a b' c", "***=*** c"},
      {"LS0tLS1CRUdJTiBQUklWQVRF==\r\npassword=abc d", "***=*** d"},
      {"LS0tLS1CRUdJTiBQ\n-----BEGIN PRIVATE KEY-----\nMIIE", "******"},
      {"DB_SSL_KEY=abc def", "DB_SSL_KEY=*** def"},
      {"passphrase=abc", "passphrase=***"},
      {"secret={\"password\": \"a b\"} c", "secret=***"},
  });
}

TEST(Redact, HidesPasswordsThatShouldHaveBeenEncoded) {
  expect_redacted({
      {"postgres://u:p@w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p/w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p:w@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p?w=1@db/x", "postgres://u:***@db/x"},
      {"postgres://u:p#w@db/x", "postgres://u:***@db/x"},
      {"postgres://u?v:pw@db/x", "postgres://u?v:***@db/x"},
      {"postgres://u#v:pw@db/x", "postgres://u#v:***@db/x"},
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

TEST(Redact, HidesLiteralsThatFollowASecretsNameInSql) {
  expect_redacted({
      {"ALTER ROLE app PASSWORD 'pl4nted'", "ALTER ROLE app PASSWORD ***"},
      {"alter role app password'pl4nted' valid until 'x'",
       "alter role app password***"},
      {"CREATE USER app ENCRYPTED PASSWORD 'pl''4nted' LOGIN;",
       "CREATE USER app ENCRYPTED PASSWORD *** LOGIN;"},
      {"ALTER ROLE app PASSWORD E'pl4\\'nted' LOGIN",
       "ALTER ROLE app PASSWORD ***"},
      {"ALTER ROLE app PASSWORD e'pl4nted' LOGIN",
       "ALTER ROLE app PASSWORD *** LOGIN"},
      {"ALTER ROLE app PASSWORD U&'pl4\\0061nted'",
       "ALTER ROLE app PASSWORD ***"},
      {"ALTER ROLE app PASSWORD $$pl4 nted$$ LOGIN",
       "ALTER ROLE app PASSWORD *** LOGIN"},
      {"ALTER ROLE app PASSWORD $a$pl4$$nted$a$ LOGIN",
       "ALTER ROLE app PASSWORD *** LOGIN"},
      {"ALTER ROLE app PASSWORD /* new */ 'pl4nted' -- today",
       "ALTER ROLE app PASSWORD /* new */ *** -- today"},
      {"ALTER ROLE app PASSWORD -- new\n'pl4'\n'nted' LOGIN",
       "ALTER ROLE app PASSWORD -- new\n*** LOGIN"},
      {"ALTER ROLE app PASSWORD '' LOGIN", "ALTER ROLE app PASSWORD *** LOGIN"},
      {"ALTER ROLE app PASSWORD 'pl4nt", "ALTER ROLE app PASSWORD ***"},
      {"ALTER ROLE app PASSWORD $$pl4nt", "ALTER ROLE app PASSWORD ***"},
      {"ALTER ROLE a PASSWORD 'pl4\\'; ALTER ROLE b PASSWORD 'nted'",
       "ALTER ROLE a PASSWORD ***"},
      {"ALTER ROLE a PASSWORD 'x'; ALTER ROLE b PASSWORD 'y'",
       "ALTER ROLE a PASSWORD ***; ALTER ROLE b PASSWORD ***"},
      {"EXECUTE 'ALTER ROLE app PASSWORD ''pl4nted''' USING 1",
       "EXECUTE 'ALTER ROLE app PASSWORD ***"},
      {"CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'p')",
       "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password ***)"},
      {"SELECT dblink_connect('host=h password=pl4nted dbname=d')",
       "SELECT dblink_connect('host=h password=*** dbname=d')"},
      {"SELECT dblink_connect('host=h password=''pl4 nted''')",
       "SELECT dblink_connect('host=h password=***"},
      {"SELECT f(password => 'pl4 nted', 1)", "SELECT f(password => ***, 1)"},
      {"SELECT f(password := 'pl4 nted', 1)", "SELECT f(password := ***, 1)"},
      {"UPDATE t SET password = E'pl4 nted', a = 1",
       "UPDATE t SET password = ***, a = 1"},
      {"UPDATE t SET password = crypt('pl4 nted', salt)",
       "UPDATE t SET password = ***"},
      {"SELECT set_config('app.password', 'pl4 nted', true)",
       "SELECT set_config('app.password', ***, true)"},
      {"VALUES ('my password', 'pl4 nted')", "VALUES ('my password***"},
      {R"(SELECT '{"password": "pl4 nted", "a": 1}')",
       R"(SELECT '{"password": ***, "a": 1}')"},
      {R"(msg="ALTER ROLE app PASSWORD 'pl4nted'" level=info)",
       R"(msg="ALTER ROLE app PASSWORD ***" level=info)"},
      {R"(msg="ALTER ROLE app PASSWORD 'pl4nt" level=info)",
       R"(msg="ALTER ROLE app PASSWORD ***" level=info)"},
  });
}

TEST(Redact, HidesAPasswordThatIsNoLiteralWithAllThatFollows) {
  expect_redacted({
      {"ALTER ROLE app PASSWORD pl4nted", "ALTER ROLE app PASSWORD ***"},
      {"create user app with login password pl4 nted; SELECT 1",
       "create user app with login password ***"},
      {"ALTER ROLE app PASSWORD \"pl4nted\" LOGIN",
       "ALTER ROLE app PASSWORD ***"},
      {"CREATE USER MAPPING FOR a SERVER s OPTIONS (user u, password pl4nt)",
       "CREATE USER MAPPING FOR a SERVER s OPTIONS (user u, password ***"},
      {R"(sql="ALTER ROLE app PASSWORD pl4nted" level=info)",
       R"(sql="ALTER ROLE app PASSWORD ***" level=info)"},
      {R"(sql="ALTER ROLE app PASSWORD \"pl4nted\"" level=info)",
       R"(sql="ALTER ROLE app PASSWORD ***" level=info)"},
      {"ALTER ROLE app PASSWORD NULL", "ALTER ROLE app PASSWORD NULL"},
      {"ALTER ROLE app PASSWORD", "ALTER ROLE app PASSWORD"},
      {"for user app: password authentication failed",
       "for user app: password authentication failed"},
  });
}

TEST(Redact, HidesTheArgumentsOfFunctionsThatTakeSecrets) {
  expect_redacted({
      {"SELECT crypt('pl4nted', gen_salt('bf')), 1", "SELECT crypt(***), 1"},
      {"SELECT pgp_sym_encrypt(note, 'pl4nted') FROM t",
       "SELECT pgp_sym_encrypt(***) FROM t"},
      {"SELECT PGP_SYM_DECRYPT_BYTEA (note, $k$pl4nted$k$) FROM t",
       "SELECT PGP_SYM_DECRYPT_BYTEA (***) FROM t"},
      {"SELECT pgp_pub_decrypt(note, dearmor($1), 'pl4nted')",
       "SELECT pgp_pub_decrypt(***)"},
      {"SELECT decrypt_iv(a, E'pl4nted', b, 'aes')", "SELECT decrypt_iv(***)"},
      {"SELECT hmac(a, 'pl4nted', 'sha256')", "SELECT hmac(***)"},
      {"SELECT crypt('it''s pl4nted', a), 'b'", "SELECT crypt(***), 'b'"},
      {"SELECT crypt('pl4nt", "SELECT crypt(***"},
      {R"x(sql="SELECT crypt('pl4nted', a)" level=info)x",
       R"x(sql="SELECT crypt(***)" level=info)x"},
      {"SELECT crypt($1, (salt))", "SELECT crypt($1, (salt))"},
      {"cannot decrypt (bad key)", "cannot decrypt (bad key)"},
  });
}

TEST(Redact, HidesTokensAndTheirLike) {
  expect_redacted({
      {"token=pl4nted a=b", "token=*** a=b"},
      {"https://h/p?access_token=pl4nted&a=b",
       "https://h/p?access_token=***&a=b"},
      {"client_secret='pl4nted' a=b", "client_secret=*** a=b"},
      {"AWS_SECRET_ACCESS_KEY=pl4nted a=b", "AWS_SECRET_ACCESS_KEY=*** a=b"},
      {"secret_key=pl4nted, pwd=pl4nted", "secret_key=*** pwd=***"},
      {"SELECT set_config('app.jwt_secret', 'pl4nted', true)",
       "SELECT set_config('app.jwt_secret', ***, true)"},
      {"SELECT f(api_key => 'pl4nted', 1)", "SELECT f(api_key => ***, 1)"},
      {"unexpected token at 5", "unexpected token at 5"},
  });
}

TEST(Redact, HidesAllThatFollowsWhereASecretIsJoinedOfParts) {
  expect_redacted({
      {"SELECT dblink('host=h password=' || 'pl4nted', 'SELECT 1')",
       "SELECT dblink('host=h password=***"},
      {"SELECT concat('password=', 'pl4nted')", "SELECT concat('password=***"},
      {"SELECT concat('password=', '!pl4nted')", "SELECT concat('password=***"},
      {"SELECT format('password=%s', 'pl4nted')",
       "SELECT format('password=***"},
      {"EXECUTE format('ALTER ROLE r PASSWORD %L', 'pl4nted')",
       "EXECUTE format('ALTER ROLE r PASSWORD ***"},
      {"EXECUTE 'ALTER ROLE r PASSWORD ' || quote_literal('pl4nted')",
       "EXECUTE 'ALTER ROLE r PASSWORD ***"},
      {"UPDATE t SET password = 'pl4' || 'nted'",
       "UPDATE t SET password = ***"},
  });
}

TEST(Redact, HidesALiteralThatAServerQuotesAsThePlaceOfAMistake) {
  expect_redacted({
      {R"(unterminated quoted string at or near "'pl4nted")",
       R"(unterminated quoted string at or near "***")"},
      {R"(syntax error at or near "E'pl4"nted'")",
       R"(syntax error at or near "***")"},
      {R"(unterminated dollar-quoted string at or near "$$pl4nted)",
       R"(unterminated dollar-quoted string at or near "***)"},
      {R"(syntax error at or near "SELEC")",
       R"(syntax error at or near "SELEC")"},
  });
}

TEST(Redact, NoLiteralAfterPasswordSurvives) {
  // Whatever stands before and after, and however it is written.
  const std::vector<std::string> befores = {"",   "'",  "a = 'it''s'; ", "\"",
                                            "$$", "\\", "-- ",           "\"'"};
  const std::vector<std::string> betweens = {"",     " ",    "\n", " /**/ ",
                                             " := ", " => ", "  "};
  const std::vector<std::string> literals = {"'pl4nted'",   "E'pl4nted'",
                                             "$$pl4nted$$", "'a''pl4nted''b'",
                                             "''pl4nted''", "'x'\n'pl4nted'"};
  for (const std::string& before : befores) {
    for (const std::string& between : betweens) {
      for (const std::string& literal : literals) {
        const std::string text =
            before + "ALTER ROLE r PASSWORD" + between + literal + "; SELECT 1";
        if (between.empty() && literal[0] != '\'') continue;  // another word
        EXPECT_THAT(redact(text), Not(HasSubstr("pl4nted"))) << text;
        EXPECT_EQ(redact(redact(text)), redact(text)) << text;
      }
    }
  }
}

TEST(Redact, StaysLinearWhereSecretsNamesAreMany) {
  // Each of these would be looked at again and again by a careless reader.
  for (const char* part :
       {"password/*", "password$a", "\"password ", "password  ", "password.",
        "at or near \"", "'password' ", "crypt(",
        "alter role password null "}) {
    std::string text;
    while (text.size() < 1'000'000) text += part;
    EXPECT_NE(redact(text), "") << part;
  }
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
    // One that looks like the joint of SQL literals hides what follows, too.
    EXPECT_THAT(redact("host=h password='" + quoted + "' user=u"),
                AnyOf("host=h password=*** user=u", "host=h password=***"));
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
