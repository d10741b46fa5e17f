// WebConfig: what --web.config.file says, in the format of Prometheus'
// exporter-toolkit (docs/web-configuration.md), and one key beyond it:
//
//   tls_server_config:
//     cert_file, key_file    or cert, key with the PEM itself
//     client_ca_file         or client_ca
//     client_auth_type       NoClientCert, RequestClientCert,
//                            RequireAnyClientCert, VerifyClientCertIfGiven,
//                            RequireAndVerifyClientCert
//     client_allowed_sans    one of them must be in a client's certificate
//     min_version, max_version            TLS10 to TLS13; TLS12, TLS13
//     cipher_suites, curve_preferences    by the names of Go
//     prefer_server_cipher_suites         true
//   http_server_config:
//     http2                  taken, but HTTP/1.1 is all that is served
//     headers                Content-Security-Policy and such
//   basic_auth_users:        name: bcrypt hash
//   health_without_auth:     true leaves /-/healthy and /-/ready open
//
// Stricter than the toolkit where it would leave a door open in silence: TLS
// settings without a certificate, names that a client's certificate must have
// without a demand for one, verifying without a client CA.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_WEB_CONFIG_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_WEB_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "exporter/http/message.h"

namespace dbpool::exporter {

enum class ClientAuth : std::uint8_t {
  kNone,
  kRequest,           // asked for, not looked at
  kRequireAny,        // must be there, not looked at
  kVerifyIfGiven,     // must be good when there is one
  kRequireAndVerify,  // must be there and good
};

// A PEM in a file or in the configuration itself; neither: absent.
struct PemSource {
  std::string key;   // as the user wrote it: "cert_file"
  std::string file;  // a path
  std::string text;
  int line = 0;  // of the configuration

  bool is_given() const { return !file.empty() || !text.empty(); }
};

struct TlsServerConfig {
  PemSource certificate, private_key, client_ca;
  ClientAuth client_auth = ClientAuth::kNone;
  std::vector<std::string> client_allowed_sans;
  int min_version = 0;  // as OpenSSL numbers them
  int max_version = 0;
  // As OpenSSL takes them; empty: our own choice.
  std::string ciphers;       // up to TLS 1.2
  std::string ciphersuites;  // of TLS 1.3
  std::string groups;
  bool prefer_server_ciphers = true;
};

// By name: bcrypt hashes.
using WebUsers = std::map<std::string, std::string, std::less<>>;

struct WebConfig {
  std::optional<TlsServerConfig> tls;
  std::vector<Header> headers;  // a blank value takes the header away
  WebUsers users;               // empty: no passwords
  bool health_without_auth = false;
  bool wants_http2 = false;
};

// `path` is that of the file: it stands in messages, and paths in the file
// are relative to its folder. The error is one line that names file, line and
// key, and never a value that may be a secret. Reads no other file.
tl::expected<WebConfig, std::string> parse_web_config(const std::string& text,
                                                      const std::string& path);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_WEB_CONFIG_H_
