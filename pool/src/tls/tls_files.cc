#include "pool/src/tls/tls_files.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

#include "pool/src/base/unique_fd.h"
#include "pool/src/tls/pem.h"

namespace dbpool::detail {
namespace {

constexpr std::size_t kMostBytes = 16UL * 1024 * 1024;

constexpr char kCannotBeRead[] = "; expected a file that can be read";
constexpr char kNoCertificate[] =
    "holds no PEM certificate, or a damaged one; expected -----BEGIN "
    "CERTIFICATE----- …";
constexpr char kEncrypted[] =
    "is encrypted; expected a key without passphrase, or sslpassword beside "
    "it";
constexpr char kMismatch[] =
    "does not match the certificate of sslcert; expected the key that the "
    "certificate was made for";
constexpr char kOpenToOthers[] =
    "can be read by others, and libpq refuses that; expected mode 0600, or "
    "0640 where root owns it";

// May hold a key.
struct Contents {
  std::string text;
  struct stat facts = {};
  ~Contents() { OPENSSL_cleanse(text.data(), text.size()); }
  Contents() = default;
  Contents(Contents&&) = default;
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;
  Contents& operator=(Contents&&) = delete;
};

tl::unexpected<std::string> system_error() {
  return tl::unexpected(
      std::error_code(errno, std::generic_category()).message() +
      kCannotBeRead);
}

tl::expected<Contents, std::string> read(const std::string& path) {
  // A pipe without a writer must not hold up the start.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return system_error();
  Contents contents;
  if (::fstat(file.get(), &contents.facts) != 0) return system_error();
  if (!S_ISREG(contents.facts.st_mode)) {
    return tl::unexpected(std::string("is no file") + kCannotBeRead);
  }
  contents.text.reserve(static_cast<std::size_t>(contents.facts.st_size));
  std::array<char, 4096> buffer = {};
  while (contents.text.size() < kMostBytes) {
    const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
    if (size < 0) return system_error();
    if (size == 0) break;
    contents.text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  OPENSSL_cleanse(buffer.data(), buffer.size());
  return contents;
}

// As libpq has it.
bool is_open_to_others(const struct stat& facts) {
  const mode_t forbidden =
      facts.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  return (facts.st_mode & forbidden) != 0;
}

using Problem = std::optional<std::string>;

Problem certificates_problem(const std::string& path,
                             std::vector<Certificate>& certificates) {
  const auto contents = read(path);
  if (!contents) return contents.error();
  certificates = read_certificates(contents->text);
  if (certificates.empty()) return kNoCertificate;
  return std::nullopt;
}

Problem key_problem(const std::string& path, bool has_passphrase,
                    const std::vector<Certificate>& certificates) {
  const auto contents = read(path);
  if (!contents) return contents.error();
  if (is_open_to_others(contents->facts)) {
    return kOpenToOthers;
  }
  const KeyReading reading = read_private_key(contents->text);
  if (reading.encrypted && !has_passphrase) {
    return kEncrypted;
  }
  // libpq takes DER as well, which is left to it.
  if (reading.key && !certificates.empty() &&
      !matches(*certificates.front(), *reading.key)) {
    return kMismatch;
  }
  return std::nullopt;
}

}  // namespace

std::optional<TlsFileProblem> tls_file_problem(const ConnValues& effective) {
  const auto found = [&](const char* keyword,
                         Problem problem) -> std::optional<TlsFileProblem> {
    if (!problem) return std::nullopt;
    return TlsFileProblem{.keyword = keyword,
                          .path = value_of(effective, keyword),
                          .text = *std::move(problem)};
  };
  std::vector<Certificate> certificates;
  for (const char* keyword : {"sslrootcert", "sslcert"}) {
    const std::string path = value_of(effective, keyword);
    certificates.clear();
    if (path.empty() || path == kNoTlsFile) continue;
    if (auto problem = certificates_problem(path, certificates)) {
      return found(keyword, std::move(problem));
    }
  }
  const std::string key = value_of(effective, "sslkey");
  // With a colon it is a key of an engine of OpenSSL.
  if (key.empty() || key.find(':') != std::string::npos) return std::nullopt;
  const bool has_passphrase = !value_of(effective, "sslpassword").empty();
  return found("sslkey", key_problem(key, has_passphrase, certificates));
}

}  // namespace dbpool::detail
