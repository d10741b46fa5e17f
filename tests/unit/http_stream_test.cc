// Streams of the real server on 127.0.0.1, with polite and impolite clients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <latch>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/http/server.h"
#include "exporter/live/live_routes.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::http_get;
using test::HttpConnection;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr seconds kPatience(60);
const std::string kGet = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";

class StreamTest : public testing::Test {
 protected:
  void start(ServerOptions options = {}, std::uint32_t max_requests = 40) {
    start({live_stream_route(feed_), live_json_route(feed_)},
          std::move(options), max_requests);
  }
  void start(std::vector<Route> routes, ServerOptions options,
             std::uint32_t max_requests) {
    options.listen = {{"127.0.0.1", 0}};
    options.stream_threads = kMostStreams;
    auto server = Server::start(
        options,
        std::make_unique<Router>(std::move(routes), max_requests, log_), log_);
    ASSERT_TRUE(server) << server.error();
    server_ = *std::move(server);
  }
  int port() const { return server_->addresses().at(0).port; }

  // A stream that has begun.
  std::unique_ptr<HttpConnection> listen() const {
    auto connection = std::make_unique<HttpConnection>(port());
    connection->send(kGet);
    EXPECT_THAT(connection->receive_until("\r\n\r\n", kPatience),
                HasSubstr("text/event-stream"));
    EXPECT_THAT(connection->receive_until("\n\n", kPatience),
                HasSubstr("data: {"));
    return connection;
  }

  std::ostringstream lines_;
  Logger log_{LogOptions{},
              std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_)};
  const LivePool pool_;
  std::shared_ptr<LiveFeed> feed_ = std::make_shared<LiveFeed>(
      [this] {
        return std::vector<LiveFeed::Sampled>{
            {pool_.health.stats, std::chrono::seconds(5)}};
      },
      [this] { return std::vector{pool_}; });
  std::unique_ptr<Server> server_;
};

TEST_F(StreamTest, EachSampleIsAnEventThatSaysWhereTheNextBegins) {
  start();
  const auto stream = listen();
  feed_->take_sample();
  const std::string event = stream->receive_until("\n\n", kPatience);
  EXPECT_THAT(event, StartsWith("id: " + feed_->document("").cursor + "\n"));
  EXPECT_THAT(event, HasSubstr("\"samples\":[{"));
}

TEST_F(StreamTest, AClientThatComesBackGetsWhatItMissed) {
  start();
  feed_->take_sample();
  const std::string cursor = feed_->document("").cursor;
  feed_->take_sample();
  HttpConnection connection(port());
  connection.send("GET /live HTTP/1.1\r\nHost: x\r\nLast-Event-ID: " + cursor +
                  "\r\n\r\n");
  connection.receive_until("\r\n\r\n", kPatience);
  const std::string event = connection.receive_until("\n\n", kPatience);
  const std::string mark = "\"time\":";
  std::size_t times = 0;
  for (std::size_t at = 0; (at = event.find(mark, at)) != std::string::npos;
       ++at) {
    ++times;
  }
  EXPECT_EQ(times, 2U) << "of the document and one sample: " << event;
}

TEST_F(StreamTest, PastTheMostStreamsAClientIsToldToPoll) {
  start();
  std::vector<std::unique_ptr<HttpConnection>> streams;
  for (std::uint32_t i = 0; i < kMostStreams; ++i) streams.push_back(listen());
  const auto refused = http_get(port(), "/live");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("/live.json"));
  EXPECT_EQ(refused.headers.at("retry-after"), "5");
  EXPECT_EQ(http_get(port(), "/live.json").status, 200);
}

TEST_F(StreamTest, AStreamThatEndedLeavesItsPlace) {
  start();
  std::vector<std::unique_ptr<HttpConnection>> streams;
  for (std::uint32_t i = 0; i < kMostStreams; ++i) streams.push_back(listen());
  streams.pop_back();
  EXPECT_TRUE(eventually(kPatience, [&] {
    feed_->take_sample();
    HttpConnection connection(port());
    connection.send(kGet);
    return connection.receive_until("\r\n", kPatience).find("200") !=
           std::string::npos;
  }));
}

TEST_F(StreamTest, StreamsTakeNoPlaceOfOtherRequests) {
  start({.worker_threads = 1}, 1);
  std::vector<std::unique_ptr<HttpConnection>> streams;
  for (std::uint32_t i = 0; i < kMostStreams; ++i) streams.push_back(listen());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(http_get(port(), "/live.json").status, 200);
  }
}

TEST_F(StreamTest, SilentClientsDoNotEndAStream) {
  start({.request_timeout = std::chrono::minutes(5)});
  const auto stream = listen();
  std::vector<std::unique_ptr<HttpConnection>> silent;
  for (int i = 0; i < 150; ++i) {
    silent.push_back(std::make_unique<HttpConnection>(port()));
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(http_get(port(), "/live.json", {.timeout = kPatience}).status,
              200);
  }
  feed_->take_sample();
  EXPECT_THAT(stream->receive_until("\n\n", kPatience), HasSubstr("data: "));
}

TEST_F(StreamTest, AStreamEndsWhenTheServerStops) {
  start({.request_timeout = std::chrono::minutes(5)});
  const auto stream = listen();
  server_->stop();
  EXPECT_TRUE(stream->closed_by_server(kPatience));
}

TEST_F(StreamTest, AClientThatDoesNotReadIsLeft) {
  std::latch left(1);
  const std::string much(1 << 20, 'x');
  start({{.path = "/much",
          .name = "much",
          .handler = [&](const Request&) -> Response {
            return {.stream = [&](const SendPiece& send,
                                  const std::stop_token& stop) {
              while (!stop.stop_requested() && send(much)) continue;
              left.count_down();
            }};
          }}},
        {.request_timeout = milliseconds(200)}, 40);
  HttpConnection connection(port());
  connection.send("GET /much HTTP/1.1\r\nHost: x\r\n\r\n");
  left.wait();
}

TEST_F(StreamTest, HeadHasTheHeadersOnly) {
  start();
  HttpConnection connection(port());
  connection.send("HEAD /live HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = connection.receive_all(kPatience);
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

}  // namespace
}  // namespace dbpool::exporter
