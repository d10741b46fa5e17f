// What stands before the routes: certificates as they are checked, and files
// as they change. e2e/web_tls_test.cc has the rest, over the wire.
#include "exporter/web_config/web_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "exporter/http/router.h"
#include "exporter/web_config/client_certificate.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_certificates.h"

namespace dbpool::exporter {
namespace {

using test::basic_auth;
using test::bcrypt_hash;
using test::write_file;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class WebGuardTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const {
    return dir_.path() + "/" + name;
  }
  // As deployments do it: a file is replaced at once.
  void replace(const std::string& name, const std::string& text) const {
    write_file(path("new"), text);
    std::filesystem::rename(path("new"), path(name));
  }
  void open(const std::string& text) {
    replace("web.yml", text);
    auto guard = WebGuard::open(path("web.yml"), log_);
    ASSERT_TRUE(guard.has_value()) << guard.error();
    guard_ = *std::move(guard);
  }
  std::string mistake(const std::string& text) {
    replace("web.yml", text);
    const auto guard = WebGuard::open(path("web.yml"), log_);
    if (guard) {
      ADD_FAILURE() << "it was accepted: " << text;
      return "";
    }
    EXPECT_THAT(guard.error(),
                AllOf(StartsWith(path("web.yml")), Not(HasSubstr("\n"))));
    return guard.error();
  }
  int status(const std::string& authorization, bool is_health = false) {
    Request request{.method = "GET", .path = "/", .query = ""};
    request.remote = "192.0.2.1";
    if (!authorization.empty()) {
      request.headers.push_back({"Authorization", authorization});
    }
    const auto refused = guard_->refuse(request, is_health);
    return refused ? refused->status : 200;
  }
  std::size_t count_in_log(const std::string& text) const {
    const std::string lines = lines_.str();
    std::size_t count = 0;
    for (auto at = lines.find(text); at != std::string::npos;
         at = lines.find(text, at + 1)) {
      ++count;
    }
    return count;
  }
  static std::string users(const std::string& password) {
    return "basic_auth_users:\n  alice: " + bcrypt_hash(password) + "\n";
  }

  const test::TempDir dir_;
  std::ostringstream lines_;
  Logger log_{LogOptions{},
              std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_)};
  std::unique_ptr<WebGuard> guard_;
};

class WebCertificatesTest : public WebGuardTest {
 protected:
  static std::string tls(const std::string& certificate, const std::string& key,
                         const std::string& more = "") {
    return "tls_server_config:\n  cert_file: " + certificate +
           "\n  key_file: " + key + "\n" + more;
  }

  test::WebCertificates made_{dir_.path()};
};

TEST_F(WebGuardTest, WithoutUsersEverybodyMayGoOn) {
  open("");
  EXPECT_EQ(guard_->listening_context(), nullptr);
  EXPECT_EQ(status(""), 200);
  EXPECT_EQ(status("Basic garbage"), 200);
}

TEST_F(WebGuardTest, APipeInPlaceOfTheFileHoldsUpNobody) {
  open(users("right"));
  std::filesystem::remove(path("web.yml"));
  ASSERT_EQ(::mkfifo(path("web.yml").c_str(), 0600), 0);
  EXPECT_EQ(status(basic_auth("alice", "right")), 200) << "the old one stays";
  EXPECT_EQ(count_in_log("is a pipe; expected a file"), 1U);
  replace("web.yml", users("other"));
  EXPECT_EQ(status(basic_auth("alice", "right")), 401);
  EXPECT_EQ(status(basic_auth("alice", "other")), 200);
}

TEST_F(WebGuardTest, WithUsersOnlyTheyMayGoOn) {
  open(users("right"));
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Basic garbage"), 401);
  EXPECT_EQ(status(basic_auth("alice", "wrong")), 401);
  EXPECT_EQ(status(basic_auth("alice", "right")), 200);
  EXPECT_EQ(status("", true), 401) << "health is not open unless asked for";
}

TEST_F(WebGuardTest, HealthIsOpenWhenAskedFor) {
  open(users("right") + "health_without_auth: true\n");
  EXPECT_EQ(status("", true), 200);
  EXPECT_EQ(status("", false), 401);
}

TEST_F(WebGuardTest, RefusalsAreLoggedRarelyAndWithoutWhatWasGiven) {
  open(users("right"));
  for (int i = 0; i < 20; ++i) status(basic_auth("hunter2", "hunter3"));
  EXPECT_EQ(count_in_log("a login was refused"), 1U);
  EXPECT_EQ(count_in_log("client=192.0.2.1"), 1U);
  EXPECT_EQ(count_in_log("hunter"), 0U);
}

TEST_F(WebGuardTest, PasswordsWithoutTlsAreWarnedOf) {
  open(users("right"));
  EXPECT_EQ(count_in_log("passwords cross the network readable"), 1U);
}

TEST_F(WebGuardTest, AChangedFileCountsAtOnce) {
  open(users("old"));
  EXPECT_EQ(status(basic_auth("alice", "old")), 200);
  for (int i = 0; i < 20; ++i) {  // within one tick of the file system
    const std::string password = "new" + std::to_string(i);
    replace("web.yml", users(password));
    EXPECT_EQ(status(basic_auth("alice", password)), 200);
    EXPECT_EQ(status(basic_auth("alice", "old")), 401);
  }
}

TEST_F(WebGuardTest, ABadFileLeavesTheOldOneInForceAndIsSaidOnce) {
  open(users("right"));
  replace("web.yml", "basic_auth_users:\n  alice: hunter2\n");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(status(basic_auth("alice", "right")), 200);
    EXPECT_EQ(status(basic_auth("alice", "hunter2")), 401);
  }
  EXPECT_EQ(count_in_log("is no good; the old one stays in force"), 1U);
  EXPECT_EQ(count_in_log("hunter2"), 0U);
  std::filesystem::remove(path("web.yml"));
  EXPECT_EQ(status(basic_auth("alice", "right")), 200);
  EXPECT_EQ(count_in_log("No such file or directory"), 1U);
  replace("web.yml", users("new"));
  EXPECT_EQ(status(basic_auth("alice", "new")), 200);
  EXPECT_EQ(count_in_log("was read anew"), 1U);
}

TEST_F(WebGuardTest, AFileThatSaysTheSameAgainIsNoNews) {
  const std::string text = users("right");
  open(text);
  replace("web.yml", text);
  EXPECT_EQ(status(basic_auth("alice", "right")), 200);
  EXPECT_EQ(count_in_log("was read anew"), 0U);
}

TEST_F(WebGuardTest, ItTellsHowTheLastReadingWent) {
  open(users("right"));
  const ReloadStatus at_start = guard_->last_reload();
  EXPECT_TRUE(at_start.successful);
  EXPECT_GT(at_start.last_success.time_since_epoch().count(), 0);

  replace("web.yml", "basic_auth_users: 1\n");
  status("");
  EXPECT_FALSE(guard_->last_reload().successful);
  EXPECT_EQ(guard_->last_reload().last_success, at_start.last_success);

  replace("web.yml", users("right"));
  status("");
  EXPECT_TRUE(guard_->last_reload().successful);
  EXPECT_GT(guard_->last_reload().last_success, at_start.last_success);
}

TEST_F(WebGuardTest, AMissingFileStopsTheStart) {
  const auto guard = WebGuard::open(path("none.yml"), log_);
  ASSERT_FALSE(guard.has_value());
  EXPECT_EQ(guard.error(), path("none.yml") + ": No such file or directory");
}

TEST_F(WebCertificatesTest, WhatItNamesIsReadAtTheStart) {
  open(tls("server.pem", "server.key",
           "  client_auth_type: RequireAndVerifyClientCert\n"
           "  client_ca_file: ca.pem\n"));
  EXPECT_NE(guard_->listening_context(), nullptr);
}

TEST_F(WebCertificatesTest, EachMistakeInACertificateIsItsOwnLine) {
  made_.encrypt_key("server", "locked");
  write_file(path("text.pem"), "no PEM\n");
  std::string cut = test::read_file(path("ca.pem"));
  write_file(path("cut.pem"), test::read_file(path("server.pem")) +
                                  cut.substr(0, cut.size() / 2));
  EXPECT_THAT(mistake(tls("none.pem", "server.key")),
              HasSubstr(":2: cert_file: " + path("none.pem") +
                        ": No such file or directory"));
  EXPECT_THAT(mistake(tls("server.pem", "none.key")),
              HasSubstr(":3: key_file: "));
  EXPECT_THAT(mistake(tls("text.pem", "server.key")),
              HasSubstr("expected a certificate as PEM"));
  EXPECT_THAT(mistake(tls("cut.pem", "server.key")),
              HasSubstr("a certificate in it is damaged"));
  EXPECT_THAT(mistake(tls("server.pem", "text.pem")),
              HasSubstr("expected a private key as PEM"));
  EXPECT_THAT(mistake(tls("server.pem", "client.key")),
              HasSubstr("the key does not match the certificate"));
  EXPECT_THAT(mistake(tls("server.pem", "locked.key")),
              HasSubstr("the key is encrypted"));
  EXPECT_THAT(mistake(tls("server.pem", "server.key",
                          "  client_auth_type: RequireAndVerifyClientCert\n"
                          "  client_ca_file: text.pem\n")),
              HasSubstr(":5: client_ca_file: "));
}

TEST_F(WebCertificatesTest, WhatIsNoPathOfAFileIsNotShown) {
  EXPECT_THAT(mistake(tls("server.pem", "app:s3cret@db")),
              AllOf(HasSubstr(":3: key_file: No such file or directory"),
                    Not(HasSubstr("s3cret"))));
}

TEST_F(WebCertificatesTest, TlsCannotComeOrGoWhileItRuns) {
  open(tls("server.pem", "server.key") + users("right"));
  replace("web.yml", users("new"));
  EXPECT_EQ(status(basic_auth("alice", "right")), 200);
  EXPECT_EQ(status(basic_auth("alice", "new")), 401);
  EXPECT_EQ(count_in_log("tls_server_config came or went"), 1U);
  EXPECT_FALSE(guard_->last_reload().successful);
}

TEST_F(WebCertificatesTest, NorCanItComeWithWhatCameWithIt) {
  open(users("right"));
  replace("web.yml", tls("server.pem", "server.key") + users("new"));
  EXPECT_EQ(status(basic_auth("alice", "right")), 200);
  EXPECT_EQ(status(basic_auth("alice", "new")), 401);
  EXPECT_EQ(count_in_log("tls_server_config came or went, which takes a "
                         "restart"),
            1U);
}

TEST_F(WebCertificatesTest, AlternativeNamesAreReadAsTexts) {
  made_.issue("names",
              "DNS:a.example,IP:10.0.0.1,IP:::1,email:a@b.example,"
              "URI:spiffe://x/y");
  std::FILE* file = std::fopen(path("names.pem").c_str(), "r");
  X509* certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  EXPECT_THAT(alternative_names(certificate),
              testing::ElementsAre("a.example", "10.0.0.1", "::1",
                                   "a@b.example", "spiffe://x/y"));
  X509_free(certificate);
}

}  // namespace
}  // namespace dbpool::exporter
