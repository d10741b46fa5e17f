// TlsMaterial: what is accepted, what is refused and how, and how it is kept.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <string>

#include "dbpool/connect.h"
#include "dbpool/tls.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Source = TlsProblem::Source;

class TlsMaterialTest : public ::testing::Test {
 protected:
  TlsProblem refused(const TlsOptions& options) const {
    const auto made = TlsMaterial::create(options);
    EXPECT_FALSE(made) << "it was accepted";
    if (made) return {};
    EXPECT_THAT(made.error().text, HasSubstr("expected"));
    EXPECT_THAT(made.error().text, Not(HasSubstr("\n")));
    return made.error();
  }
  TlsProblem refused_client(const std::string& certificate,
                            const std::string& key) const {
    return refused({.ca = {}, .certificate = certificate, .key = key});
  }
  KeyPair issue(hours begins = hours(-1), hours ends = hours(1)) const {
    return ca_.issue({.common_name = "app", .begins = begins, .ends = ends});
  }

  const CertificateAuthority ca_{"Test CA"};
};

TEST_F(TlsMaterialTest, Base64IsTakenInEveryShapeThatIsPrinted) {
  const std::string pem = ca_.certificate();
  std::string unpadded = base64(pem);
  while (unpadded.ends_with('=')) unpadded.pop_back();
  for (const std::string& text :
       {base64(pem), base64(pem, true), unpadded, base64(pem) + "\r\n", pem}) {
    const auto made = TlsMaterial::create({.ca = text});
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_EQ(read_file((*made)->ca_path()), pem);
  }
}

TEST_F(TlsMaterialTest, FilesAreSealedPrivateAndClosedOnExec) {
  const KeyPair client = issue();
  const auto made = TlsMaterial::create({.ca = base64(ca_.certificate()),
                                         .certificate = client.certificate,
                                         .key = base64(client.key)});
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(read_file((*made)->key_path()), client.key);
  for (const std::string& path :
       {(*made)->ca_path(), (*made)->certificate_path(), (*made)->key_path()}) {
    ASSERT_THAT(path, StartsWith("/proc/self/fd/"));
    const int fd = std::stoi(path.substr(path.rfind('/') + 1));
    EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GET_SEALS),
              F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    struct stat facts = {};
    ASSERT_EQ(fstat(fd, &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U);
  }
  EXPECT_TRUE((*made)->client_expiry().has_value());
}

TEST_F(TlsMaterialTest, TheEarliestOfSeveralRootsCounts) {
  const CertificateAuthority sooner("Sooner CA", hours(5));
  const auto made = TlsMaterial::create(
      {.ca = base64(ca_.certificate() + sooner.certificate())});
  ASSERT_TRUE(made) << made.error().text;
  const auto left = *(*made)->ca_expiry() - std::chrono::system_clock::now();
  EXPECT_GT(left, hours(4));
  EXPECT_LT(left, hours(6));
}

TEST_F(TlsMaterialTest, WhatNeverExpiresDoesNotLookAsIfItHad) {
  constexpr hours kYear(24 * 365);
  const CertificateAuthority lasting("Lasting CA", 5000 * kYear);
  const auto made = TlsMaterial::create({.ca = base64(lasting.certificate())});
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_GT(*(*made)->ca_expiry() - std::chrono::system_clock::now(),
            200 * kYear);
}

TEST_F(TlsMaterialTest, EachMistakeIsToldApart) {
  const KeyPair good = issue();
  const KeyPair expired = issue(hours(-2), hours(-1));
  const KeyPair future = issue(hours(1), hours(2));
  EXPECT_THAT(refused({.ca = "n*t base64"}).text, StartsWith("is not base64"));
  EXPECT_THAT(refused({.ca = base64("no pem")}).text,
              StartsWith("is no PEM certificate"));
  EXPECT_THAT(refused({.ca = base64(good.key)}).text,
              StartsWith("is no PEM certificate"));
  EXPECT_THAT(refused({.ca = base64(expired.certificate)}).text,
              StartsWith("expired on "));
  EXPECT_THAT(refused_client(expired.certificate, expired.key).text,
              StartsWith("expired on "));
  EXPECT_THAT(refused_client(future.certificate, future.key).text,
              StartsWith("is not valid before "));
  EXPECT_THAT(refused_client(good.certificate, "").text,
              StartsWith("is given without its key"));
  EXPECT_THAT(refused_client("", good.key).text,
              StartsWith("is given without its certificate"));
  EXPECT_THAT(refused_client(good.certificate, "n*t base64").text,
              StartsWith("is not base64"));
  EXPECT_THAT(refused_client(good.certificate, base64("no pem")).text,
              StartsWith("is no PEM private key"));
  EXPECT_THAT(refused_client(good.certificate, expired.key).text,
              StartsWith("does not match the certificate"));
  const TlsProblem encrypted = refused_client(
      good.certificate, base64(encrypted_key(good.key, "pl4nted")));
  EXPECT_EQ(encrypted.source, Source::kKey);
  EXPECT_THAT(encrypted.text, StartsWith("is encrypted"));
}

TEST_F(TlsMaterialTest, AConnectionStringKeepsItAlive) {
  auto target = ConnectionString::parse("postgresql://app@db/x");
  ASSERT_TRUE(target);
  ASSERT_TRUE(target->set_tls({.ca = ca_.certificate()}));
  const ConnectionString copy = *target;
  target = ConnectionString::parse("postgresql://other");
  EXPECT_EQ(copy.get("sslmode"), "verify-full");
  EXPECT_EQ(read_file(*copy.get("sslrootcert")), ca_.certificate());
}

TEST_F(TlsMaterialTest, ConnectionStringsAreEqualIfTheirMaterialIs) {
  const KeyPair one = issue();
  const auto with = [&](const KeyPair& pair) {
    auto target = ConnectionString::parse("postgresql://app@db/x");
    EXPECT_TRUE(target->set_tls({.ca = ca_.certificate(),
                                 .certificate = pair.certificate,
                                 .key = pair.key}));
    return *target;
  };
  EXPECT_EQ(with(one), with(one));  // in files of their own
  EXPECT_NE(with(one), with(issue()));
  EXPECT_NE(with(one), *ConnectionString::parse("postgresql://app@db/x"));
}

TEST_F(TlsMaterialTest, AConnectionStringRefusesWhatIsWrong) {
  auto target = ConnectionString::parse("postgresql://app@db/x");
  ASSERT_TRUE(target);
  const auto set = target->set_tls({.key = "n*t base64"});
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(set.error().message, StartsWith("TlsOptions::key"));
}

}  // namespace
}  // namespace dbpool::test
