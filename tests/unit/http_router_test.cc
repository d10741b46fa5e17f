#include "exporter/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <latch>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/http/listen_address.h"
#include "tests/unit/text_of.h"

namespace dbpool::exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

Route text_route(std::string path, std::string name, std::string body) {
  return {
      .path = std::move(path),
      .name = std::move(name),
      .handler = [body](const Request&) -> Response { return {.body = body}; }};
}

class RouterTest : public testing::Test {
 protected:
  void use(std::vector<Route> routes, std::uint32_t max_requests = 10) {
    router_ = std::make_unique<Router>(std::move(routes), max_requests, log_);
  }
  Response ask(std::string_view method, std::string_view path) {
    Response answer;
    router_->serve({.method = method, .path = path, .query = ""},
                   [&](const Response& response) { answer = response; });
    return answer;
  }
  std::string metrics() const { return test::text_of(*router_->metrics()); }
  static std::string header(const Response& response, const std::string& name) {
    for (const Header& one : response.headers) {
      if (one.name == name) return one.value;
    }
    return "";
  }

  std::ostringstream lines_;
  Logger log_{LogOptions{},
              std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_)};
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, AnswersExactPathsOnly) {
  use({text_route("/metrics", "metrics", "m"),
       text_route("/", "landing", "l")});
  EXPECT_EQ(ask("GET", "/metrics").body, "m");
  EXPECT_EQ(ask("GET", "/").body, "l");
  for (const char* path : {"/metricsX", "/metrics/", "//metrics", "/Metrics",
                           "/%6detrics", "", "/metrics/..", "*", "metrics"}) {
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  }
}

TEST_F(RouterTest, HeadIsAnsweredAsGet) {
  use({text_route("/a", "a", "body")});
  EXPECT_EQ(ask("HEAD", "/a").status, 200);
  EXPECT_EQ(ask("HEAD", "/a").body, "body") << "the length is that of GET";
}

TEST_F(RouterTest, OtherMethodsGet405WithAllow) {
  Route post = text_route("/a", "a", "posted");
  post.method = "POST";
  use({text_route("/a", "a", "body"), std::move(post),
       text_route("/b", "b", "body")});
  EXPECT_EQ(ask("POST", "/a").body, "posted");
  EXPECT_EQ(ask("GET", "/a").body, "body");
  EXPECT_EQ(header(ask("DELETE", "/a"), "Allow"), "GET, HEAD, POST");
  for (const char* method : {"POST", "PUT", "OPTIONS", "TRACE", "get"}) {
    const Response response = ask(method, "/b");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(header(response, "Allow"), "GET, HEAD");
  }
  for (const char* target : {"*", "db.example:5432"}) {
    const Response response = ask("OPTIONS", target);
    EXPECT_EQ(response.status, 405) << target;
    EXPECT_EQ(header(response, "Allow"), "GET, HEAD, POST");
  }
  EXPECT_EQ(ask("OPTIONS", "/c").status, 404);
}

TEST_F(RouterTest, AHandlerThatThrowsCostsOne500AndIsLogged) {
  use({{.path = "/a",
        .name = "a",
        .handler = [](const Request&) -> Response {
          throw std::runtime_error("secret detail");
        }},
       {.path = "/b", .name = "b", .handler = [](const Request&) -> Response {
          throw 42;  // NOLINT(misc-throw-by-value-catch-by-reference)
        }}});
  const Response response = ask("GET", "/a");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, Not(HasSubstr("secret detail")));
  EXPECT_THAT(lines_.str(), HasSubstr("secret detail"));
  EXPECT_EQ(ask("GET", "/b").status, 500);
}

TEST_F(RouterTest, PastTheLimitWorkGets503AndHealthDoesNot) {
  std::latch entered(2);
  std::latch release(1);
  Route work = {.path = "/work",
                .name = "work",
                .handler = [&](const Request&) -> Response {
                  entered.count_down();
                  release.wait();
                  return {};
                }};
  Route health = text_route("/health", "health", "ok");
  health.limited = false;
  use({std::move(work), std::move(health)}, 2);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] { EXPECT_EQ(ask("GET", "/work").status, 200); });
    }
    entered.wait();
    const Response refused = ask("GET", "/work");
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(header(refused, "Retry-After"), "1");
    EXPECT_EQ(ask("GET", "/health").status, 200);
    EXPECT_THAT(metrics(),
                HasSubstr("dbpool_exporter_http_requests_in_flight 2\n"));
    release.count_down();
  }
  EXPECT_THAT(metrics(),
              HasSubstr("dbpool_exporter_http_requests_in_flight 0\n"));
  EXPECT_THAT(metrics(),
              HasSubstr("dbpool_exporter_http_requests_total{handler=\"work\","
                        "code=\"503\"} 1\n"));
}

TEST_F(RouterTest, AnAnswerThatIsBeingSentTakesNoPlace) {
  use({text_route("/a", "a", "body")}, 1);
  Response meanwhile;
  router_->serve({.method = "GET", .path = "/a", .query = ""},
                 [&](const Response&) { meanwhile = ask("GET", "/a"); });
  EXPECT_EQ(meanwhile.status, 200);
}

TEST_F(RouterTest, CountsByHandlerAndCodeWithClosedLabels) {
  use({text_route("/a", "a", "body")});
  EXPECT_THAT(metrics(),
              HasSubstr("http_request_duration_seconds_count{handler=\"a\"} 0"))
      << "known handlers start at 0";
  ask("GET", "/a");
  ask("GET", "/a");
  ask("POST", "/a");
  for (int i = 0; i < 50; ++i) ask("GET", "/no/" + std::to_string(i));
  router_->count_unrouted(400);
  const std::string page = metrics();
  const std::string total = "dbpool_exporter_http_requests_total";
  EXPECT_THAT(page, HasSubstr(total + "{handler=\"a\",code=\"200\"} 2\n"));
  EXPECT_THAT(page, HasSubstr(total + "{handler=\"a\",code=\"405\"} 1\n"));
  EXPECT_THAT(page, HasSubstr(total + "{handler=\"other\",code=\"404\"} 50\n"));
  EXPECT_THAT(page, HasSubstr(total + "{handler=\"other\",code=\"400\"} 1\n"));
  EXPECT_THAT(
      page, HasSubstr("http_request_duration_seconds_count{handler=\"a\"} 3"));
  EXPECT_THAT(page, Not(HasSubstr("/no/")));
}

TEST_F(RouterTest, ARequestIsCountedBeforeItsAnswerIsSent) {
  use({text_route("/a", "a", "body")});
  std::string seen;
  router_->serve({.method = "GET", .path = "/a", .query = ""},
                 [&](const Response&) { seen = metrics(); });
  EXPECT_THAT(seen, HasSubstr("{handler=\"a\",code=\"200\"} 1\n"));
}

TEST(Request, HeadersAreFoundInAnyCase) {
  const Request request{.method = "GET",
                        .path = "/",
                        .query = "",
                        .headers = {{"HOST", "a"}, {"X-One", "1"}}};
  EXPECT_EQ(request.header("host"), "a");
  EXPECT_EQ(request.header("x-ONE"), "1");
  EXPECT_EQ(request.header("x-two"), "");
  EXPECT_EQ(request.header("x-on"), "");
}

TEST(ListenAddress, TakesPortHostAndBrackets) {
  const auto parsed = [](std::string_view text) {
    return parse_listen_address(text).value();
  };
  EXPECT_EQ(parsed(":10187"), (ListenAddress{"", 10187}));
  EXPECT_EQ(parsed("127.0.0.1:0"), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(parsed("db-1.example:65535"),
            (ListenAddress{"db-1.example", 65535}));
  EXPECT_EQ(parsed("[::1]:80"), (ListenAddress{"::1", 80}));
  for (const char* text : {":10187", "localhost:1", "[fe80::1]:80"}) {
    EXPECT_EQ(to_string(parsed(text)), text);
  }
}

TEST(ListenAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"",      ":",       "10187",     "host",
                           "host:", ":65536",  ":-1",       ":+1",
                           ":1x",   ": 1",     "::1",       "::1:80",
                           "[::1]", "[::1",    "[]:1",      "[host]:1",
                           "a b:1", "host:1s", "host:1,:2", "http://host:1"}) {
    EXPECT_FALSE(parse_listen_address(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace dbpool::exporter
