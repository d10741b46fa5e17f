// Floods and forgeries, without a password or TLS in their way: plain scrapes
// are answered during and after them, and what they took comes back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/e2e/flood.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kRequest = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
// Beyond what threads, caches and the allocator keep of a flood.
constexpr double kMostGrowth = 100e6;

// The database plays no part here.
class HttpAttackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 20; ++i) exporter_.page();  // what it takes at rest
    const MetricsPage page = exporter_.page();
    memory_ = page.value("process_resident_memory_bytes").value_or(0);
    descriptors_ = page.value("process_open_fds").value_or(0);
  }

  void expect_scrapes() {
    HttpRequest patient;
    patient.timeout = kLiveness;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(exporter_.get("/metrics", patient).status, 200);
    }
  }

  // What was taken has come back.
  void expect_rest() {
    // A few of the connections of these scrapes may be on their way out.
    EXPECT_TRUE(exporter_.eventually_page([this](const MetricsPage& page) {
      return page.value("process_open_fds") <= descriptors_ + 5;
    })) << descriptors_;
    EXPECT_LT(exporter_.page().value("process_resident_memory_bytes"),
              memory_ + kMostGrowth);
    EXPECT_EQ(exporter_.stop(), 0);
  }

  Exporter exporter_{{.database_url = planted_url(free_port())}};

 private:
  double memory_ = 0;
  double descriptors_ = 0;
};

// Clients that send a header now and then and never end their request, until
// the end of its scope. Who is thrown out comes again.
class Slowloris {
 public:
  Slowloris(int port, std::size_t count)
      : thread_([this, port, count](const std::stop_token& stopped) {
          std::vector<UniqueFd> clients(count);
          while (!stopped.stop_requested()) {
            for (UniqueFd& client : clients) send_some(client, port);
            ++rounds_;
            // Slow is what they are.
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
          }
        }) {}

  int rounds() const { return rounds_; }
  int thrown_out() const { return thrown_out_; }

 private:
  void send_some(UniqueFd& client, int port) {
    std::string bytes = "X-Slow: y\r\n";
    if (!client) {
      client = connect_to(port);
      bytes.insert(0, "GET /metrics HTTP/1.1\r\nHost: x\r\n");
    }
    if (::send(client.get(), bytes.data(), bytes.size(),
               MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      client.reset();
      ++thrown_out_;
    }
  }

  std::atomic<int> rounds_ = 0;
  std::atomic<int> thrown_out_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

TEST_F(HttpAttackTest, SlowlorisOnEveryThreadKeepsNobodyOut) {
  {
    // Twice as many as there are threads.
    const Slowloris slow(exporter_.port(), 110);
    ASSERT_TRUE(eventually(kLiveness, [&] { return slow.rounds() > 5; }));
    expect_scrapes();
    EXPECT_TRUE(eventually(kLiveness, [&] { return slow.thrown_out() > 50; }));
    expect_scrapes();
  }
  expect_rest();
}

// As many descriptors as wanted, or as there may be; how many that is.
std::size_t allow_descriptors(std::size_t wanted) {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::clamp<rlim_t>(wanted, limit.rlim_cur, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// Begins to connect to 127.0.0.1:port.
UniqueFd begin_connection(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0 &&
      errno != EINPROGRESS) {
    fd.reset();
  }
  return fd;
}

// How many have been taken by the server's kernel so far.
std::size_t connected(const std::vector<UniqueFd>& clients) {
  std::vector<pollfd> polled;
  for (const UniqueFd& client : clients) {
    polled.push_back({.fd = client.get(), .events = POLLOUT, .revents = 0});
  }
  ::poll(polled.data(), polled.size(), 0);
  return static_cast<std::size_t>(
      std::ranges::count_if(polled, [](const pollfd& each) {
        return (each.revents & POLLOUT) != 0 && (each.revents & POLLERR) == 0;
      }));
}

TEST_F(HttpAttackTest, TenThousandConnectionsKeepNobodyOut) {
  constexpr std::size_t kWanted = 10'000;
  constexpr std::size_t kOurs = 200;  // descriptors for all else
  const int port = exporter_.port();
  const std::size_t count =
      std::min(kWanted, allow_descriptors(kWanted + kOurs) - kOurs);
  {
    std::vector<UniqueFd> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(begin_connection(port));
    }
    // More than wait to be accepted.
    ASSERT_TRUE(
        eventually(kLiveness, [&] { return connected(clients) > 200; }));
    expect_scrapes();
    GTEST_LOG_(INFO) << count << " connections, " << connected(clients)
                     << " of them taken at the end";
  }
  expect_scrapes();
  expect_rest();
}

TEST_F(HttpAttackTest, HundredMegabytesOfHeadersAreNotKept) {
  constexpr std::size_t kAll = 100'000'000;
  const int port = exporter_.port();
  std::atomic<std::size_t> sent = 0;
  {
    const std::string header = "X-Huge: " + std::string(1000, 'x') + "\r\n";
    const Flood flood(4, [&] {
      const UniqueFd client = connect_to(port);
      const std::string begin = "GET /metrics HTTP/1.1\r\nHost: x\r\n";
      ::send(client.get(), begin.data(), begin.size(), MSG_NOSIGNAL);
      while (true) {  // until it is thrown out
        const auto size =
            ::send(client.get(), header.data(), header.size(), MSG_NOSIGNAL);
        if (size < 0) return;
        sent += static_cast<std::size_t>(size);
      }
    });
    ASSERT_TRUE(eventually(kLiveness, [&] { return sent > kAll / 10; }));
    expect_scrapes();
    ASSERT_TRUE(eventually(3 * kLiveness, [&] { return sent > kAll; }));
  }
  GTEST_LOG_(INFO) << sent / 1'000'000 << " MB of headers";
  expect_rest();
}

std::string garbage() {
  thread_local std::mt19937 random{std::random_device{}()};
  std::string bytes(2000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST_F(HttpAttackTest, GarbageBehindARequestIsItsSendersLoss) {
  const int port = exporter_.port();
  std::atomic<int> answered = 0;
  {
    const Flood flood(8, [&] {
      HttpConnection connection(port);
      connection.send(kRequest + garbage() + kRequest);
      connection.close_sending();
      if (connection.receive().status == 200) ++answered;
      EXPECT_THAT(connection.receive_all(kLiveness),
                  AnyOf(IsEmpty(), StartsWith("HTTP/1.1 4"),
                        StartsWith("HTTP/1.0 4"), StartsWith("HTTP/1.1 505")));
    });
    ASSERT_TRUE(eventually(kLiveness, [&] { return answered > 100; }));
    expect_scrapes();
  }
  expect_rest();
}

std::string with_nul(const std::string& text) { return text + '\0' + "x"; }

TEST_F(HttpAttackTest, NoRequestPutsALineIntoAnAnswer) {
  const std::vector<std::string> requests = {
      "GET /%0d%0aX-Planted:%20x HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /metrics%0d%0aX-Planted:%20x HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /metrics\rX-Planted: x HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /nowhere\nX-Planted: x HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET http://x/%0d%0aX-Planted:%20x HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /nowhere HTTP/1.1\r\nHost: x\r\n X-Planted: x\r\n\r\n",
      "GET /nowhere HTTP/1.1\r\nHost: x\nX-Planted: x\r\n\r\n",
      "GET /nowhere HTTP/1.1\r\nHost: x\rX-Planted: x\r\n\r\n",
      "G\rX-Planted: x /metrics HTTP/1.1\r\nHost: x\r\n\r\n"};
  for (const std::string& request : requests) {
    HttpConnection connection(exporter_.port());
    connection.send(request);
    connection.close_sending();
    EXPECT_THAT(connection.receive_all(kLiveness), Not(HasSubstr("X-Planted")))
        << request;
  }
  EXPECT_THAT(exporter_.output(), Not(HasSubstr("X-Planted")));
  expect_scrapes();
}

TEST_F(HttpAttackTest, NoTargetLeadsElsewhere) {
  const std::vector<std::string> targets = {
      "/../metrics",
      "/./metrics",
      "/metrics/../metrics",
      "/..%2fmetrics",
      "/%2e%2e/etc/passwd",
      "/..\\..\\etc\\passwd",
      "//etc/passwd",
      "/metrics%00",
      "/metrics%00.html",
      with_nul("/metrics"),
      "file:///etc/passwd",
      "http://x/../../etc/passwd",
      "http://127.0.0.1:1/nowhere",
      "http://169.254.169.254/latest/meta-data"};
  for (const std::string& target : targets) {
    HttpConnection connection(exporter_.port());
    connection.send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.close_sending();
    EXPECT_THAT(
        connection.receive_all(kLiveness),
        AnyOf(IsEmpty(), StartsWith("HTTP/1.1 4"), StartsWith("HTTP/1.0 4")))
        << target;
  }
  expect_scrapes();
}

}  // namespace
}  // namespace dbpool::test
