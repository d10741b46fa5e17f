#include "exporter/web_config/web_config.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/yaml_mapping.h"
#include "exporter/web_config/bcrypt.h"
#include "exporter/web_config/cipher_names.h"

namespace dbpool::exporter {

namespace {

using Names = std::vector<std::string>;

const Names kTopKeys = {"tls_server_config", "http_server_config",
                        "basic_auth_users", "health_without_auth"};
const Names kTlsKeys = {"cert",
                        "key",
                        "client_ca",
                        "cert_file",
                        "key_file",
                        "client_ca_file",
                        "client_auth_type",
                        "client_allowed_sans",
                        "min_version",
                        "max_version",
                        "cipher_suites",
                        "prefer_server_cipher_suites",
                        "curve_preferences"};
const Names kHeaders = {"Content-Security-Policy", "X-Frame-Options",
                        "X-Content-Type-Options", "X-XSS-Protection",
                        "Strict-Transport-Security"};

[[noreturn]] void refuse_value(const YamlMapping& mapping, std::string_view key,
                               std::string_view expected,
                               const std::vector<std::string>& accepted) {
  std::string mistake(key);
  mistake.append(": expected ").append(expected).append(joined(accepted));
  refuse_yaml(mapping.line(key), mistake);
}

template <typename Value>
using Words = std::initializer_list<std::pair<std::string_view, Value>>;

// The value is not shown: it may be a secret that slipped a line.
template <typename Value>
Value one_of(const YamlMapping& mapping, std::string_view key, Value otherwise,
             Words<Value> words) {
  const std::string text = mapping.text(key);
  if (text.empty()) return otherwise;
  std::vector<std::string> accepted;
  for (const auto& [word, value] : words) {
    if (word == text) return value;
    accepted.emplace_back(word);
  }
  refuse_value(mapping, key, "one of ", accepted);
}

int version_of(const YamlMapping& tls, std::string_view key, int otherwise) {
  return one_of<int>(tls, key, otherwise,
                     {{"TLS10", TLS1_VERSION},
                      {"TLS11", TLS1_1_VERSION},
                      {"TLS12", TLS1_2_VERSION},
                      {"TLS13", TLS1_3_VERSION}});
}

ClientAuth client_auth_of(const YamlMapping& tls) {
  return one_of<ClientAuth>(
      tls, "client_auth_type", ClientAuth::kNone,
      {{"NoClientCert", ClientAuth::kNone},
       {"RequestClientCert", ClientAuth::kRequest},
       {"RequireAnyClientCert", ClientAuth::kRequireAny},
       {"RequireClientCert", ClientAuth::kRequireAny},  // its old name
       {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
       {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify}});
}

bool verifies(ClientAuth auth) {
  return auth == ClientAuth::kVerifyIfGiven ||
         auth == ClientAuth::kRequireAndVerify;
}

PemSource pem_of(const YamlMapping& tls, const std::string& inline_key,
                 const std::string& folder) {
  const std::string file_key = inline_key + "_file";
  PemSource source;
  source.key = file_key;
  source.file = tls.text(file_key);
  if (!source.file.empty()) {
    source.line = tls.line(file_key);
    source.file = (std::filesystem::path(folder) / source.file).string();
  }
  source.text = tls.text(inline_key);
  if (source.text.empty()) return source;
  if (!source.file.empty()) {
    refuse_yaml(tls.line(inline_key), inline_key + " contradicts " + file_key +
                                          "; expected one of them");
  }
  source.key = inline_key;
  source.line = tls.line(inline_key);
  return source;
}

template <typename Name>
const Name& known_name(const YamlMapping& tls, std::string_view key,
                       std::string_view text, std::span<const Name> known) {
  const auto found = std::ranges::find(known, text, &Name::go);
  if (found == known.end()) {
    std::vector<std::string> accepted;
    for (const Name& name : known) accepted.emplace_back(name.go);
    refuse_value(tls, key, "names among ", accepted);
  }
  return *found;
}

void append(std::string& list, std::string_view name) {
  if (!list.empty()) list += ':';
  list += name;
}

void take_ciphers(const YamlMapping& tls, TlsServerConfig& config) {
  for (const std::string& text : tls.texts("cipher_suites")) {
    const CipherName& name =
        known_name(tls, "cipher_suites", text, cipher_names());
    append(name.is_tls13 ? config.ciphersuites : config.ciphers, name.openssl);
  }
  // Suites of TLS 1.3 alone leave nothing to speak an older version with.
  if (!config.ciphersuites.empty() && config.ciphers.empty()) {
    config.min_version = TLS1_3_VERSION;
  }
  for (const std::string& text : tls.texts("curve_preferences")) {
    append(config.groups,
           known_name(tls, "curve_preferences", text, curve_names()).openssl);
  }
}

void check_client_auth(const YamlMapping& tls, const TlsServerConfig& config) {
  if (verifies(config.client_auth) && !config.client_ca.is_given()) {
    refuse_yaml(tls.line("client_auth_type"),
                "client_auth_type: verifying needs a CA; expected "
                "client_ca_file beside it");
  }
  if (config.client_auth != ClientAuth::kNone) return;
  if (config.client_ca.is_given()) {
    refuse_yaml(config.client_ca.line,
                config.client_ca.key +
                    ": nobody is asked for a certificate; expected "
                    "client_auth_type: RequireAndVerifyClientCert beside it");
  }
  if (!config.client_allowed_sans.empty()) {
    refuse_yaml(tls.line("client_allowed_sans"),
                "client_allowed_sans: nobody is asked for a certificate; "
                "expected client_auth_type: RequireAndVerifyClientCert "
                "beside it");
  }
}

void check_versions(const YamlMapping& tls, const TlsServerConfig& config) {
  if (config.min_version <= config.max_version) return;
  const int line = std::max(tls.line("min_version"), tls.line("max_version"));
  refuse_yaml(line != 0 ? line : tls.line("cipher_suites"),
              "min_version is above max_version; expected a version between "
              "them");
}

std::optional<TlsServerConfig> tls_of(const YamlMapping& file,
                                      const std::string& folder) {
  const YamlMapping tls = file.mapping("tls_server_config", kTlsKeys);
  if (tls.keys().empty()) return std::nullopt;
  TlsServerConfig config;
  config.certificate = pem_of(tls, "cert", folder);
  config.private_key = pem_of(tls, "key", folder);
  config.client_ca = pem_of(tls, "client_ca", folder);
  for (const PemSource* source : {&config.certificate, &config.private_key}) {
    if (source->is_given()) continue;
    refuse_yaml(file.line("tls_server_config"),
                "tls_server_config: no " + source->key +
                    "; expected cert_file and key_file (or cert and key)");
  }
  config.client_auth = client_auth_of(tls);
  config.client_allowed_sans = tls.texts("client_allowed_sans");
  config.min_version = version_of(tls, "min_version", TLS1_2_VERSION);
  config.max_version = version_of(tls, "max_version", TLS1_3_VERSION);
  take_ciphers(tls, config);
  config.prefer_server_ciphers =
      tls.boolean("prefer_server_cipher_suites", true);
  check_client_auth(tls, config);
  check_versions(tls, config);
  return config;
}

bool is_header_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
  });
}

std::vector<Header> headers_of(const YamlMapping& http) {
  const YamlMapping given = http.mapping("headers", kHeaders);
  std::vector<Header> headers;
  for (const std::string& name : given.keys()) {
    Header header{name, given.text(name)};
    if (name == "X-Frame-Options") {
      header.value = one_of<std::string>(
          given, name, "", {{"deny", "deny"}, {"sameorigin", "sameorigin"}});
    } else if (name == "X-Content-Type-Options") {
      header.value =
          one_of<std::string>(given, name, "", {{"nosniff", "nosniff"}});
    } else if (!is_header_value(header.value)) {
      refuse_yaml(given.line(name), name + ": expected one line of text");
    }
    headers.push_back(std::move(header));
  }
  return headers;
}

// A hash may stand in the name's place.
std::string shown_user(std::string_view name) {
  if (name.starts_with('$')) return "a name like a hash";
  return to_utf8(in_quotes(utf8_prefix(name, 60)));
}

WebUsers users_of(const YamlMapping& file) {
  const YamlMapping given = file.mapping("basic_auth_users", {});
  WebUsers users;
  for (const std::string& name : given.keys()) {
    const std::string hash = given.text(name);
    const std::string who = "basic_auth_users: " + shown_user(name);
    const int line = std::max(given.line(name), file.line("basic_auth_users"));
    const auto cost = bcrypt_cost(hash);
    if (!cost) {
      refuse_yaml(line, who +
                            ": no bcrypt hash; expected one as htpasswd -nBC "
                            "10 prints it");
    }
    if (*cost > kMaxBcryptCost) {
      refuse_yaml(line,
                  who +
                      ": a login would take many seconds; expected a cost "
                      "of at most " +
                      std::to_string(kMaxBcryptCost));
    }
    if (name.empty() || name.find(':') != std::string::npos) {
      refuse_yaml(line, who + ": expected a name without a colon");
    }
    users.emplace(name, hash);
  }
  return users;
}

WebConfig read(const YAML::Node& root, const std::string& path) {
  const YamlMapping file(root, "", kTopKeys);
  const YamlMapping http =
      file.mapping("http_server_config", {"http2", "headers"});
  WebConfig config;
  config.tls = tls_of(file, std::filesystem::path(path).parent_path().string());
  // The toolkit's default is true, and clients make do with HTTP/1.1.
  config.wants_http2 = http.boolean("http2", false);
  config.headers = headers_of(http);
  config.users = users_of(file);
  config.health_without_auth = file.boolean("health_without_auth", false);
  return config;
}

}  // namespace

tl::expected<WebConfig, std::string> parse_web_config(const std::string& text,
                                                      const std::string& path) {
  WebConfig config;
  auto done = read_yaml(
      text, path, [&](const YAML::Node& root) { config = read(root, path); });
  if (!done) return tl::make_unexpected(std::move(done.error()));
  return config;
}

}  // namespace dbpool::exporter
