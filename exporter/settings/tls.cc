#include "exporter/settings/tls.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

namespace dbpool::exporter {

namespace {

bool verifies(std::string_view mode) {
  return mode == "verify-ca" || mode == "verify-full";
}

bool demands_tls(std::string_view mode) {
  return mode == "require" || verifies(mode);
}

bool is_known(std::string_view mode) {
  return mode == "disable" || mode == "allow" || mode == "prefer" ||
         demands_tls(mode);
}

bool only_sockets(const ConnectionString& database) {
  const auto hosts = database.hosts();
  return std::all_of(hosts.begin(), hosts.end(), [](const auto& host) {
    return host.address.empty() && host.is_socket();
  });
}

std::string contradiction(const std::string& name, bool value,
                          std::string_view what, std::string_view accepted) {
  return name + "=" + (value ? "true" : "false") + " contradicts " +
         std::string(what) + " in DATABASE_URL; expected " +
         std::string(accepted) + " there, or no " + name;
}

bool has_material(const TlsOptions& material) {
  return !material.ca.empty() || !material.certificate.empty() ||
         !material.key.empty();
}

const std::string& first_name(const TlsWishes& wishes) {
  if (!wishes.material.ca.empty()) return wishes.ca_name;
  return wishes.material.certificate.empty() ? wishes.key_name
                                             : wishes.certificate_name;
}

void find_contradictions(const ConnectionString& database,
                         const TlsWishes& wishes,
                         std::vector<std::string>& errors) {
  const std::string mode = database.get("sslmode").value_or("");
  const std::string shown = "sslmode=" + mode;
  if (!mode.empty() && !is_known(mode)) {
    errors.emplace_back(
        "DATABASE_URL: sslmode is not known; expected disable, allow, prefer, "
        "require, verify-ca or verify-full");
    return;
  }
  if (wishes.ssl == false && has_material(wishes.material)) {
    errors.push_back(first_name(wishes) + " contradicts " + wishes.ssl_name +
                     "=false; expected one of them unset");
  }
  if (wishes.ssl == false && demands_tls(mode)) {
    errors.push_back(contradiction(wishes.ssl_name, false, shown, "disable"));
  }
  if (wishes.ssl == false) return;  // nothing to verify
  if (!wishes.ssl && wishes.reject_unauthorized == true && mode == "disable") {
    errors.push_back(contradiction(wishes.reject_name, true, shown,
                                   "require, verify-ca or verify-full"));
  }
  if (wishes.reject_unauthorized != false) return;
  if (verifies(mode)) {
    errors.push_back(
        contradiction(wishes.reject_name, false, shown, "require"));
  } else if (database.get("sslrootcert")) {
    // libpq verifies the chain whenever it has a root.
    errors.push_back(
        contradiction(wishes.reject_name, false, "sslrootcert", "none"));
  }
}

const std::string& name_of(TlsProblem::Source source, const TlsWishes& wishes) {
  switch (source) {
    case TlsProblem::Source::kCa:
      return wishes.ca_name;
    case TlsProblem::Source::kCertificate:
      return wishes.certificate_name;
    case TlsProblem::Source::kKey:
      break;
  }
  return wishes.key_name;
}

const std::string& text_of(TlsProblem::Source source,
                           const TlsOptions& options) {
  switch (source) {
    case TlsProblem::Source::kCa:
      return options.ca;
    case TlsProblem::Source::kCertificate:
      return options.certificate;
    case TlsProblem::Source::kKey:
      break;
  }
  return options.key;
}

// Of text that is no good as it is: base64 has no dot, and that of PEM begins
// with a letter.
bool looks_like_a_path(std::string_view text) {
  return text.find_first_of(" \n") == std::string_view::npos &&
         (text.starts_with('/') || text.starts_with('~') ||
          text.find('.') != std::string_view::npos);
}

// What is given is checked even where it will not be used.
std::shared_ptr<const TlsMaterial> check_material(const TlsWishes& wishes,
                                                  TlsDecision& decision) {
  if (!has_material(wishes.material)) return nullptr;
  auto material = TlsMaterial::create(wishes.material);
  if (material) return *std::move(material);
  const TlsProblem& problem = material.error();
  const std::string& name = name_of(problem.source, wishes);
  std::string line = name + ": " + problem.text;
  if (!name.ends_with("_FILE") &&
      looks_like_a_path(text_of(problem.source, wishes.material))) {
    line += "; a path belongs in " + name + "_FILE";
  }
  decision.errors.push_back(std::move(line));
  return nullptr;
}

// The sslmode to set; nullopt: leave it to the URL and to libpq.
std::optional<std::string> decide_mode(std::string_view url_mode,
                                       const TlsWishes& w) {
  const bool nothing_said = url_mode.empty() && !w.has_pgsslmode;
  const bool by_profile = nothing_said && !w.ssl;
  if (w.ssl == false || (by_profile && !w.ssl_by_default)) return "disable";
  if (w.reject_unauthorized == true) return "verify-full";
  if (w.reject_unauthorized == false) {
    if (w.ssl == true || by_profile) return "require";
    return std::nullopt;
  }
  if (by_profile || (w.ssl == true && !demands_tls(url_mode))) {
    return "verify-full";
  }
  // Who names a CA wants the server verified.
  if (!w.material.ca.empty() && url_mode == "require") return "verify-full";
  return std::nullopt;
}

std::string source_of(std::string_view mode, std::string_view url_mode,
                      const TlsWishes& given) {
  if (mode.empty()) return "PGSSLMODE";
  if (mode == url_mode) return "DATABASE_URL";
  if (given.ssl) return given.ssl_name;
  if (has_material(given.material)) return first_name(given);
  return given.reject_unauthorized ? given.reject_name : "profile";
}

void add_roots(ConnectionString& database, const TlsWishes& wishes,
               std::vector<Notice>& notices) {
  if (database.get("sslrootcert") || wishes.has_pgsslrootcert) return;
  const std::string roots = system_roots_file();
  (void)database.set("sslrootcert", roots);
  std::error_code error;
  if (std::filesystem::exists(roots, error)) return;
  notices.push_back({LogLevel::kWarn,
                     "the database's certificate cannot be verified: there is "
                     "no " +
                         roots + "; install ca-certificates or give " +
                         wishes.ca_name});
}

void use_material(ConnectionString& database, const TlsWishes& wishes,
                  std::shared_ptr<const TlsMaterial> material) {
  database.use(std::move(material));
  if (wishes.reject_unauthorized == false && !wishes.material.ca.empty()) {
    database.unset("sslrootcert");
  }
}

}  // namespace

TlsDecision decide_tls(ConnectionString& database, const TlsWishes& given) {
  TlsDecision decision;
  find_contradictions(database, given, decision.errors);
  auto material = check_material(given, decision);
  if (!decision.errors.empty()) return decision;
  TlsWishes wishes = given;
  if (!wishes.ssl && material) wishes.ssl = true;
  if (only_sockets(database)) {
    if (wishes.ssl.value_or(wishes.ssl_by_default)) {
      decision.notices.push_back(
          {LogLevel::kInfo,
           "the database is reached by a Unix socket: no TLS there"});
    }
    decision.mode = "disable";
    decision.mode_source = "socket";
    return decision;
  }
  const std::string before = database.get("sslmode").value_or("");
  const auto target = decide_mode(before, wishes);
  if (target) (void)database.set("sslmode", *target);
  const std::string mode = database.get("sslmode").value_or("");
  decision.mode = mode;
  decision.mode_source = source_of(mode, before, given);
  if (before == "disable" && mode != before) {
    decision.notices.push_back(
        {LogLevel::kWarn,
         (given.ssl ? given.ssl_name + "=true" : first_name(given)) +
             " stands over sslmode=disable in DATABASE_URL: sslmode=" + mode +
             " is used"});
  }
  if (material) use_material(database, wishes, std::move(material));
  if (verifies(mode)) add_roots(database, wishes, decision.notices);
  if (mode == "require" && !database.get("sslrootcert") &&
      !wishes.has_pgsslrootcert) {
    const bool unused = !wishes.material.ca.empty();
    decision.notices.push_back(
        {LogLevel::kWarn,
         "TLS to the database is encrypted but not verified: anyone between "
         "could pose as the server; " +
             wishes.reject_name + "=true verifies" +
             (unused ? " (" + wishes.ca_name + " is not used)" : "")});
  }
  return decision;
}

}  // namespace dbpool::exporter
