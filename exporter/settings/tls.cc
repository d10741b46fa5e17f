#include "exporter/settings/tls.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

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

void find_contradictions(const ConnectionString& database,
                         const TlsWishes& wishes,
                         std::vector<std::string>& errors) {
  const std::string mode = database.get("sslmode").value_or("");
  const std::string shown = "sslmode=" + mode;
  constexpr std::string_view kTls = "require, verify-ca or verify-full";
  if (!mode.empty() && !is_known(mode)) {
    errors.emplace_back(
        "DATABASE_URL: sslmode is not known; expected disable, allow, prefer, "
        "require, verify-ca or verify-full");
    return;
  }
  if (wishes.ssl == true && mode == "disable") {
    errors.push_back(contradiction(wishes.ssl_name, true, shown, kTls));
  }
  if (wishes.ssl == false && demands_tls(mode)) {
    errors.push_back(contradiction(wishes.ssl_name, false, shown, "disable"));
  }
  if (wishes.ssl == false) return;  // nothing to verify
  if (wishes.reject_unauthorized == true && mode == "disable") {
    errors.push_back(contradiction(wishes.reject_name, true, shown, kTls));
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
  return std::nullopt;
}

void add_roots(ConnectionString& database, const TlsWishes& wishes,
               std::vector<Notice>& notices) {
  if (database.get("sslrootcert") || wishes.has_pgsslrootcert) return;
  (void)database.set("sslrootcert", kSystemRoots);
  std::error_code error;
  if (std::filesystem::exists(kSystemRoots, error)) return;
  notices.push_back({LogLevel::kWarn,
                     "the database's certificate cannot be verified: there is "
                     "no " +
                         std::string(kSystemRoots) +
                         "; install ca-certificates or name sslrootcert in "
                         "DATABASE_URL"});
}

}  // namespace

TlsDecision decide_tls(ConnectionString& database, const TlsWishes& wishes) {
  TlsDecision decision;
  find_contradictions(database, wishes, decision.errors);
  if (!decision.errors.empty()) return decision;
  if (only_sockets(database)) {
    if (wishes.ssl.value_or(wishes.ssl_by_default)) {
      decision.notices.push_back(
          {LogLevel::kInfo,
           "the database is reached by a Unix socket: no TLS there"});
    }
    return decision;
  }
  const auto target = decide_mode(database.get("sslmode").value_or(""), wishes);
  if (target) (void)database.set("sslmode", *target);
  const std::string mode = database.get("sslmode").value_or("");
  if (verifies(mode)) add_roots(database, wishes, decision.notices);
  if (mode == "require" && !database.get("sslrootcert") &&
      !wishes.has_pgsslrootcert) {
    decision.notices.push_back(
        {LogLevel::kWarn,
         "TLS to the database is encrypted but not verified: anyone between "
         "could pose as the server; " +
             wishes.reject_name + "=true verifies"});
  }
  return decision;
}

}  // namespace dbpool::exporter
