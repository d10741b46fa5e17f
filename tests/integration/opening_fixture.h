// What the tests of openings share.
#ifndef DBPOOL_TESTS_INTEGRATION_OPENING_FIXTURE_H_
#define DBPOOL_TESTS_INTEGRATION_OPENING_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dbpool/connect.h"
#include "pool/src/opening/opening.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/blocking_wait.h"
#include "tests/integration/patience.h"
#include "tests/support/postgres.h"

namespace dbpool::test {

inline constexpr std::string_view kPlanted = "pl4nted-Secret";

inline std::shared_ptr<const detail::SessionContext> session_context() {
  return std::make_shared<const detail::SessionContext>(
      detail::SessionContext{.timeouts = std::make_shared<detail::Timeouts>(
                                 std::nullopt, std::chrono::seconds(2)),
                             .server_statement_timeout = std::nullopt,
                             .max_prepared_statements = 10,
                             .sink = nullptr,
                             .statistics = nullptr,
                             .pool_name = "test"});
}

inline std::shared_ptr<const ConnectionString> target(std::string_view text) {
  auto parsed = ConnectionString::parse(text);
  EXPECT_TRUE(parsed) << text;
  return std::make_shared<const ConnectionString>(parsed ? std::move(*parsed)
                                                         : ConnectionString());
}

inline Expected<detail::Opened> open(std::string_view text,
                                     Duration timeout = kLongEnough) {
  detail::Opening opening(target(text), timeout, session_context(),
                          Clock::now());
  detail::blocking_wait(opening);
  return opening.take_result();
}

// Opens what must succeed; null (and a failed test) if it does not.
inline std::unique_ptr<detail::Session> open_session(std::string_view text) {
  auto opened = open(text);
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
  return opened ? std::move(opened->session) : nullptr;
}

// Opens what must fail, and checks what holds for every failure.
inline Error open_failure(std::string_view text,
                          Duration timeout = kLongEnough) {
  const auto opened = open(text, timeout);
  EXPECT_FALSE(opened) << text;
  if (opened) return {};
  const Error& error = opened.error();
  EXPECT_EQ(error.kind, ErrorKind::kConnect) << error.message;
  EXPECT_TRUE(error.connect_failure.has_value());
  EXPECT_THAT(error.message,
              testing::Not(testing::HasSubstr(std::string(kPlanted))));
  EXPECT_THAT(error.message, testing::Not(testing::HasSubstr("\n")));
  return error;
}

// A key=value string for the app role over TCP, with `more` in addition.
inline std::string over_tcp(int port, const std::string& more = {}) {
  return "host=127.0.0.1 port=" + std::to_string(port) +
         " user=" + std::string(kAppUser) +
         " password=" + std::string(kAppPassword) + " dbname=postgres " + more;
}

// The same with a planted password, for what must fail.
inline std::string planted(const std::string& host, int port,
                           const std::string& more = {}) {
  return "host=" + host + " port=" + std::to_string(port) +
         " user=app password=" + std::string(kPlanted) + " dbname=postgres " +
         more;
}

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_INTEGRATION_OPENING_FIXTURE_H_
