// Base64, PEM and X.509 as they come from DB_SSL_CA, DB_SSL_CERT and
// DB_SSL_KEY: three parts of the input, parted by a zero byte. A refusal is
// one line that shows nothing of them; names that strangers chose are
// printable.

#include <openssl/evp.h>

#include "dbpool/tls.h"
#include "pool/src/tls/pem.h"
#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {
namespace {

// 2030-01-01, within the life of the seeds' certificates.
constexpr auto kNow = WallTime(std::chrono::seconds(1893456000));

void check_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  const auto again = detail::decode_base64(text);
  require(bytes.empty() ? !again : again == bytes,
          "base64 is read as it is printed", text);
}

void check_printable(std::string_view text) {
  require(
      std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }),
      "a name is printable", text);
}

void check_certificates(std::string_view pem) {
  for (const auto& each : detail::read_certificates(pem)) {
    for (const std::string& name : detail::names_of(*each, 5)) {
      check_printable(name);
    }
    check_printable(detail::subject_of(*each));
    check_printable(detail::issuer_of(*each));
    check_printable(detail::common_name_of(*each));
    check_printable(detail::rfc3339(detail::not_after(*each)));
    check_printable(detail::rfc3339(detail::not_before(*each)));
  }
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool::fuzz;
  const std::string input = planted(view(data, size));
  check_base64(input);
  check_certificates(input);
  std::vector<std::string> parts = split(input, '\0');
  parts.resize(3);
  const dbpool::TlsOptions options{
      .ca = parts[0], .certificate = parts[1], .key = parts[2]};
  const auto material = dbpool::TlsMaterial::create(options, kNow);
  if (!material) {
    require_one_line(material.error().text);
    require_no_secret(material.error().text);
    return 0;
  }
  require((*material)->ca_path().empty() == parts[0].empty(),
          "a CA that is taken is there");
  return 0;
}
