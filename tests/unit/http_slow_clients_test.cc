// The real server on 127.0.0.1, with more clients that keep it waiting than it
// has threads. Its timeouts are minutes here: whoever has an answer has not
// waited for one.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/http/server.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

namespace dbpool::exporter {
namespace {

using test::http_get;
using test::HttpConnection;

constexpr std::chrono::seconds kPatienceOfTests(60);
constexpr int kSlow = 150;  // the server has 50 threads
const std::string kRequest = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kLargeRequest = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";

class SlowClientsTest : public testing::Test {
 protected:
  SlowClientsTest() {
    std::vector<Route> routes;
    const auto add = [&routes](const std::string& path,
                               const std::string& body) {
      routes.push_back({.path = path,
                        .name = path,
                        .handler = [body](const Request&) -> Response {
                          return {.body = body};
                        }});
    };
    add("/hello", "world");
    // More than the buffers of a socket take.
    add("/large", std::string(16 << 20, 'x'));
    const ServerOptions options{.listen = {{"127.0.0.1", 0}},
                                .request_timeout = std::chrono::minutes(5),
                                .keep_alive_timeout = std::chrono::minutes(5)};
    auto server = Server::start(
        options, std::make_unique<Router>(std::move(routes), 40, log_), log_);
    EXPECT_TRUE(server) << server.error();
    server_ = *std::move(server);
  }

  HttpConnection& connect() {
    slow_.push_back(std::make_unique<HttpConnection>(port()));
    return *slow_.back();
  }
  int port() const { return server_->addresses().at(0).port; }

  void expect_answers() {
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(http_get(port(), "/hello", {.timeout = kPatienceOfTests}).body,
                "world");
    }
  }

  std::ostringstream lines_;
  Logger log_{LogOptions{},
              std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_)};
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<HttpConnection>> slow_;
};

TEST_F(SlowClientsTest, SilentConnectionsMakeRoom) {
  for (int i = 0; i < kSlow; ++i) connect();
  expect_answers();
}

TEST_F(SlowClientsTest, RequestsThatDoNotEndMakeRoom) {
  for (int i = 0; i < kSlow; ++i) connect().send("GET /hello HTTP/1.1\r\nHo");
  expect_answers();
}

TEST_F(SlowClientsTest, ConnectionsThatAskForNothingMoreMakeRoom) {
  for (int i = 0; i < kSlow; ++i) {
    HttpConnection& client = connect();
    client.send(kRequest);
    EXPECT_EQ(client.receive(false, kPatienceOfTests).body, "world");
  }
  expect_answers();
}

TEST_F(SlowClientsTest, AnswersThatAreNotReadMakeRoom) {
  for (int i = 0; i < 70; ++i) connect().send(kLargeRequest);
  // Until the answers are made their requests have their places.
  EXPECT_TRUE(test::eventually(kPatienceOfTests, [this] {
    return http_get(port(), "/hello", {.timeout = kPatienceOfTests}).status ==
           200;
  }));
  expect_answers();
}

TEST_F(SlowClientsTest, AFewAreLeftAlone) {
  HttpConnection& kept = connect();
  kept.send(kRequest);
  EXPECT_EQ(kept.receive().body, "world");
  for (int i = 0; i < 20; ++i) connect();
  expect_answers();
  kept.send(kRequest);
  EXPECT_EQ(kept.receive().body, "world");
  for (int i = 1; i <= 20; ++i) {
    slow_[static_cast<std::size_t>(i)]->send(kRequest);
    EXPECT_EQ(slow_[static_cast<std::size_t>(i)]->receive().body, "world");
  }
}

}  // namespace
}  // namespace dbpool::exporter
