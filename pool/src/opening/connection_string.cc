#include <cstdlib>
#include <utility>

#include "dbpool/connect.h"
#include "pool/src/opening/conninfo.h"
#include "pool/src/opening/passfile.h"
#include "pool/src/opening/target_hosts.h"
#include "pool/src/opening/target_names.h"
#include "pool/src/secrets/known_secret.h"
#include "pool/src/tls/tls_files.h"

namespace dbpool {
namespace {

using detail::value_of;

// What RFC 3986 calls unreserved, and what stands for a secret.
bool is_plain(char character) noexcept {
  return (character >= 'a' && character <= 'z') ||
         (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') ||
         std::string_view("-._~*").find(character) != std::string_view::npos;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    if (is_plain(character)) {
      encoded += character;
      continue;
    }
    const auto byte = static_cast<unsigned char>(character);
    encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return encoded;
}

// The path of a file in memory is no part of what it says.
detail::ConnValues without_material_paths(detail::ConnValues values,
                                          const TlsMaterial* material) {
  if (material == nullptr) return values;
  const auto clear = [&values](const char* keyword, const std::string& path) {
    const auto found = values.find(keyword);
    if (found == values.end() || path.empty()) return;
    if (found->second == path) found->second = "/proc/self/fd";
  };
  clear("sslrootcert", material->ca_path());
  clear("sslcert", material->certificate_path());
  clear("sslkey", material->key_path());
  return values;
}

std::string host_in_uri(const ConnectionString::Host& host) {
  const std::string shown = detail::shown_host(host.name);
  const bool is_ipv6 =
      !host.is_socket() && shown.find(':') != std::string::npos;
  const std::string name = is_ipv6 ? '[' + shown + ']' : percent_encode(shown);
  return name + ':' + host.port;
}

std::string user_in(const detail::ConnValues& values) {
  return detail::shown_user(value_of(values, "user"));
}

std::string database_in(const detail::ConnValues& values) {
  const std::string database = value_of(values, "dbname");
  // libpq's default is the user's name.
  return database.empty() || database == value_of(values, "user")
             ? user_in(values)
             : detail::shown_database(database);
}

std::string join(const std::vector<ConnectionString::Host>& hosts,
                 std::string ConnectionString::Host::*field) {
  std::string joined;
  for (const auto& host : hosts) {
    if (&host != hosts.data()) joined += ',';
    joined += host.*field;
  }
  return joined;
}

std::string_view name_of(TlsProblem::Source source) noexcept {
  switch (source) {
    case TlsProblem::Source::kCa:
      return "TlsOptions::ca";
    case TlsProblem::Source::kCertificate:
      return "TlsOptions::certificate";
    case TlsProblem::Source::kKey:
      break;
  }
  return "TlsOptions::key";
}

}  // namespace

Expected<ConnectionString> ConnectionString::parse(std::string_view text) {
  auto values = detail::parse_conninfo(text);
  if (!values) return Unexpected(std::move(values.error()));
  ConnectionString parsed;
  parsed.values_ = std::move(*values);
  return parsed;
}

Expected<void> ConnectionString::check_completed() const {
  if (auto checked = detail::check_completion(values_); !checked) {
    return checked;
  }
  return detail::check_names(values_, detail::effective_values(values_));
}

std::optional<std::string> ConnectionString::passfile_problem() const {
  auto problem =
      detail::passfile_problem(values_, detail::effective_values(values_));
  if (problem && problem->empty()) return std::nullopt;
  return problem;
}

std::optional<TlsFileProblem> ConnectionString::tls_file_problem() const {
  return detail::tls_file_problem(detail::effective_values(values_));
}

std::vector<ConnectionString::Host> ConnectionString::hosts() const {
  return detail::hosts_in(detail::effective_values(values_));
}

std::string ConnectionString::host() const {
  std::vector<Host> all = hosts();
  for (Host& each : all) each.name = detail::shown_host(each.name);
  return join(all, &Host::name);
}

std::string ConnectionString::port() const {
  return join(hosts(), &Host::port);
}

std::string ConnectionString::database() const {
  return database_in(detail::effective_values(values_));
}

std::string ConnectionString::user() const {
  return user_in(detail::effective_values(values_));
}

std::optional<std::string> ConnectionString::get(
    std::string_view keyword) const {
  const auto found = values_.find(keyword);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::string ConnectionString::completed(std::string_view keyword) const {
  if (keyword.find("password") != std::string_view::npos) return {};
  return value_of(detail::effective_values(values_), keyword);
}

Expected<void> ConnectionString::set(std::string_view keyword,
                                     std::string_view value) {
  if (!detail::is_known_keyword(keyword)) {
    return Unexpected(
        Error{.kind = ErrorKind::kUsage,
              .message = "that keyword is not one of libpq's; accepted are "
                         "those of a connection string, e.g. sslmode"});
  }
  if (auto checked = detail::check_value(keyword, value); !checked) {
    return checked;
  }
  values_.insert_or_assign(std::string(keyword), std::string(value));
  refuses_own_options_ = std::make_shared<std::atomic<bool>>(false);
  return {};
}

void ConnectionString::unset(std::string_view keyword) {
  const auto found = values_.find(keyword);
  if (found == values_.end()) return;
  values_.erase(found);
  refuses_own_options_ = std::make_shared<std::atomic<bool>>(false);
}

Expected<void> ConnectionString::set_tls(const TlsOptions& options) {
  auto material = TlsMaterial::create(options);
  if (!material) {
    return Unexpected(
        Error{.kind = ErrorKind::kUsage,
              .message = std::string(name_of(material.error().source)) + ' ' +
                         material.error().text});
  }
  values_.insert_or_assign("sslmode", std::string(to_sslmode(options.verify)));
  values_.insert_or_assign("sslrootcert", system_roots_file());
  use(std::move(*material));
  if (options.verify == TlsVerify::kNothing) {
    // libpq verifies whenever it has a root.
    values_.insert_or_assign("sslrootcert", std::string(kNoTlsFile));
  }
  return {};
}

void ConnectionString::use(std::shared_ptr<const TlsMaterial> material) {
  tls_material_ = std::move(material);
  if (!tls_material_) return;
  const auto take = [this](const char* keyword, const std::string& path) {
    if (!path.empty()) values_.insert_or_assign(keyword, path);
  };
  take("sslrootcert", tls_material_->ca_path());
  take("sslcert", tls_material_->certificate_path());
  take("sslkey", tls_material_->key_path());
}

bool operator==(const ConnectionString& a, const ConnectionString& b) {
  const TlsMaterial* const one = a.tls_material_.get();
  const TlsMaterial* const other = b.tls_material_.get();
  const bool same = one == other || (one != nullptr && other != nullptr &&
                                     one->has_same_contents(*other));
  return same && without_material_paths(a.values_, one) ==
                     without_material_paths(b.values_, other);
}

std::string ConnectionString::redact(std::string_view text) const {
  std::string result = dbpool::redact(text);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv() meanwhile.
  const char* const variable = std::getenv("PGPASSWORD");
  std::string password = value_of(values_, "password");
  if (password.empty() && variable != nullptr) password = variable;
  const auto is_a_name = [this](std::string_view secret) {
    const detail::ConnValues names = detail::effective_values(values_);
    return secret == value_of(names, "user") ||
           secret == value_of(names, "dbname") ||
           secret == value_of(names, "host");
  };
  detail::hide_secrets(result, {password, value_of(values_, "sslpassword")},
                       is_a_name);
  return result;
}

std::string ConnectionString::description() const {
  const detail::ConnValues values = detail::effective_values(values_);
  std::string text = "postgresql://" + percent_encode(user_in(values)) + '@';
  const std::vector<Host> all = detail::hosts_in(values);
  for (const Host& host : all) {
    if (&host != all.data()) text += ',';
    text += host_in_uri(host);
  }
  return text + '/' + percent_encode(database_in(values));
}

}  // namespace dbpool
