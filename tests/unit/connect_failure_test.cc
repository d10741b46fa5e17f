#include "pool/src/opening/connect_failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace dbpool::detail {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Endpoint kDb{.name = "db", .address = "10.0.0.7", .port = "5432"};

Error failure(ConnectPhase phase, std::string_view text) {
  return attempt_error(kDb, {.phase = phase, .text = text});
}

TEST(ConnectFailure, TheSqlstateDecidesInAnyLanguage) {
  struct Case {
    std::string_view text;
    ConnectFailure reason;
  };
  const std::vector<Case> cases = {
      {"FATAL:  28P01: password authentication failed for user \"a\"\n"
       "LOCATION:  auth_failed, auth.c:326\n",
       ConnectFailure::kAuth},
      {"FATAL:  28000: Rolle »a« hat keine Berechtigung\n",
       ConnectFailure::kAuth},
      {"FATAL:  42501: permission denied for database\n",
       ConnectFailure::kAuth},
      {"SCHWERWIEGEND:  53300: zu viele Verbindungen\n",
       ConnectFailure::kTooManyConnections},
      {"FATAL:  08P01: no more connections allowed (max_client_conn)\n",
       ConnectFailure::kTooManyConnections},
      {"FATAL:  57P03: the database system is starting up\n",
       ConnectFailure::kStartingUp},
      {"FATAL:  57P01: terminating connection\n", ConnectFailure::kStartingUp},
      {"FATAL:  3D000: database \"x\" does not exist\n",
       ConnectFailure::kOther},
  };
  for (const Case& each : cases) {
    const Error error =
        failure(ConnectPhase::kAuth,
                "connection to server at \"db\", port 5432 failed: " +
                    std::string(each.text));
    EXPECT_EQ(error.connect_failure, each.reason) << each.text;
    EXPECT_EQ(error.sqlstate.size(), 5U) << each.text;
    EXPECT_THAT(error.message,
                StartsWith("connection to db:5432 (10.0.0.7) refused by the "
                           "server: "));
    EXPECT_THAT(error.message, Not(HasSubstr("LOCATION")));
    EXPECT_THAT(error.message, Not(HasSubstr("\n")));
  }
}

TEST(ConnectFailure, WhoseLimitIsReachedIsWhoseIsToBeRaised) {
  const auto message = [](std::string_view text) {
    return failure(ConnectPhase::kAuth, text).message;
  };
  EXPECT_THAT(message("FATAL:  53300: sorry, too many clients already\n"),
              HasSubstr("raise its max_connections"));
  for (const std::string whose : {"role", "database"}) {
    EXPECT_THAT(message("FATAL:  53300: too many connections for " + whose +
                        " \"a\"\n"),
                AllOf(HasSubstr("the " + whose + "'s own limit is reached"),
                      HasSubstr("raise its CONNECTION LIMIT"),
                      Not(HasSubstr("max_connections"))));
  }
}

TEST(ConnectFailure, TheSecondTryWithoutTlsHidesNothing) {
  const Error error = failure(
      ConnectPhase::kAuth,
      "connection to server at \"db\", port 5432 failed: FATAL:  53300: full\n"
      "connection to server at \"db\", port 5432 failed: FATAL:  28000: no "
      "pg_hba.conf entry, no encryption\n");
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTooManyConnections);
  const Error other_way_round = failure(
      ConnectPhase::kAuth,
      "FATAL:  28000: no pg_hba.conf entry\nFATAL:  57P03: starting up\n");
  EXPECT_EQ(other_way_round.connect_failure, ConnectFailure::kStartingUp);
}

TEST(ConnectFailure, WithoutAnAnswerPhaseAndTextDecide) {
  using enum ConnectPhase;
  struct Case {
    ConnectPhase phase;
    std::string_view text;
    ConnectFailure reason;
  };
  const std::vector<Case> cases = {
      {kTcp, "Connection refused", ConnectFailure::kRefused},
      {kTcp, "No such file or directory", ConnectFailure::kRefused},
      {kTcp, "No route to host", ConnectFailure::kRefused},
      {kTcp, "Connection timed out", ConnectFailure::kTimeout},
      {kTcp, "Permission denied", ConnectFailure::kOther},
      {kTls, "SSL error: certificate verify failed", ConnectFailure::kTls},
      {kTls, "server does not support SSL, but SSL was required",
       ConnectFailure::kTls},
      {kTls, "root certificate file \"/x\" does not exist",
       ConnectFailure::kTls},
      {kTls, "Connection reset by peer", ConnectFailure::kRefused},
      {kTls, "server closed the connection unexpectedly",
       ConnectFailure::kRefused},
      {kTls, "SSL SYSCALL error: EOF detected", ConnectFailure::kRefused},
      {kTls, "received invalid response to SSL negotiation: H",
       ConnectFailure::kOther},
      {kAuth, "SSL error: tlsv13 alert certificate required",
       ConnectFailure::kTls},
      {kAuth, "fe_sendauth: no password supplied", ConnectFailure::kAuth},
      {kAuth, "server closed the connection unexpectedly",
       ConnectFailure::kRefused},
      {kAuth, "expected authentication request from server, but received H",
       ConnectFailure::kOther},
      {kAuth, "something new", ConnectFailure::kOther},
  };
  for (const Case& each : cases) {
    const Error error = failure(each.phase, each.text);
    EXPECT_EQ(error.kind, ErrorKind::kConnect);
    EXPECT_EQ(error.connect_failure, each.reason) << each.text;
    EXPECT_EQ(error.sqlstate, "") << each.text;
  }
}

TEST(ConnectFailure, AMessageIsOneBoundedLineWithoutSecrets) {
  const Error error =
      failure(ConnectPhase::kTls, "SSL error: \t\x01 password=pl4nted " +
                                      std::string(5000, 'x') + "\nmore");
  EXPECT_THAT(error.message, Not(HasSubstr("pl4nted")));
  EXPECT_THAT(error.message, Not(HasSubstr("\x01")));
  EXPECT_THAT(error.message, Not(HasSubstr("more")));
  EXPECT_LE(error.message.size(), 1000U);
}

TEST(ConnectFailure, LabelsNameThePlace) {
  EXPECT_EQ((Endpoint{.name = "db", .port = "1"}.label()), "db:1");
  EXPECT_EQ((Endpoint{.name = "::1", .port = "1"}.label()), "[::1]:1");
  EXPECT_EQ((Endpoint{.name = "10.0.0.1", .address = "10.0.0.1", .port = "1"}
                 .label()),
            "10.0.0.1:1");
  EXPECT_EQ((Endpoint{.name = "/run/pg", .port = "1"}.label()),
            "socket /run/pg/.s.PGSQL.1");
}

TEST(ConnectFailure, ATimeoutNamesItsPhase) {
  const Error error = timeout_error(kDb, ConnectPhase::kTls,
                                    std::chrono::milliseconds(2500), 0);
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTimeout);
  EXPECT_THAT(error.message, HasSubstr("after 2.5 s in phase tls"));
}

TEST(FailureList, OneFailureStandsAsItIs) {
  FailureList list;
  EXPECT_TRUE(list.empty());
  list.add(timeout_error(kDb, ConnectPhase::kTcp, std::chrono::seconds(1), 0));
  EXPECT_FALSE(list.empty());
  EXPECT_THAT(list.join().message, StartsWith("connection to db:5432"));
}

TEST(FailureList, TheMostTellingReasonStandsForAll) {
  FailureList list;
  list.add(failure(ConnectPhase::kTcp, "Connection refused"));
  list.add(failure(ConnectPhase::kAuth, "FATAL:  28P01: no\n"));
  list.add(resolve_error({.name = "nowhere", .port = "1"}, "unknown"));
  const Error error = list.join();
  EXPECT_EQ(error.connect_failure, ConnectFailure::kAuth);
  EXPECT_EQ(error.sqlstate, "28P01");
  EXPECT_THAT(error.message, StartsWith("none of 3 attempts succeeded"));
  EXPECT_THAT(error.message, HasSubstr("nobody listens"));
  EXPECT_THAT(error.message, HasSubstr("28P01"));
  EXPECT_THAT(error.message, HasSubstr("nowhere:1"));
}

TEST(FailureList, StaysBounded) {
  FailureList list;
  for (int i = 0; i < 3000; ++i) {
    list.add(failure(ConnectPhase::kTcp, "Connection refused"));
  }
  EXPECT_LE(list.join().message.size(), 1000U);
  EXPECT_THAT(list.join().message, HasSubstr("3000 attempts"));
}

}  // namespace
}  // namespace dbpool::detail
