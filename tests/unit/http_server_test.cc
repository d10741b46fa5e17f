// The real server on 127.0.0.1, with polite and impolite clients.
#include "exporter/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <latch>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/http/addresses.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"
#include "tests/unit/text_of.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::http_get;
using test::HttpConnection;
using test::HttpResponse;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// For liveness on a busy machine; nothing here should come near it.
constexpr seconds kPatience(60);

Route text_route(std::string path, std::string body) {
  return {.path = path,
          .name = path,
          .handler = [body = std::move(body)](const Request&) -> Response {
            return {.body = body};
          }};
}

class ServerTest : public testing::Test {
 protected:
  void start(std::vector<Route> routes, ServerOptions options = {},
             std::uint32_t max_requests = 40) {
    if (options.listen.empty()) options.listen = {{"127.0.0.1", 0}};
    auto router =
        std::make_unique<Router>(std::move(routes), max_requests, log_);
    metrics_ = router->metrics();
    auto server = Server::start(options, std::move(router), log_);
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = std::move(*server);
  }
  void start_hello(ServerOptions options = {}) {
    start({text_route("/hello", "world"), text_route("/", "root")},
          std::move(options));
  }
  int port() const { return server_->addresses().at(0).port; }
  std::string metrics() const { return test::text_of(*metrics_); }
  // What the server sends on a connection of its own.
  std::string raw(const std::string& bytes) const {
    HttpConnection connection(port());
    connection.send(bytes);
    return connection.receive_all(kPatience);
  }
  static std::string get(const std::string& target,
                         const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
  }

  std::ostringstream lines_;
  Logger log_{LogOptions{},
              std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_)};
  std::shared_ptr<HttpMetrics> metrics_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersARouteWithSecurityHeaders) {
  start_hello();
  const HttpResponse response = http_get(port(), "/hello");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "world");
  EXPECT_EQ(response.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(response.headers.at("x-content-type-options"), "nosniff");
  EXPECT_THAT(response.headers.at("content-security-policy"),
              HasSubstr("default-src 'none'"));
  EXPECT_EQ(response.headers.at("cache-control"), "no-store");
  EXPECT_THAT(response.headers.at("date"), testing::EndsWith(" GMT"));
}

TEST_F(ServerTest, TheQueryDoesNotTakePartInRouting) {
  start({{.path = "/q", .name = "q", .handler = [](const Request& request) {
            return Response{.body = std::string(request.query)};
          }}});
  EXPECT_EQ(http_get(port(), "/q?a=%20b&c").body, "a=%20b&c");
  EXPECT_EQ(http_get(port(), "/q").body, "");
}

TEST_F(ServerTest, RoutesAreExactOnTheWireToo) {
  start_hello();
  for (const char* target : {"/helloX", "/hello/", "//hello", "/x/../hello",
                             "/hello%00", "/%68ello", "/hello;a"}) {
    EXPECT_EQ(http_get(port(), target).status, 404) << target;
  }
}

TEST_F(ServerTest, HeadHasTheLengthAndNoBody) {
  start_hello();
  EXPECT_THAT(raw("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                             HasSubstr("Content-Length: 5\r\n"),
                             testing::EndsWith("\r\n\r\n")));
}

TEST_F(ServerTest, OtherMethodsGet405AndItsAllowHeader) {
  start_hello();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const HttpResponse response =
        http_get(port(), "/hello", {.method = method, .body = "x=1"});
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.headers.at("allow"), "GET, HEAD");
  }
}

TEST_F(ServerTest, HandlersSeeTheRequestsHeaders) {
  start({{.path = "/h", .name = "h", .handler = [](const Request& request) {
            return Response{.body = std::string(request.header(
                                "X-Prometheus-Scrape-Timeout-Seconds"))};
          }}});
  EXPECT_EQ(
      http_get(port(), "/h",
               {.headers = {{"x-prometheus-scrape-timeout-seconds", "9.5"}}})
          .body,
      "9.5");
}

TEST_F(ServerTest, OneConnectionServesManyRequestsAlsoPipelined) {
  start_hello();
  HttpConnection connection(port());
  for (int i = 0; i < 3; ++i) {
    connection.send(get("/hello"));
    EXPECT_EQ(connection.receive().body, "world");
  }
  std::string pipelined;
  for (int i = 0; i < 20; ++i) pipelined += get("/hello") + get("/nothing");
  connection.send(pipelined);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(connection.receive().body, "world");
    EXPECT_EQ(connection.receive().status, 404);
  }
}

TEST_F(ServerTest, HttpOneZeroAndConnectionCloseEndTheConnection) {
  start_hello();
  EXPECT_THAT(raw("GET /hello HTTP/1.0\r\n\r\n"),
              HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(raw(get("/hello", "Connection: close\r\n")),
              testing::EndsWith("world"));
}

TEST_F(ServerTest, ABodyIsIgnoredAndTheConnectionStaysInStep) {
  start_hello();
  HttpConnection connection(port());
  connection.send(
      "POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n"
      "\r\nGET /nothing HTTP/" +
      get("/hello"));
  EXPECT_EQ(connection.receive().status, 405);
  EXPECT_EQ(connection.receive().body, "world");
}

TEST_F(ServerTest, LargeAndChunkedBodiesEndTheConnection) {
  start_hello();
  for (const char* header :
       {"Content-Length: 1000000000", "Transfer-Encoding: chunked",
        "Content-Length: 3\r\nExpect: 100-continue"}) {
    HttpConnection connection(port());
    connection.send("POST /hello HTTP/1.1\r\nHost: x\r\n" +
                    std::string(header) + "\r\n\r\n");
    const HttpResponse response = connection.receive();
    EXPECT_EQ(response.status, 405) << header;
    EXPECT_EQ(response.headers.at("connection"), "close");
    EXPECT_TRUE(connection.closed_by_server(kPatience)) << header;
  }
}

TEST_F(ServerTest, GarbageGetsAnErrorOrAClosedConnectionAndNothingElse) {
  start_hello();
  const std::string nul(1, '\0');
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string("hello\r\n\r\n"),
        std::string("GET\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\r\n\r\n", 10),
        "GET /" + nul + " HTTP/1.1\r\n\r\n",
        std::string("GET /hello HTTP/1.1\r\nContent-Length: -5\r\n\r\n"),
        std::string("GET /hello HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n"),
        std::string("GET \xff\xfe HTTP/1.1\r\n\r\n"),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")}) {
    const std::string answer = raw(bytes);
    EXPECT_THAT(answer, Not(StartsWith("HTTP/1.1 2")));
    if (!answer.empty()) {
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 "));
      EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    }
  }
  EXPECT_EQ(http_get(port(), "/hello").body, "world");
  EXPECT_THAT(metrics(), HasSubstr("{handler=\"other\",code=\"400\"}"));
}

TEST_F(ServerTest, HugeHeadersAreRefused) {
  start_hello();
  HttpConnection large(port());
  large.send(get("/hello", "X-Large: " + std::string(100'000, 'x') + "\r\n"));
  EXPECT_THAT(large.receive_all(kPatience), Not(HasSubstr("world")));
  HttpConnection path(port());
  path.send(get("/" + std::string(100'000, 'x')));
  EXPECT_THAT(path.receive_all(kPatience), Not(HasSubstr("HTTP/1.1 2")));
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_THAT(raw(get("/hello", many)), StartsWith("HTTP/1.1 431"));
  EXPECT_EQ(http_get(port(), "/hello").body, "world");
}

TEST_F(ServerTest, IdleConnectionsDoNotHoldUpOthers) {
  start_hello({.request_timeout = std::chrono::minutes(5),
               .keep_alive_timeout = std::chrono::minutes(5)});
  std::vector<std::unique_ptr<HttpConnection>> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(std::make_unique<HttpConnection>(port()));
    if (i % 2 == 0) continue;  // never says a word
    idle.back()->send("GET /hel");
  }
  // The idle ones would be closed after minutes: the answers are not theirs.
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(http_get(port(), "/hello", {.timeout = kPatience}).body, "world");
  }
}

TEST_F(ServerTest, ASlowRequestIsCutOff) {
  start_hello({.request_timeout = milliseconds(200)});
  HttpConnection silent(port());
  EXPECT_TRUE(silent.closed_by_server(kPatience));
  HttpConnection slow(port());
  slow.send("GET /hello HTTP/1.1\r\nHo");
  EXPECT_THAT(slow.receive_all(kPatience), Not(HasSubstr("world")));
  EXPECT_EQ(http_get(port(), "/hello").body, "world");
}

TEST_F(ServerTest, AnIdleConnectionIsClosedAfterTheKeepAliveTimeout) {
  start_hello({.keep_alive_timeout = milliseconds(200)});
  HttpConnection connection(port());
  connection.send(get("/hello"));
  EXPECT_EQ(connection.receive().headers.at("connection"), "keep-alive");
  EXPECT_TRUE(connection.closed_by_server(kPatience));
}

TEST_F(ServerTest, PastTheLimitAnswers503AtOnce) {
  std::latch entered(1);
  std::latch release(1);
  Route health = text_route("/health", "ok");
  health.limited = false;
  start({{.path = "/work",
          .name = "work",
          .handler = [&](const Request&) -> Response {
            entered.count_down();
            release.wait();
            return {.body = "done"};
          }},
         std::move(health)},
        {}, 1);
  std::jthread first(
      [&] { EXPECT_EQ(http_get(port(), "/work").body, "done"); });
  entered.wait();
  const HttpResponse refused = http_get(port(), "/work");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_EQ(http_get(port(), "/health").body, "ok");
  release.count_down();
}

TEST_F(ServerTest, AThrowingHandlerCostsOneRequestNotTheServer) {
  start({{.path = "/bad",
          .name = "bad",
          .handler = [](const Request&) -> Response {
            throw std::runtime_error("broken");
          }},
         text_route("/hello", "world")});
  EXPECT_EQ(http_get(port(), "/bad").status, 500);
  EXPECT_EQ(http_get(port(), "/hello").status, 200);
}

TEST_F(ServerTest, ListensOnSeveralAddresses) {
  start_hello({.listen = {{"127.0.0.1", 0}, {"localhost", 0}}});
  ASSERT_EQ(server_->addresses().size(), 2U);
  EXPECT_NE(server_->addresses()[0].port, server_->addresses()[1].port);
  for (const ListenAddress& address : server_->addresses()) {
    EXPECT_EQ(http_get(address.port, "/hello").body, "world");
  }
}

TEST_F(ServerTest, WithoutAHostItListensOnAllAddresses) {
  start_hello({.listen = {{"", 0}}});
  EXPECT_EQ(http_get(port(), "/hello").body, "world");
}

TEST_F(ServerTest, APortInUseIsOneClearError) {
  start_hello();
  const ServerOptions options{
      .listen = {{"127.0.0.1", static_cast<std::uint16_t>(port())}}};
  const auto second = Server::start(
      options, std::make_unique<Router>(std::vector<Route>{}, 1, log_), log_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error(),
            "cannot listen on 127.0.0.1:" + std::to_string(port()) +
                ": Address already in use");
  EXPECT_EQ(http_get(port(), "/hello").body, "world");
}

TEST_F(ServerTest, OfSeveralAddressesTheOneThatFailsIsNamed) {
  start_hello();
  const auto taken = static_cast<std::uint16_t>(port());
  const std::string why =
      "cannot listen on localhost:" + std::to_string(taken) +
      ": Address already in use";
  const std::vector<ListenAddress> listen = {{"127.0.0.1", 0},
                                             {"localhost", taken}};
  EXPECT_EQ(why_not_listen(listen), why);
  const auto second = Server::start(
      {.listen = listen},
      std::make_unique<Router>(std::vector<Route>{}, 1, log_), log_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error(), why);
  // 192.0.2.0/24 is nobody's.
  EXPECT_EQ(why_not_listen({{"192.0.2.1", 1}}),
            "cannot listen on 192.0.2.1:1: Cannot assign requested address");
  EXPECT_EQ(why_not_listen({{"127.0.0.1", 0}, {"::1", 0}}), std::nullopt);
}

TEST_F(ServerTest, AnAddressThatHasBeenResolvedIsNotLookedUpAgain) {
  std::vector<ListenAddress> listen = {{"localhost", 0}, {"", 0}};
  ASSERT_TRUE(resolve(listen));
  EXPECT_EQ(listen[0].numeric, "127.0.0.1");
  EXPECT_EQ(listen[1].numeric, "");
  listen[0].host = "no-such-host.invalid";
  EXPECT_EQ(why_not_listen(listen), std::nullopt);
  EXPECT_EQ(to_numeric(listen)->front().host, "127.0.0.1");
}

TEST_F(ServerTest, AddressesThatCannotBeAreRefused) {
  const auto server = Server::start(
      {.listen = {{"no-such-host.invalid", 0}}},
      std::make_unique<Router>(std::vector<Route>{}, 1, log_), log_);
  ASSERT_FALSE(server.has_value());
  EXPECT_THAT(server.error(), StartsWith("cannot listen on "));
  EXPECT_THAT(server.error(), Not(HasSubstr("\n")));
}

TEST_F(ServerTest, ListensOnIpv6) {
  start_hello({.listen = {{"::1", 0}, {"127.0.0.1", 0}}});
  ASSERT_EQ(server_->addresses().size(), 2U);
  EXPECT_EQ(to_string(server_->addresses()[0]),
            "[::1]:" + std::to_string(port()));
  HttpConnection connection(test::connect_to_ipv6(port()));
  connection.send(get("/hello"));
  EXPECT_EQ(connection.receive().body, "world");
}

TEST_F(ServerTest, ItsThreadsTakeNoSignals) {
  std::atomic<bool> blocked = false;
  start({{.path = "/mask",
          .name = "mask",
          .handler = [&](const Request&) -> Response {
            sigset_t mask;
            pthread_sigmask(SIG_BLOCK, nullptr, &mask);
            blocked = sigismember(&mask, SIGTERM) == 1 &&
                      sigismember(&mask, SIGINT) == 1 &&
                      sigismember(&mask, SIGHUP) == 1;
            return {};
          }}});
  EXPECT_EQ(http_get(port(), "/mask").status, 200);
  EXPECT_TRUE(blocked);
  sigset_t own;
  pthread_sigmask(SIG_BLOCK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 0) << "the caller's mask is its own";
}

TEST_F(ServerTest, StopLetsARequestFinishAndRefusesNewOnes) {
  std::latch entered(1);
  std::latch release(1);
  start({{.path = "/work",
          .name = "work",
          .handler = [&](const Request&) -> Response {
            entered.count_down();
            release.wait();
            return {.body = "done"};
          }},
         text_route("/hello", "world")});
  HttpConnection waiting(port());
  std::jthread working(
      [&] { EXPECT_EQ(http_get(port(), "/work").body, "done"); });
  entered.wait();
  const int old_port = port();
  std::jthread stopping([&] { server_->stop(); });
  EXPECT_TRUE(test::eventually(
      kPatience, [&] { return http_get(old_port, "/hello").status == 503; }));
  release.count_down();
  working.join();
  stopping.join();
  EXPECT_TRUE(waiting.closed_by_server(kPatience));
  EXPECT_THROW(test::connect_to(old_port), std::runtime_error);
  server_->stop();  // nothing is left to stop
}

TEST_F(ServerTest, ItCanBeStartedAgainOnTheSamePort) {
  start_hello();
  const auto same = static_cast<std::uint16_t>(port());
  EXPECT_EQ(http_get(same, "/hello").body, "world");
  server_.reset();
  start_hello({.listen = {{"127.0.0.1", same}}});
  EXPECT_EQ(http_get(same, "/hello").body, "world");
}

TEST_F(ServerTest, ItAnswersItself) {
  start_hello();
  EXPECT_TRUE(server_->answers(kPatience));
}

TEST(ReactsTest, OneThatAcceptsButSaysNothingDoesNotReact) {
  const int port = test::free_port();
  const test::UniqueFd silent = test::listen_on(port);
  EXPECT_FALSE(
      reacts("127.0.0.1", static_cast<std::uint16_t>(port), milliseconds(50)));
}

TEST(ReactsTest, NobodyDoesNotReact) {
  EXPECT_FALSE(
      reacts("", static_cast<std::uint16_t>(test::free_port()), kPatience));
}

}  // namespace
}  // namespace dbpool::exporter
