// Passwords: bcrypt, what is remembered, and what guessing costs.
#include "exporter/web_config/login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "exporter/web_config/bcrypt.h"
#include "tests/support/eventually.h"
#include "tests/support/web_certificates.h"

namespace dbpool::exporter {
namespace {

using test::basic_auth;
using test::bcrypt_hash;

constexpr std::chrono::seconds kPatience(60);

TEST(BcryptTest, ItsHashesAreKnownByTheirForm) {
  EXPECT_EQ(bcrypt_cost(bcrypt_hash("x", 5)), 5);
  // Of the toolkit's documentation.
  EXPECT_EQ(bcrypt_cost("$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7Es"
                        "imhC7zG"),
            10);
  EXPECT_EQ(bcrypt_cost(""), std::nullopt);
  EXPECT_EQ(bcrypt_cost("$2y$03$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7Es"
                        "imhC7zG"),
            std::nullopt);
}

TEST(BcryptTest, OnlyTheRightPasswordMatches) {
  const std::string hash = bcrypt_hash("pass:wörd");
  EXPECT_TRUE(bcrypt_matches("pass:wörd", hash));
  EXPECT_FALSE(bcrypt_matches("pass:wörds", hash));
  EXPECT_FALSE(bcrypt_matches("", hash));
  EXPECT_FALSE(bcrypt_matches(std::string("pass:wörd\0x", 12), hash))
      << "a NUL ends no password";
}

TEST(BcryptTest, AllThreeOfItsNamesAreTaken) {
  std::string hash = bcrypt_hash("some");
  for (const char name : {'a', 'b', 'y'}) {
    hash[2] = name;
    EXPECT_TRUE(bcrypt_matches("some", hash)) << name;
  }
}

TEST(CredentialsTest, AreReadAsTheyAreSent) {
  Credentials read;
  ASSERT_TRUE(read_credentials("bAsIc YWxpY2U6YTpi", read));
  EXPECT_EQ(read.user, "alice");
  EXPECT_EQ(read.password, "a:b");
  for (const std::string user : {"a", "al", "ali"}) {
    ASSERT_TRUE(read_credentials(basic_auth(user, ""), read));
    EXPECT_EQ(read.user, user);
    EXPECT_EQ(read.password, "");
  }
}

TEST(CredentialsTest, GarbageIsRefused) {
  for (const std::string& text : std::vector<std::string>{
           "Basic", "Basic ", "Basic !!!!", "Basic YWxpY2U", "Bearer abcd",
           "Basic YWxpY2U=", "Basic " + test::base64(std::string(5000, 'a')),
           "Basic " + std::string(8, '=')}) {
    Credentials read;
    EXPECT_FALSE(read_credentials(text, read)) << text;
  }
}

class LoginTest : public testing::Test {
 protected:
  LoginResult check(const std::string& authorization) {
    return login_.check(authorization, "192.0.2.1", users_);
  }

  WebUsers users_ = {{"alice", bcrypt_hash("right")},
                     {"bob", bcrypt_hash("other")}};
  Login login_;
};

TEST_F(LoginTest, OnlyTheRightPasswordIsGranted) {
  EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kGranted);
  EXPECT_EQ(check(basic_auth("bob", "other")), LoginResult::kGranted);
  EXPECT_EQ(check(basic_auth("alice", "other")), LoginResult::kWrong);
  EXPECT_EQ(check(basic_auth("alice", "")), LoginResult::kWrong);
  EXPECT_EQ(check(basic_auth("carol", "right")), LoginResult::kWrong);
  EXPECT_EQ(check(basic_auth("", "")), LoginResult::kWrong);
  EXPECT_EQ(check(""), LoginResult::kNone);
  EXPECT_EQ(check("Basic %"), LoginResult::kGarbage);
}

TEST_F(LoginTest, AGoodLoginIsHashedOnce) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kGranted);
  }
  EXPECT_EQ(login_.hashed(), 1U);
}

TEST_F(LoginTest, AnUnknownUserIsHashedLikeAKnownOne) {
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(check(basic_auth("carol", "right")), LoginResult::kWrong);
    EXPECT_EQ(login_.hashed(), static_cast<std::uint64_t>(i));
  }
}

// The unknown user is checked against a hash that is there.
TEST_F(LoginTest, AnUnknownUserWithAKnownPasswordIsNotGranted) {
  users_ = {{"alice", bcrypt_hash("right")}};
  EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kGranted);
  EXPECT_EQ(check(basic_auth("carol", "right")), LoginResult::kWrong);
  EXPECT_EQ(check(basic_auth("carol", "right")), LoginResult::kWrong);
}

TEST_F(LoginTest, AChangedPasswordIsForgotten) {
  EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kGranted);
  users_["alice"] = bcrypt_hash("new");
  EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kWrong);
  EXPECT_EQ(check(basic_auth("alice", "new")), LoginResult::kGranted);
  users_.erase("alice");
  EXPECT_EQ(check(basic_auth("alice", "new")), LoginResult::kWrong);
}

TEST_F(LoginTest, GuessesPushNobodyOutOfMemory) {
  EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kGranted);
  for (std::size_t i = 0; i < Login::kRemembered + 10; ++i) {
    check(basic_auth("alice", "wrong" + std::to_string(i)));
  }
  const auto hashed = login_.hashed();
  EXPECT_EQ(check(basic_auth("alice", "right")), LoginResult::kGranted);
  EXPECT_EQ(login_.hashed(), hashed);
}

TEST_F(LoginTest, WhatIsRememberedIsBounded) {
  users_.clear();
  const std::string hash = bcrypt_hash("right", 4);
  for (std::size_t i = 0; i <= Login::kRemembered; ++i) {
    users_["user" + std::to_string(i)] = hash;
  }
  for (const auto& [user, unused] : users_) {
    EXPECT_EQ(check(basic_auth(user, "right")), LoginResult::kGranted);
  }
  // The first gave way to the last, which is still there.
  EXPECT_EQ(login_.hashed(), users_.size());
  check(basic_auth(users_.rbegin()->first, "right"));
  EXPECT_EQ(login_.hashed(), users_.size());
  check(basic_auth(users_.begin()->first, "right"));
  EXPECT_EQ(login_.hashed(), users_.size() + 1);
}

TEST(HashTurnsTest, TooManyAreSentAwayAtOnce) {
  HashTurns turns({.at_once = 1,
                   .waiting = 3,
                   .waiting_of_client = 2,
                   .patience = kPatience});
  std::latch entered(1);
  std::latch release(1);
  std::jthread first([&] {
    EXPECT_TRUE(turns.run("a", [&] {
      entered.count_down();
      release.wait();
    }));
  });
  entered.wait();
  const auto run = [&](const char* client) {
    return std::jthread(
        [&turns, client] { EXPECT_TRUE(turns.run(client, [] {})); });
  };
  std::vector<std::jthread> waiting;
  waiting.push_back(run("a"));
  waiting.push_back(run("a"));
  EXPECT_TRUE(
      test::eventually(kPatience, [&] { return turns.waiting() == 2; }));
  EXPECT_FALSE(turns.run("a", [] {})) << "its two wait already";
  waiting.push_back(run("b"));
  EXPECT_TRUE(
      test::eventually(kPatience, [&] { return turns.waiting() == 3; }));
  EXPECT_FALSE(turns.run("c", [] {})) << "three wait already";
  release.count_down();
  waiting.clear();  // joins: each had its turn
  EXPECT_EQ(turns.waiting(), 0U);
}

TEST(HashTurnsTest, PatienceEnds) {
  HashTurns turns({.at_once = 1, .patience = std::chrono::milliseconds(1)});
  EXPECT_TRUE(turns.run("a", [&] { EXPECT_FALSE(turns.run("b", [] {})); }));
  EXPECT_TRUE(turns.run("b", [] {}));
}

TEST(HashTurnsTest, AGoodLoginThatIsRememberedNeedsNoTurn) {
  const WebUsers users = {{"alice", bcrypt_hash("right")}};
  Login login({.at_once = 1,
               .waiting = 0,
               .waiting_of_client = 0,
               .patience = kPatience});
  const std::string good = basic_auth("alice", "right");
  EXPECT_EQ(login.check(good, "a", users), LoginResult::kGranted);
  // While guesses keep the only turn taken.
  const WebUsers costly = {{"alice", bcrypt_hash("right", 10)}};
  bool was_busy = false;
  std::jthread guess([&](const std::stop_token& stopped) {
    while (!stopped.stop_requested()) {
      login.check(basic_auth("alice", "wrong"), "b", costly);
    }
  });
  EXPECT_TRUE(test::eventually(kPatience, [&] {
    was_busy =
        login.check(basic_auth("carol", "x"), "c", users) == LoginResult::kBusy;
    return was_busy;
  }));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(login.check(good, "a", users), LoginResult::kGranted);
  }
}

}  // namespace
}  // namespace dbpool::exporter
