// Openings that succeed, and every way in which they fail.

#include "pool/src/opening/opening.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/fake_server.h"
#include "tests/integration/opening_fixture.h"
#include "tests/support/net.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;

using std::chrono::milliseconds;

const std::optional<Duration>& time_of(const PhaseTimes& times,
                                       ConnectPhase phase) {
  return times[static_cast<std::size_t>(phase)];
}

TEST(Opening, YieldsAUsableNonBlockingSession) {
  const auto opened =
      open(over_tcp(shared_postgres().port(), "sslmode=disable"));
  ASSERT_TRUE(opened) << opened.error().message;
  PGconn* const pg = opened->session->pg();
  EXPECT_EQ(PQstatus(pg), CONNECTION_OK);
  EXPECT_EQ(PQisnonblocking(pg), 1);
  // Later errors are not verbose; the call returns what was set before.
  EXPECT_EQ(PQsetErrorVerbosity(pg, PQERRORS_DEFAULT), PQERRORS_DEFAULT);
  EXPECT_FALSE(opened->session->broken());
  EXPECT_EQ(opened->session->host(), "127.0.0.1");
  EXPECT_FALSE(time_of(opened->phases, ConnectPhase::kResolve));
  EXPECT_FALSE(time_of(opened->phases, ConnectPhase::kTls));
  ASSERT_TRUE(time_of(opened->phases, ConnectPhase::kTcp));
  ASSERT_TRUE(time_of(opened->phases, ConnectPhase::kAuth));
  EXPECT_GT(*time_of(opened->phases, ConnectPhase::kAuth), Duration{0});
  EXPECT_GE(opened->total, *time_of(opened->phases, ConnectPhase::kTcp) +
                               *time_of(opened->phases, ConnectPhase::kAuth));
}

TEST(Opening, AskingForTlsInVainIsNoTlsPhase) {
  const auto opened =
      open(over_tcp(shared_postgres().port(), "sslmode=prefer"));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(time_of(opened->phases, ConnectPhase::kTls));
}

TEST(Opening, NamesAreResolvedAndEveryAddressTried) {
  // localhost may begin with ::1, where nobody listens.
  const auto opened =
      open("host=localhost port=" + std::to_string(shared_postgres().port()) +
           " dbname=postgres user=app password=" + std::string(kAppPassword));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(time_of(opened->phases, ConnectPhase::kResolve));
  EXPECT_EQ(opened->session->host(), "localhost");
}

TEST(Opening, WorksOverAUnixSocket) {
  const auto opened = open(shared_postgres().url());
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->session->host(), shared_postgres().socket_dir());
  EXPECT_TRUE(time_of(opened->phases, ConnectPhase::kTcp));
  EXPECT_FALSE(time_of(opened->phases, ConnectPhase::kResolve));
}

TEST(Opening, TheConnectionsNameIsTheLibrarysUnlessGiven) {
  const auto name_of = [](const std::string& more) {
    const auto session = open_session(over_tcp(shared_postgres().port(), more));
    return session ? std::string(
                         PQparameterStatus(session->pg(), "application_name"))
                   : std::string();
  };
  EXPECT_EQ(name_of(""), "dbpool");
  EXPECT_EQ(name_of("application_name=mine"), "mine");
  EXPECT_EQ(name_of("fallback_application_name=other"), "other");
}

TEST(Opening, AWrongPasswordIsAuth) {
  const Error error =
      open_failure(planted("127.0.0.1", shared_postgres().port()));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kAuth) << error.message;
  EXPECT_EQ(error.sqlstate, "28P01");
  EXPECT_THAT(error.message, HasSubstr("password authentication failed"));
  EXPECT_THAT(error.message, HasSubstr("pg_hba.conf"));
}

TEST(Opening, AMissingPasswordIsAuth) {
  const Error error = open_failure(
      "host=127.0.0.1 port=" + std::to_string(shared_postgres().port()) +
      " user=app dbname=postgres passfile=/nonexistent");
  EXPECT_EQ(error.connect_failure, ConnectFailure::kAuth) << error.message;
}

TEST(Opening, ARoleThatMayNotLogInIsAuth) {
  shared_postgres().sql(
      "SET client_min_messages = error; DROP ROLE IF EXISTS sleeper; CREATE "
      "ROLE sleeper NOLOGIN");
  const Error error =
      open_failure(shared_postgres().url("postgres", "sleeper"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kAuth) << error.message;
  EXPECT_EQ(error.sqlstate, "28000");
}

TEST(Opening, AWrongDatabaseIsNamed) {
  const Error error = open_failure(shared_postgres().url("no_such_database"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kOther);
  EXPECT_EQ(error.sqlstate, "3D000");
  EXPECT_THAT(error.message, HasSubstr("no_such_database"));
  EXPECT_THAT(error.message, HasSubstr("check the name of the database"));
}

TEST(Opening, AnUnknownHostIsResolve) {
  const Error error = open_failure(planted("nonexistent.invalid", 5432));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kResolve) << error.message;
  EXPECT_THAT(error.message, HasSubstr("nonexistent.invalid:5432"));
  EXPECT_THAT(error.message, HasSubstr("phase resolve"));
}

TEST(Opening, APortWithoutAListenerIsRefused) {
  const int port = free_port();
  const Error error = open_failure(planted("127.0.0.1", port));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kRefused) << error.message;
  EXPECT_EQ(error.message, "connection to 127.0.0.1:" + std::to_string(port) +
                               " refused: nobody listens there; is PostgreSQL "
                               "running, and is the port right?");
}

TEST(Opening, AMissingSocketFileIsRefused) {
  const TempDir folder;
  const Error error = open_failure(planted(folder.path(), 5432));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kRefused) << error.message;
  EXPECT_THAT(error.message,
              HasSubstr("socket " + folder.path() + "/.s.PGSQL.5432"));
}

TEST(Opening, TakenSlotsAreTooManyConnections) {
  PostgresOptions options;
  options.config = {"max_connections = 6",
                    "superuser_reserved_connections = 3"};
  Postgres server(options);
  std::vector<std::unique_ptr<detail::Session>> held;
  Expected<detail::Opened> last = open(over_tcp(server.port()));
  while (last && held.size() < 10) {
    held.push_back(std::move(last->session));
    last = open(over_tcp(server.port()));
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(held.size(), 3U);
  EXPECT_EQ(last.error().connect_failure, ConnectFailure::kTooManyConnections)
      << last.error().message;
  EXPECT_EQ(last.error().sqlstate, "53300");
}

TEST(Opening, AServerThatStartsIsStartingUp) {
  const FakeServer server(FakeServer::error_response(
      "57P03", "the database system is starting up"));
  const Error error =
      open_failure(planted("127.0.0.1", server.port(), "sslmode=disable"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kStartingUp)
      << error.message;
  EXPECT_EQ(error.sqlstate, "57P03");
}

TEST(Opening, AServerThatHangsUpIsRefusedAndNotTls) {
  const FakeServer server("");
  for (const char* mode : {"sslmode=disable", "sslmode=require"}) {
    const Error error = open_failure(planted("127.0.0.1", server.port(), mode));
    EXPECT_EQ(error.connect_failure, ConnectFailure::kRefused)
        << mode << ": " << error.message;
    EXPECT_THAT(error.message, HasSubstr("closed by the other side"));
  }
}

TEST(Opening, AnotherKindOfServerIsOther) {
  const FakeServer server("HTTP/1.1 400 Bad Request\r\n\r\n");
  for (const char* mode : {"sslmode=disable", "sslmode=require"}) {
    const Error error = open_failure(planted("127.0.0.1", server.port(), mode));
    EXPECT_EQ(error.connect_failure, ConnectFailure::kOther)
        << mode << ": " << error.message;
  }
}

TEST(Opening, AServerWithoutTlsIsTlsWhenItIsRequired) {
  const Error error = open_failure(
      planted("127.0.0.1", shared_postgres().port(), "sslmode=require"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
  EXPECT_THAT(error.message, HasSubstr("the server has no TLS"));
}

TEST(Opening, SilenceIsATimeoutThatNamesItsPhase) {
  const int port = free_port();
  const UniqueFd listener = listen_on(port);
  struct Case {
    const char* mode;
    const char* phase;
  };
  for (const Case& each : {Case{"sslmode=require", "in phase tls"},
                           Case{"sslmode=disable", "in phase auth"}}) {
    const Error error =
        open_failure(planted("127.0.0.1", port, each.mode), milliseconds(200));
    EXPECT_EQ(error.connect_failure, ConnectFailure::kTimeout) << error.message;
    EXPECT_THAT(error.message, HasSubstr(each.phase));
    EXPECT_THAT(error.message, HasSubstr("127.0.0.1:"));
  }
}

// The head of an error that is 2 GiB long; libpq takes it for one of an old
// server and waits for its end.
std::string endless_error() {
  return "E\x7f\xff\xff\xf0"
         "SFATAL";
}

TEST(Opening, AServerThatSendsWithoutEndIsGivenUp) {
  std::atomic<std::size_t> sent = 0;
  const FakeServer server([&](int client, const std::string&) {
    const std::string bytes = endless_error() + std::string(65536, 'x');
    while (true) {
      const auto size =
          ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      sent += static_cast<std::size_t>(size);
    }
  });
  const Error error =
      open_failure(planted("127.0.0.1", server.port(), "sslmode=disable"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kOther) << error.message;
  EXPECT_THAT(error.message, HasSubstr("more than 1 MiB"));
  // Most of it is in the buffers of the two sockets.
  EXPECT_LT(sent.load(), std::size_t{64} << 20);
}

TEST(Opening, AServerThatTricklesIsATimeoutThatSaysSo) {
  const FakeServer server([](int client, const std::string&) {
    FakeServer::send(client, endless_error());
    pollfd gone{.fd = client, .events = POLLRDHUP, .revents = 0};
    while (::poll(&gone, 1, 10) == 0) FakeServer::send(client, "x");
  });
  const Error error =
      open_failure(planted("127.0.0.1", server.port(), "sslmode=disable"),
                   milliseconds(300));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTimeout) << error.message;
  EXPECT_THAT(error.message, HasSubstr("in phase auth: it answers ("));
  EXPECT_THAT(error.message, HasSubstr(" bytes so far) and the login does not "
                                       "end"));
}

TEST(Opening, AnUnansweredTcpConnectIsATimeoutInPhaseTcp) {
  // With a full backlog the kernel drops what comes next, as a black hole.
  const int port = free_port();
  const UniqueFd listener = listen_on(port, 0);
  const UniqueFd filler = connect_to(port);
  const Error error =
      open_failure(planted("127.0.0.1", port), milliseconds(300));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTimeout) << error.message;
  EXPECT_THAT(error.message, HasSubstr("in phase tcp"));
}

TEST(Opening, NoTimeAtAllIsATimeout) {
  for (const Duration timeout : {Duration{0}, Duration{-1}}) {
    const Error error =
        open_failure(planted("127.0.0.1", shared_postgres().port()), timeout);
    EXPECT_EQ(error.connect_failure, ConnectFailure::kTimeout);
  }
}

TEST(Opening, ListsThatContradictEachOtherAreUsage) {
  ConnectionString contradicting = *target("host=a,b,c port=1,2,3");
  ASSERT_TRUE(contradicting.set("port", "1,2"));
  detail::Opening opening(
      std::make_shared<const ConnectionString>(contradicting), kLongEnough,
      session_context(), Clock::now());
  detail::blocking_wait(opening);
  const auto result = opening.take_result();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kUsage);
}

TEST(Opening, ReadingATargetOpensNothing) {
  const int port = free_port();
  const UniqueFd listener = listen_on(port);
  const auto where = target(planted("127.0.0.1", port));
  EXPECT_EQ(where->hosts().size(), 1U);
  EXPECT_THAT(where->description(), HasSubstr(std::to_string(port)));
  pollfd somebody{.fd = listener.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&somebody, 1, 0), 0);
}

TEST(Opening, WaitsForWhatHappensAndNotForSpuriousSteps) {
  detail::Opening opening(
      target(over_tcp(shared_postgres().port(), "sslmode=disable")),
      kLongEnough, session_context(), Clock::now());
  const auto first = opening.step(Clock::now(), false);
  ASSERT_TRUE(first);
  for (int i = 0; i < 3; ++i) {
    const auto again = opening.step(Clock::now(), false);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->fd, first->fd);
    EXPECT_TRUE(again->writable);
    EXPECT_EQ(again->until, first->until);
  }
  detail::blocking_wait(opening);
  EXPECT_TRUE(opening.take_result());
}

}  // namespace
}  // namespace dbpool::test
