#include "pool/src/tls/pem.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <utility>

namespace dbpool::detail {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

Bio open(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// -1: not of the alphabet.
int value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Within what a WallTime holds, which ends in 2262: a certificate that never
// expires says 9999 (RFC 5280, 4.1.2.5).
WallTime to_wall_time(const ASN1_TIME* time) {
  std::tm parts = {};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  static const std::time_t last =
      std::chrono::system_clock::to_time_t(WallTime::max());
  return std::chrono::system_clock::from_time_t(
      std::clamp<std::time_t>(timegm(&parts), 0, last));
}

// Notes that a passphrase was asked for, and gives none.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

constexpr std::size_t kLongestName = 255;

// What a stranger's certificate says goes into messages: bounded, and nothing
// that a terminal or a log would take for its own.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, kLongestName));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

std::string text_of(const ASN1_STRING& string) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, &string);
  if (size < 0) return {};
  std::string text = printable(
      {reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)});
  OPENSSL_free(utf8);
  return text;
}

std::string text_of(const X509_NAME& name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio) return {};
  X509_NAME_print_ex(bio.get(), &name, 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return size <= 0 ? std::string()
                   : printable({bytes, static_cast<std::size_t>(size)});
}

std::string address_text(const ASN1_OCTET_STRING& address) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  const int size = ASN1_STRING_length(&address);
  const int family = size == 4 ? AF_INET : AF_INET6;
  if (size != 4 && size != 16) return {};
  inet_ntop(family, ASN1_STRING_get0_data(&address), text.data(), text.size());
  return text.data();
}

void add_alternative_names(const X509& certificate, std::size_t most,
                           std::vector<std::string>& names) {
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  if (alternatives == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    if (names.size() >= most) break;
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) names.push_back(text_of(*name->d.dNSName));
    if (name->type == GEN_IPADD) {
      names.push_back(address_text(*name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(alternatives);
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  std::size_t digits = 0, padding = 0;
  for (const char c : text) {
    if (is_blank(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = value_of(c);
    if (value < 0 || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++digits % 4 == 0) {
      bytes.push_back(static_cast<char>(bits >> 16 & 0xFF));
      bytes.push_back(static_cast<char>(bits >> 8 & 0xFF));
      bytes.push_back(static_cast<char>(bits & 0xFF));
    }
  }
  const std::size_t rest = digits % 4;
  if (digits == 0 || rest == 1) return std::nullopt;
  if (padding != 0 && (rest + padding != 4)) return std::nullopt;
  if (rest == 2) bytes.push_back(static_cast<char>(bits >> 4 & 0xFF));
  if (rest == 3) {
    bytes.push_back(static_cast<char>(bits >> 10 & 0xFF));
    bytes.push_back(static_cast<char>(bits >> 2 & 0xFF));
  }
  return bytes;
}

std::vector<Certificate> read_certificates(std::string_view pem) {
  std::vector<Certificate> certificates;
  const Bio bio = open(pem);
  while (true) {
    ERR_clear_error();
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    certificates.push_back(std::move(next));
  }
  // The one error that means "no more" rather than "damaged".
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM ||
      ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    certificates.clear();
  }
  return certificates;
}

KeyReading read_private_key(std::string_view pem) {
  KeyReading reading;
  const Bio bio = open(pem);
  reading.key.reset(PEM_read_bio_PrivateKey(
      bio.get(), nullptr, refuse_passphrase, &reading.encrypted));
  ERR_clear_error();
  return reading;
}

bool matches(const X509& certificate, const EVP_PKEY& key) {
  const bool match = X509_check_private_key(&certificate, &key) == 1;
  ERR_clear_error();
  return match;
}

WallTime not_before(const X509& certificate) {
  return to_wall_time(X509_get0_notBefore(&certificate));
}

WallTime not_after(const X509& certificate) {
  return to_wall_time(X509_get0_notAfter(&certificate));
}

std::string rfc3339(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text = {};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text.data(), size);
}

std::vector<std::string> names_of(const X509& certificate, std::size_t most) {
  std::vector<std::string> names;
  add_alternative_names(certificate, most, names);
  if (!names.empty()) return names;
  std::string name = common_name_of(certificate);
  if (!name.empty()) names.push_back(std::move(name));
  return names;
}

std::string subject_of(const X509& certificate) {
  return text_of(*X509_get_subject_name(&certificate));
}

std::string issuer_of(const X509& certificate) {
  return text_of(*X509_get_issuer_name(&certificate));
}

std::string common_name_of(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, index);
  return text_of(*X509_NAME_ENTRY_get_data(entry));
}

}  // namespace dbpool::detail
