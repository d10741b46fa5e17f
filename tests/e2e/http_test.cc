// What HTTP clients must not be able to do to the exporter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/prometheus.h"

namespace dbpool::test {
namespace {

using ::testing::AnyOf;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The database plays no part here.
class HttpTest : public ::testing::Test {
 protected:
  Exporter exporter_{{.database_url = planted_url(free_port())}};
};

TEST_F(HttpTest, IdleConnectionsDoNotDelayARealPrometheus) {
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 2; ++i) idle.push_back(connect_to(exporter_.port()));
  ScrapeTarget target;
  target.port = exporter_.port();
  Prometheus prometheus(std::vector{target});
  ASSERT_TRUE(prometheus.wait_until_scraped(kLiveness));
  ASSERT_TRUE(eventually(kLiveness, [&] {
    return prometheus.query_value("count_over_time(up[1m])") >= 10;
  }));
  EXPECT_EQ(prometheus.query_value("min_over_time(up[1m])"), 1);
  // With two of two workers taken it would be the request timeout.
  EXPECT_LT(
      prometheus.query_value("max_over_time(scrape_duration_seconds[1m])"), 5);
}

TEST(HttpCompressionTest, ARealPrometheusScrapesInGzipWhereThatIsAskedFor) {
  Exporter exporter({.database_url = planted_url(free_port()),
                     .args = {"--web.enable-compression"}});
  HttpConnection connection(exporter.port());
  connection.send(
      "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
  const auto response = connection.receive();
  EXPECT_THAT(response.body, StartsWith("\x1f\x8b"));
  EXPECT_LT(response.body.size(), exporter.get("/metrics").body.size() / 4);
  ScrapeTarget target;
  target.port = exporter.port();
  Prometheus prometheus(std::vector{target});
  ASSERT_TRUE(prometheus.wait_until_scraped(kLiveness));
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return prometheus.query_value("scrape_samples_scraped") > 100;
  }));
}

TEST_F(HttpTest, OddMethodsAndTargetsGetAnAnswerAndACount) {
  const auto code = [this](const std::string& line) {
    HttpConnection connection(exporter_.port());
    connection.send(line + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return connection.receive(line.starts_with("HEAD")).status;
  };
  EXPECT_EQ(code("TRACE /metrics"), 405);
  EXPECT_EQ(code("FOO /metrics"), 405);
  EXPECT_EQ(code("FOO /nowhere"), 404);
  EXPECT_EQ(code("CONNECT db.example:5432"), 405);
  EXPECT_EQ(code("OPTIONS *"), 405);
  EXPECT_EQ(code("GET *"), 404);
  // As a proxy would be asked: by whatever name and port it was reached.
  EXPECT_EQ(code("GET http://exporter.example/-/healthy?x=1"), 200);
  EXPECT_EQ(code("HEAD http://exporter.example:80/-/healthy"), 200);
  EXPECT_EQ(code("GET http://127.0.0.1:" + std::to_string(exporter_.port()) +
                 "/-/healthy"),
            200);
  EXPECT_EQ(code("GET http://exporter.example/nowhere"), 404);
  const MetricsPage page = exporter_.page();
  const auto count = [&page](const char* handler, const char* status) {
    return page.value("dbpool_exporter_http_requests_total",
                      {{"handler", handler}, {"code", status}});
  };
  EXPECT_EQ(count("metrics", "405"), 2);
  EXPECT_EQ(count("other", "405"), 2);
  EXPECT_EQ(count("other", "404"), 3);
}

TEST_F(HttpTest, AnOddTargetAfterAnotherRequestIsJudgedByItself) {
  HttpConnection connection(exporter_.port());
  connection.send(
      "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
      "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(connection.receive().status, 200);
  EXPECT_EQ(connection.receive().status, 405);
  EXPECT_TRUE(connection.closed_by_server(kLiveness));
}

TEST_F(HttpTest, GarbageIsRefusedAndNothingElseHappens) {
  const std::vector<std::string> garbage = {
      std::string(64, '\0'),
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  // a TLS hello
      "GET\r\n\r\n",
      "GET /metrics\r\n\r\n",
      "GET /metrics HTTP/9.9\r\n\r\n",
      "G\xFFT /metrics HTTP/1.1\r\n\r\n",
      "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\nHost: x\r\n\r\n",
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"};
  for (const std::string& bytes : garbage) {
    HttpConnection connection(exporter_.port());
    connection.send(bytes);
    connection.close_sending();
    EXPECT_THAT(connection.receive_all(kLiveness),
                AnyOf(IsEmpty(), StartsWith("HTTP/1.1 4"),
                      StartsWith("HTTP/1.0 4"), StartsWith("HTTP/1.1 505")))
        << bytes;
  }
  EXPECT_EQ(exporter_.get("/metrics").status, 200);
}

TEST_F(HttpTest, HugeRequestsAreRefused) {
  const std::string huge(1 << 20, 'x');
  for (const std::string& bytes :
       {"GET /" + huge + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Huge: " + huge + "\r\n\r\n",
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" +
            huge}) {
    HttpConnection connection(exporter_.port());
    connection.send(bytes);  // may be cut off in the middle
    EXPECT_THAT(
        connection.receive_all(kLiveness),
        AnyOf(IsEmpty(), StartsWith("HTTP/1.1 4"), StartsWith("HTTP/1.0 4")));
  }
  EXPECT_LT(exporter_.page().value("process_resident_memory_bytes"), 300e6);
}

TEST_F(HttpTest, SlowRequestsAreThrownOutAndDelayNobody) {
  std::vector<std::unique_ptr<HttpConnection>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(std::make_unique<HttpConnection>(exporter_.port()));
    ASSERT_TRUE(slow.back()->send("GET /metrics HTTP/1.1\r\nHost:"));
  }
  HttpRequest quick;
  quick.timeout = std::chrono::seconds(4);  // less than the slow ones get
  EXPECT_EQ(exporter_.get("/metrics", quick).status, 200);
  for (const auto& connection : slow) {
    EXPECT_TRUE(connection->closed_by_server(kLiveness));
  }
}

// Connected to 127.0.0.1:port, with buffers so small that a page of metrics
// does not fit between the two ends.
UniqueFd connect_narrowly(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int small = 2048;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  const int segment = 536;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
            0);
  return fd;
}

// Clients that ask for the page several times at once and read a little of it
// from time to time, until the end of its scope.
class Tricklers {
 public:
  Tricklers(int port, int count) {
    std::string requests;
    for (int i = 0; i < 20; ++i) {
      requests += "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    }
    for (int i = 0; i < count; ++i) {
      clients_.push_back(connect_narrowly(port));
      ::send(clients_.back().get(), requests.data(), requests.size(),
             MSG_NOSIGNAL);
    }
    thread_ =
        std::jthread([this](const std::stop_token& stopped) { read(stopped); });
  }

  // How many of them have begun to read.
  int begun() const { return begun_; }

 private:
  void read(const std::stop_token& stopped) {
    std::vector<bool> has_read(clients_.size(), false);
    while (!stopped.stop_requested()) {
      for (std::size_t i = 0; i < clients_.size(); ++i) {
        std::array<char, 512> bytes;
        const auto got =
            ::recv(clients_[i].get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (got <= 0 || has_read[i]) continue;
        has_read[i] = true;
        ++begun_;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // trickles
    }
  }

  std::vector<UniqueFd> clients_;
  std::atomic<int> begun_ = 0;
  std::jthread thread_;
};

TEST_F(HttpTest, ReadersThatTrickleKeepNobodyOut) {
  // As many as there are requests at once, and as there are threads.
  for (const int count : {42, 70}) {
    const Tricklers tricklers(exporter_.port(), count);
    ASSERT_TRUE(eventually(kLiveness, [&] { return tricklers.begun() >= 42; }));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(exporter_.get("/metrics").status, 200);
    }
  }
}

TEST_F(HttpTest, PipelinedRequestsAreEachAnswered) {
  HttpConnection connection(exporter_.port());
  std::string requests;
  for (int i = 0; i < 3; ++i) {
    requests += "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  ASSERT_TRUE(connection.send(requests));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(connection.receive().status, 200);
}

}  // namespace
}  // namespace dbpool::test
