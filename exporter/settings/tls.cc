#include "exporter/settings/tls.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/libpq_tls.h"
#include "exporter/utf8.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kSystem = "system";  // of sslrootcert

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
                          const std::string& what, std::string_view accepted) {
  return name + "=" + (value ? "true" : "false") + " contradicts " + what +
         "; expected " + std::string(accepted) + " there, or no " + name;
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

std::string shown(const Said& mode) {
  return "sslmode=" + mode.value + " in " + mode.from;
}

using Errors = std::vector<std::string>;

// With DB_SSL=false.
void find_what_demands_tls(const LibpqTls& said, const TlsWishes& wishes,
                           Errors& errors) {
  if (has_material(wishes.material)) {
    errors.push_back(first_name(wishes) + " contradicts " + wishes.ssl_name +
                     "=false; expected one of them unset");
  }
  const auto [file, name] = said.first_file();
  if (demands_tls(said.mode.value) && said.mode.is_demand()) {
    errors.push_back(
        contradiction(wishes.ssl_name, false, shown(said.mode), "disable"));
  } else if (file != nullptr && file->is_demand()) {
    errors.push_back(contradiction(wishes.ssl_name, false, name, "none"));
  }
}

void find_contradictions(const LibpqTls& said, const TlsWishes& wishes,
                         Errors& errors) {
  const Said& mode = said.mode;
  if (mode && !is_known(mode.value)) {
    errors.push_back(
        mode.from +
        ": sslmode is not known; expected disable, allow, prefer, require, "
        "verify-ca or verify-full");
    return;
  }
  if (wishes.ssl == false) {
    find_what_demands_tls(said, wishes, errors);
    return;  // nothing to verify
  }
  if (!wishes.ssl && wishes.reject_unauthorized == true &&
      mode.value == "disable" && mode.is_demand()) {
    errors.push_back(contradiction(wishes.reject_name, true, shown(mode),
                                   "require, verify-ca or verify-full"));
  }
  const bool has_root = said.root && said.root.is_demand();
  const bool is_settled = wishes.ssl || has_material(wishes.material) ||
                          wishes.reject_unauthorized == true;
  if (has_root && mode && !demands_tls(mode.value) && !is_settled &&
      mode.from == said.root.from) {
    errors.push_back("sslrootcert contradicts " + shown(mode) +
                     ", which verifies nothing; expected verify-full there, "
                     "or no sslrootcert");
  }
  if (wishes.reject_unauthorized != false) return;
  if (verifies(mode.value) && mode.is_demand()) {
    errors.push_back(
        contradiction(wishes.reject_name, false, shown(mode), "require"));
  } else if (has_root) {
    // libpq verifies the chain whenever it has a root.
    errors.push_back(contradiction(wishes.reject_name, false,
                                   "sslrootcert in " + said.root.from, "none"));
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

// Who turns TLS on, beside sslmode and the profile; or empty.
std::string who_wants_tls(const LibpqTls& said, const TlsWishes& wishes) {
  if (wishes.ssl) return *wishes.ssl ? wishes.ssl_name : "";
  if (has_material(wishes.material)) return first_name(wishes);
  const auto [file, name] = said.first_file();
  if (file == nullptr) return "";
  // A file in the URL stands over a weak mode of the environment.
  const bool stands =
      !said.mode || (file->is_demand() && !said.mode.is_demand() &&
                     !demands_tls(said.mode.value));
  return stands ? name : "";
}

struct Choice {
  std::string mode;
  std::string by;
};

// With DB_SSL_CA, and with the system's roots named, which all know: whose
// certificate it is makes the difference.
bool needs_the_name(const LibpqTls& said, const TlsWishes& wishes) {
  if (!wishes.material.ca.empty()) return said.mode.value == "require";
  return said.root.value == kSystem && demands_tls(said.mode.value);
}

Choice choose(const LibpqTls& said, const TlsWishes& wishes) {
  Choice stays{said.mode.value, said.mode.from};
  if (wishes.ssl == false) return {"disable", wishes.ssl_name};
  const std::string wanted_by = who_wants_tls(said, wishes);
  if (wanted_by.empty() && !said.mode && !wishes.ssl_by_default) {
    return {"disable", "profile"};
  }
  std::string by = wanted_by;
  if (by.empty()) {
    by = wishes.reject_unauthorized ? wishes.reject_name : "profile";
  }
  if (wishes.reject_unauthorized == true) return {"verify-full", by};
  if (wishes.reject_unauthorized == false) {
    const bool may_stay = wanted_by.empty() && said.mode;
    return may_stay ? stays : Choice{"require", by};
  }
  if (!said.mode || (!wanted_by.empty() && !demands_tls(said.mode.value))) {
    return {"verify-full", by};
  }
  if (!needs_the_name(said, wishes)) return stays;
  return {"verify-full",
          wishes.material.ca.empty() ? said.first_file().second : wanted_by};
}

void add_warning(TlsDecision& decision, std::string text) {
  decision.notices.push_back({LogLevel::kWarn, std::move(text)});
}

// Puts the roots in force into `database`; false: nothing will be verified.
bool set_roots(ConnectionString& database, const LibpqTls& said,
               const TlsWishes& wishes, TlsDecision& decision) {
  if (wishes.reject_unauthorized == false && !verifies(decision.mode)) {
    database.unset("sslrootcert");
    // Empty is none, where PGSSLROOTCERT names one.
    if (said.root) (void)database.set("sslrootcert", "");
    return false;
  }
  if (!wishes.material.ca.empty()) return true;
  if (said.root && said.root.value != kSystem) return true;
  if (!said.root && !verifies(decision.mode)) return false;
  const std::string roots = system_roots_file();
  (void)database.set("sslrootcert", roots);
  std::error_code error;
  if (!std::filesystem::exists(roots, error)) {
    add_warning(decision,
                "the database's certificate cannot be verified: there is no " +
                    roots + "; install ca-certificates or give " +
                    wishes.ca_name);
  }
  return true;
}

void check_files(const ConnectionString& database, const LibpqTls& said,
                 TlsDecision& decision) {
  const auto problem = database.tls_file_problem();
  if (!problem) return;
  const Said& file = problem->keyword == "sslrootcert" ? said.root
                     : problem->keyword == "sslcert"   ? said.certificate
                                                       : said.key;
  if (!file || file.value == kSystem) return;  // the system's, told already
  constexpr std::size_t kShownPath = 200;
  const std::string path = redact(to_utf8(problem->path));
  decision.errors.push_back(
      (file.is_demand() ? file.from + ": " + problem->keyword : file.from) +
      "=" + in_quotes(std::string(utf8_prefix(path, kShownPath))) + ": " +
      problem->text);
}

void warn_of_what_is_overruled(const LibpqTls& said, const TlsWishes& wishes,
                               TlsDecision& decision) {
  const std::string& mode = decision.mode;
  if (said.mode.value == "disable" && mode != "disable") {
    const bool is_true = decision.mode_source == wishes.ssl_name ||
                         decision.mode_source == wishes.reject_name;
    add_warning(decision, decision.mode_source + (is_true ? "=true" : "") +
                              " stands over " + shown(said.mode) +
                              ": sslmode=" + mode + " is used");
  }
  if (mode == "disable" && wishes.reject_unauthorized == true &&
      wishes.ssl != false) {
    add_warning(decision, wishes.reject_name +
                              "=true verifies nothing: TLS to the database is "
                              "off; " +
                              wishes.ssl_name + "=true turns it on");
  }
  if (said.root && said.mode && !demands_tls(mode) && wishes.ssl != false) {
    add_warning(decision, shown(said.mode) + " verifies nothing, whatever " +
                              said.first_file().second +
                              " has; sslmode=verify-full verifies");
  }
}

// All of it, for a database that is reached over a network.
void apply(ConnectionString& database, const LibpqTls& said,
           const TlsWishes& wishes, std::shared_ptr<const TlsMaterial> material,
           TlsDecision& decision) {
  const Choice choice = choose(said, wishes);
  decision.mode = choice.mode;
  decision.mode_source =
      choice.mode == said.mode.value ? said.mode.from : choice.by;
  // Whatever decided it: so that what is told is what libpq does.
  (void)database.set("sslmode", decision.mode);
  warn_of_what_is_overruled(said, wishes, decision);
  if (material) database.use(std::move(material));
  if (decision.mode == "disable") return;
  const bool is_verified = set_roots(database, said, wishes, decision);
  check_files(database, said, decision);
  if (decision.mode != "require" || is_verified) return;
  std::string unused;
  if (!wishes.material.ca.empty()) unused = wishes.ca_name;
  if (unused.empty() && said.root) unused = said.root.from;
  add_warning(decision,
              "TLS to the database is encrypted but not verified: anyone "
              "between could pose as the server; " +
                  wishes.reject_name + "=true verifies" +
                  (unused.empty() ? "" : " (" + unused + " is not used)"));
}

}  // namespace

TlsDecision decide_tls(ConnectionString& database, const TlsWishes& wishes) {
  TlsDecision decision;
  const LibpqTls said = libpq_tls(database, wishes.libpq);
  find_contradictions(said, wishes, decision.errors);
  auto material = check_material(wishes, decision);
  if (!decision.errors.empty()) return decision;
  if (!only_sockets(database)) {
    apply(database, said, wishes, std::move(material), decision);
    return decision;
  }
  const bool is_wanted = !who_wants_tls(said, wishes).empty() ||
                         (wishes.ssl != false && wishes.ssl_by_default);
  if (is_wanted) {
    decision.notices.push_back(
        {LogLevel::kInfo,
         "the database is reached by a Unix socket: no TLS there"});
  }
  decision.mode = "disable";
  decision.mode_source = "socket";
  return decision;
}

}  // namespace dbpool::exporter
