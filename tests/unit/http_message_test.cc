#include "exporter/http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dbpool::exporter {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kPolicy = "Content-Security-Policy";

TEST(RequestParameter, IsTheFirstOfItsName) {
  const Request request{.method = "GET", .path = "/", .query = "a=1&b=&c&a=2"};
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_EQ(request.parameter("b"), "");
  EXPECT_EQ(request.parameter("c"), "");
  EXPECT_EQ(request.parameter("d"), std::nullopt);
}

TEST(RequestParameter, ValuesAreAsSent) {
  const Request request{.method = "GET", .path = "/", .query = "&&a=b=c%20d&"};
  EXPECT_EQ(request.parameter("a"), "b=c%20d");
  EXPECT_EQ(request.parameter("b"), std::nullopt);
}

TEST(Wire, AResponseMayHaveASecurityHeaderOfItsOwn) {
  const Response response{.headers = {{kPolicy, "script-src 'self'"}}};
  const std::string wire = to_wire(response, {});
  EXPECT_THAT(wire,
              HasSubstr("Content-Security-Policy: script-src 'self'\r\n"));
  EXPECT_THAT(wire, Not(HasSubstr("default-src")));
  EXPECT_THAT(wire, HasSubstr("X-Frame-Options: DENY\r\n"));
}

TEST(Wire, WhatTheOperatorSetsStandsOverAResponsesOwn) {
  const Response response{.headers = {{kPolicy, "script-src 'self'"}}};
  const std::vector<Header> blank = {{kPolicy, ""}};
  EXPECT_THAT(to_wire(response, {.overrides = &blank}),
              Not(HasSubstr(kPolicy)));
  const std::vector<Header> other = {{kPolicy, "sandbox"}};
  const std::string wire = to_wire(response, {.overrides = &other});
  EXPECT_THAT(wire, HasSubstr("Content-Security-Policy: sandbox\r\n"));
  EXPECT_THAT(wire, Not(HasSubstr("script-src")));
}

TEST(Wire, AStreamHasNoLength) {
  Response response;
  EXPECT_THAT(to_wire(response, {}), HasSubstr("Content-Length: 0\r\n"));
  response.stream = [](const SendPiece&, const std::stop_token&) {};
  EXPECT_THAT(to_wire(response, {}), Not(HasSubstr("Content-Length")));
}

}  // namespace
}  // namespace dbpool::exporter
