// Openings over several hosts, and what openings leave behind.

#include <libpq-fe.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pool/src/opening/opening.h"
#include "pool/src/opening/resolver.h"
#include "pool/src/session/closing.h"
#include "tests/integration/opening_fixture.h"
#include "tests/support/entries.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"

#if defined(__SANITIZE_THREAD__)
// Otherwise a child that starts a thread is ended when its parent had some.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;

using std::chrono::milliseconds;
using std::chrono::seconds;

// `first` and `second` as one string with two hosts, for the app role.
std::string two_hosts(int first, int second, const std::string& more = {}) {
  return "host=127.0.0.1,127.0.0.1 port=" + std::to_string(first) + ',' +
         std::to_string(second) +
         " dbname=postgres user=app password=" + std::string(kAppPassword) +
         ' ' + more;
}

// The port to which an opening of `text` led, or why to none.
std::string port_reached(const std::string& text) {
  const auto opened = open(text);
  return opened ? std::string(PQport(opened->session->pg()))
                : opened.error().message;
}

TEST(OpeningHosts, ARefusingFirstHostIsPassedOver) {
  const int good = shared_postgres().port();
  EXPECT_EQ(port_reached(two_hosts(free_port(), good)), std::to_string(good));
}

TEST(OpeningHosts, ASilentFirstHostTakesItsShareOnly) {
  const int port = free_port();
  const UniqueFd listener = listen_on(port);
  const int good = shared_postgres().port();
  const auto opened = open(two_hosts(port, good), seconds(8));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(PQport(opened->session->pg()), std::to_string(good));
}

TEST(OpeningHosts, ConnectTimeoutLimitsEachHost) {
  const int port = free_port();
  const UniqueFd listener = listen_on(port);
  const int good = shared_postgres().port();
  // Half of ten minutes would be the share.
  const auto opened = open(two_hosts(port, good, "connect_timeout=1"),
                           std::chrono::minutes(10));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(PQport(opened->session->pg()), std::to_string(good));
}

TEST(OpeningHosts, AnUnknownFirstHostIsPassedOver) {
  const auto opened =
      open("host=nonexistent.invalid,127.0.0.1 port=" +
           std::to_string(shared_postgres().port()) +
           " dbname=postgres user=app password=" + std::string(kAppPassword));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->session->host(), "127.0.0.1");
}

TEST(OpeningHosts, AllFailuresAreTold) {
  const int refusing = free_port();
  const Error error = open_failure(
      "host=127.0.0.1,127.0.0.1 port=" + std::to_string(refusing) + ',' +
      std::to_string(shared_postgres().port()) +
      " dbname=postgres user=app password=" + std::string(kPlanted));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kAuth);
  EXPECT_THAT(error.message, HasSubstr("none of 2 attempts"));
  EXPECT_THAT(error.message, HasSubstr(std::to_string(refusing)));
  EXPECT_THAT(error.message, HasSubstr("28P01"));
}

class OpeningSessionAttrs : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    PostgresOptions read_only;
    read_only.config = {"default_transaction_read_only = on"};
    read_only_ = new Postgres(read_only);
    // In standby for ever: there is no primary that it could follow.
    PostgresOptions standby;
    standby.config = {"hot_standby = on", "wal_level = replica",
                      "max_wal_senders = 10", "max_connections = 100"};
    standby.files = {{"standby.signal", ""}};
    standby_ = new Postgres(standby);
  }
  static void TearDownTestSuite() {
    delete read_only_;
    delete standby_;
  }

  static int read_write() { return shared_postgres().port(); }
  static int read_only() { return read_only_->port(); }
  static int standby() { return standby_->port(); }

 private:
  static Postgres* read_only_;
  static Postgres* standby_;
};
Postgres* OpeningSessionAttrs::read_only_ = nullptr;
Postgres* OpeningSessionAttrs::standby_ = nullptr;

TEST_F(OpeningSessionAttrs, TheFirstServerThatFitsIsTaken) {
  struct Case {
    std::string attrs;
    int first;
    int second;
    int reached;
  };
  for (const Case& each : {
           Case{"any", read_only(), read_write(), read_only()},
           Case{"read-write", read_only(), read_write(), read_write()},
           Case{"read-write", standby(), read_write(), read_write()},
           Case{"read-only", read_write(), read_only(), read_only()},
           Case{"primary", standby(), read_only(), read_only()},
           Case{"standby", read_write(), standby(), standby()},
           Case{"prefer-standby", read_write(), standby(), standby()},
           Case{"prefer-standby", free_port(), read_write(), read_write()},
           Case{"prefer-standby", read_write(), free_port(), read_write()},
           Case{"prefer-standby", read_only(), read_write(), read_only()},
       }) {
    EXPECT_EQ(port_reached(two_hosts(each.first, each.second,
                                     "target_session_attrs=" + each.attrs)),
              std::to_string(each.reached))
        << each.attrs << ' ' << each.first << ' ' << each.second;
  }
}

TEST_F(OpeningSessionAttrs, ServersThatDoNotFitAreTold) {
  const Error error = open_failure(
      two_hosts(read_only(), read_only(), "target_session_attrs=read-write"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kOther);
  EXPECT_THAT(error.message, HasSubstr("session is read-only"));
  EXPECT_THAT(error.message, HasSubstr("target_session_attrs"));
}

// One opening of each kind, half of them left amid their work.
void open_and_abandon(int silent_port) {
  const std::string good =
      "host=localhost port=" + std::to_string(shared_postgres().port()) +
      " dbname=postgres user=app password=" + std::string(kAppPassword);
  EXPECT_TRUE(open(good));
  open_failure(planted("127.0.0.1", free_port()));
  open_failure(planted("nonexistent.invalid", 1));
  for (const std::string& text :
       {good, planted("127.0.0.1", silent_port), planted("localhost", 1)}) {
    detail::Opening opening(target(text), kLongEnough, session_context(),
                            Clock::now());
    EXPECT_TRUE(opening.step(Clock::now(), false));
  }
}

TEST(OpeningLeftovers, AHundredOpeningsLeaveNothing) {
  const auto threads = [] { return entries_of("/proc/self/task"); };
  const auto descriptors = [] { return entries_of("/proc/self/fd"); };
  const int port = free_port();
  const UniqueFd listener = listen_on(port, 256);
  shared_postgres();
  // ThreadSanitizer adds a thread of its own when the first one is made.
  std::thread([] {}).join();
  const std::size_t threads_before = threads();
  open_and_abandon(port);  // for what is made once and kept
  ASSERT_TRUE(
      eventually(seconds(60), [&] { return threads() <= threads_before; }));
  const std::size_t descriptors_before = descriptors();
  for (int i = 0; i < 100; ++i) open_and_abandon(port);
  EXPECT_TRUE(eventually(seconds(60),
                         [&] {
                           return threads() <= threads_before &&
                                  descriptors() <= descriptors_before;
                         }))
      << threads() << " threads, " << descriptors() << " descriptors; before "
      << threads_before << " and " << descriptors_before;
}

TEST(Resolver, RequestsForOneNameShareATicketWhileItIsUnderWay) {
  const auto first = detail::request_resolve("localhost");
  EXPECT_GE(first->fd(), 0);
  EXPECT_TRUE(eventually(seconds(60), [&] { return first->done(); }));
  EXPECT_THAT(first->resolved().error, testing::IsEmpty());
  EXPECT_THAT(first->resolved().addresses,
              testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
}

TEST(Resolver, IsBoundedAndRefusesWhatIsTooMuch) {
  std::thread([] {}).join();  // see AHundredOpeningsLeaveNothing
  const std::size_t threads = entries_of("/proc/self/task");
  std::vector<std::shared_ptr<detail::ResolveTicket>> under_way;
  std::string refusal;
  for (int i = 0; i < 100'000 && refusal.empty(); ++i) {
    auto ticket = detail::request_resolve("name-" + std::to_string(i) +
                                          ".nonexistent.invalid");
    const bool done = ticket->done();
    if (done && ticket->resolved().error.starts_with("too many")) {
      refusal = ticket->resolved().error;
    } else {
      under_way.push_back(std::move(ticket));
    }
  }
  EXPECT_THAT(refusal, testing::Not(testing::IsEmpty()));
  EXPECT_LE(entries_of("/proc/self/task"),
            threads + detail::kMaxResolverThreads);
  // What nobody wants any more is not resolved: only those begun are.
  under_way.clear();
  EXPECT_TRUE(eventually(
      seconds(60), [&] { return entries_of("/proc/self/task") <= threads; }));
}

// Runs `body` in a child of fork(); true if it returned true there.
bool in_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // a child that hangs fails
    ::_exit(body() ? 0 : 1);
  }
  int status = 1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(SessionAfterFork, AChildThatDropsItLeavesTheParentsAlone) {
  auto session = open_session(over_tcp(shared_postgres().port()));
  ASSERT_TRUE(session);
  EXPECT_FALSE(session->forked());
  EXPECT_TRUE(in_child([&session] {
    const bool told = session->forked();
    session.reset();
    return told;
  }));
  PGresult* const result = PQexec(session->pg(), "SELECT 1");
  EXPECT_EQ(PQresultStatus(result), PGRES_TUPLES_OK);
  PQclear(result);
}

TEST(SessionAfterFork, AChildMayOpenItsOwn) {
  const std::string text =
      "host=localhost port=" + std::to_string(shared_postgres().port()) +
      " dbname=postgres user=app password=" + std::string(kAppPassword);
  ASSERT_TRUE(open(text));
  EXPECT_TRUE(in_child([&text] { return open(text).has_value(); }));
}

TEST(ResolverAfterFork, AChildHasACrewOfItsOwn) {
  // Under way at the fork, by threads that the child does not have.
  std::vector<std::shared_ptr<detail::ResolveTicket>> under_way;
  for (std::size_t i = 0; i < detail::kMaxResolverQueue; ++i) {
    under_way.push_back(detail::request_resolve("name-" + std::to_string(i) +
                                                ".nonexistent.invalid"));
  }
  EXPECT_TRUE(in_child([&under_way] {
    const auto& last = under_way.back();
    return detail::request_resolve(last->name()) != last;
  }));
}

TEST(Closing, EndsWhenTheServersEndIsSeen) {
  shared_postgres();
  const std::size_t descriptors = entries_of("/proc/self/fd");
  auto session = open_session(over_tcp(shared_postgres().port()));
  ASSERT_TRUE(session);
  const std::string pid = std::to_string(PQbackendPID(session->pg()));
  {
    detail::Closing closing(std::move(session), Clock::now() + kLongEnough);
    detail::blocking_wait(closing);
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
  EXPECT_EQ(shared_postgres().sql_value(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid),
            "0");
}

TEST(Closing, DoesNotWaitForAFrozenServerBeyondItsDeadline) {
  auto session = open_session(over_tcp(shared_postgres().port()));
  ASSERT_TRUE(session);
  const pid_t backend = PQbackendPID(session->pg());
  ASSERT_EQ(::kill(backend, SIGSTOP), 0);
  const TimePoint deadline = Clock::now() + milliseconds(200);
  detail::Closing closing(std::move(session), deadline);
  detail::blocking_wait(closing);
  EXPECT_GE(Clock::now(), deadline);
  ASSERT_EQ(::kill(backend, SIGCONT), 0);
}

TEST(Closing, OfABrokenSessionEndsToo) {
  auto session = open_session(over_tcp(shared_postgres().port()));
  ASSERT_TRUE(session);
  shared_postgres().sql("SELECT pg_terminate_backend(" +
                        std::to_string(PQbackendPID(session->pg())) + ")");
  detail::Closing closing(std::move(session), Clock::now() + kLongEnough);
  detail::blocking_wait(closing);
}

}  // namespace
}  // namespace dbpool::test
