#include "exporter/settings/tls.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "exporter/settings/libpq_tls.h"
#include "exporter/settings/tls_contradictions.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kSystem = "system";  // of sslrootcert

bool only_sockets(const ConnectionString& database) {
  const auto hosts = database.hosts();
  return std::all_of(hosts.begin(), hosts.end(), [](const auto& host) {
    return host.address.empty() && host.is_socket();
  });
}

const MaterialName& name_of(TlsProblem::Source source,
                            const TlsWishes& wishes) {
  switch (source) {
    case TlsProblem::Source::kCa:
      return wishes.ca;
    case TlsProblem::Source::kCertificate:
      return wishes.certificate;
    case TlsProblem::Source::kKey:
      break;
  }
  return wishes.key;
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
  if (!has_material(wishes)) return nullptr;
  auto material = TlsMaterial::create(wishes.material);
  if (material) return *std::move(material);
  const TlsProblem& problem = material.error();
  const auto& [name, for_path] = name_of(problem.source, wishes);
  std::string line = name + ": " + problem.text;
  if (!for_path.empty() &&
      looks_like_a_path(text_of(problem.source, wishes.material))) {
    line += "; a path belongs in " + for_path;
  }
  decision.errors.push_back(std::move(line));
  return nullptr;
}

struct Choice {
  std::string mode;
  std::string by;
};

// With DB_SSL_CA, and with the system's roots named, which all know: whose
// certificate it is makes the difference.
bool needs_the_name(const Said& mode, const Said& root,
                    const TlsWishes& wishes) {
  if (!wishes.material.ca.empty()) return mode.value == "require";
  return root.value == kSystem && demands_tls(mode.value);
}

Choice choose(const LibpqTls& said, const TlsWishes& wishes) {
  if (wishes.ssl == false) return {"disable", wishes.ssl_name};
  const std::string wanted_by = who_wants_tls(said, wishes);
  // What turns TLS on stands over libpq's variables.
  const bool counts = wanted_by.empty() || said.mode.is_demand();
  const Said mode = counts ? said.mode : Said{};
  Choice stays{mode.value, mode.from};
  if (wanted_by.empty() && !wishes.ssl_by_default) {
    if (!mode) return {"disable", "profile"};
    if (mode.value == "disable") return stays;
  }
  std::string by = wanted_by;
  if (by.empty()) {
    by = wishes.reject_unauthorized ? wishes.reject_name : "profile";
  }
  const auto with = [&](const char* chosen) {
    return mode.value == chosen ? stays : Choice{chosen, by};
  };
  if (wishes.reject_unauthorized == true) return with("verify-full");
  if (wishes.reject_unauthorized == false) {
    const bool may_stay = wanted_by.empty() && mode && !verifies(mode.value);
    return may_stay ? stays : with("require");
  }
  const bool is_too_weak = !wanted_by.empty() && !demands_tls(mode.value);
  if (!mode || is_too_weak) return with("verify-full");
  if (!needs_the_name(mode, said.root, wishes)) return stays;
  if (wishes.material.ca.empty()) by = said.root.name();
  return with("verify-full");
}

void add_warning(TlsDecision& decision, std::string text) {
  decision.notices.push_back({LogLevel::kWarn, std::move(text)});
}

// The roots in force, kNoTlsFile where nothing will be verified; empty: those
// of DB_SSL_CA.
std::string choose_roots(const LibpqTls& said, const TlsWishes& wishes,
                         TlsDecision& decision) {
  const bool verified = verifies(decision.mode);
  if (wishes.reject_unauthorized == false && !verified) {
    return std::string(kNoTlsFile);
  }
  if (!wishes.material.ca.empty()) return "";
  if (said.root && said.root.value != kSystem) return said.root.value;
  if (!said.root && !verified) return std::string(kNoTlsFile);
  std::error_code error;
  if (!std::filesystem::exists(wishes.system_roots, error)) {
    add_warning(decision,
                "the database's certificate cannot be verified: there is no " +
                    wishes.system_roots + "; install ca-certificates or give " +
                    wishes.ca.name);
  }
  return wishes.system_roots;
}

// One of them alone is of no use.
void check_pair(const Said& certificate, const Said& key,
                TlsDecision& decision) {
  if (certificate && !key) {
    decision.errors.push_back(certificate.head() +
                              ": is given without its key; expected sslkey or "
                              "PGSSLKEY too, or neither");
  } else if (key && !certificate) {
    decision.errors.push_back(key.head() +
                              ": is given without its certificate; expected "
                              "sslcert or PGSSLCERT too, or neither");
  }
}

// Of those that somebody named.
void check_files(ConnectionString database, const LibpqTls& said,
                 TlsDecision& decision) {
  // The system's are told already.
  if (database.get("sslrootcert") != said.root.value) {
    (void)database.set("sslrootcert", kNoTlsFile);
  }
  const auto problem = database.tls_file_problem();
  if (!problem) return;
  const Said& file = problem->keyword == "sslrootcert" ? said.root
                     : problem->keyword == "sslcert"   ? said.certificate
                                                       : said.key;
  std::string text = problem->text;
  constexpr std::string_view kKeyword = "sslcert";
  const std::size_t at = text.find(kKeyword);
  if (at != std::string::npos && said.certificate) {
    text.replace(at, kKeyword.size(), said.certificate.name());
  }
  decision.errors.push_back(file.head_and_value() + ": " + text);
}

// Sets all that counts, so that neither the environment nor ~/.postgresql has
// others for libpq. False: nothing will be verified.
bool set_files(ConnectionString& database, const LibpqTls& said,
               const TlsWishes& wishes,
               std::shared_ptr<const TlsMaterial> material,
               TlsDecision& decision) {
  const std::string roots = choose_roots(said, wishes, decision);
  const Said& certificate = said.certificate;
  (void)database.set("sslcert", certificate ? certificate.value : kNoTlsFile);
  if (said.key) (void)database.set("sslkey", said.key.value);
  if (material) database.use(std::move(material));
  if (!roots.empty()) (void)database.set("sslrootcert", roots);
  return roots != kNoTlsFile;
}

void warn_of_what_is_overruled(const LibpqTls& said, const TlsWishes& wishes,
                               TlsDecision& decision) {
  const std::string& mode = decision.mode;
  const bool was_weak = said.mode && !demands_tls(said.mode.value);
  if (was_weak && demands_tls(mode)) {
    const bool is_true = decision.mode_source == wishes.ssl_name ||
                         decision.mode_source == wishes.reject_name;
    add_warning(decision, decision.mode_source + (is_true ? "=true" : "") +
                              " stands over " + shown_mode(said.mode) +
                              ": sslmode=" + mode + " is used");
  }
  if (wishes.ssl == false) return;
  if (mode == "disable" && wishes.reject_unauthorized == true) {
    add_warning(decision, wishes.reject_name +
                              "=true verifies nothing: TLS to the database is "
                              "off; " +
                              wishes.ssl_name + "=true turns it on");
  } else if (said.root && said.mode && !demands_tls(mode)) {
    add_warning(decision,
                shown_mode(said.mode) + " verifies nothing, whatever " +
                    said.root.name() + " has; sslmode=verify-full verifies");
  }
}

void warn_of_no_verification(const LibpqTls& said, const TlsWishes& wishes,
                             TlsDecision& decision) {
  std::string unused;
  const auto add = [&unused](const std::string& name) {
    unused += (unused.empty() ? "" : " and ") + name;
  };
  if (!wishes.material.ca.empty()) add(wishes.ca.name);
  if (verifies(said.mode.value)) add(said.mode.from + "=" + said.mode.value);
  if (said.root) add(said.root.from);
  const bool is_one = unused.find(" and ") == std::string::npos;
  add_warning(decision,
              "TLS to the database is encrypted but not verified: anyone "
              "between could pose as the server; " +
                  wishes.reject_name + "=true verifies" +
                  (unused.empty() ? ""
                                  : " (" + unused + (is_one ? " is" : " are") +
                                        " not used)"));
}

// All of it, for a database that is reached over a network.
void apply(ConnectionString& database, const LibpqTls& said,
           const TlsWishes& wishes, std::shared_ptr<const TlsMaterial> material,
           TlsDecision& decision) {
  const Choice choice = choose(said, wishes);
  decision.mode = choice.mode;
  decision.mode_source = choice.by;
  // Whatever decided it: so that what is told is what libpq does.
  (void)database.set("sslmode", decision.mode);
  warn_of_what_is_overruled(said, wishes, decision);
  if (decision.mode == "disable") return;
  const bool is_verified =
      set_files(database, said, wishes, std::move(material), decision);
  if (wishes.material.certificate.empty()) {
    check_pair(said.certificate, said.key, decision);
  }
  check_files(database, said, decision);
  if (decision.mode == "require" && !is_verified) {
    warn_of_no_verification(said, wishes, decision);
  }
}

}  // namespace

TlsDecision decide_tls(ConnectionString& database, const TlsWishes& wishes) {
  TlsDecision decision;
  const LibpqTls said =
      libpq_tls(database, wishes.libpq, wishes.url_name, wishes.is_url_shown);
  decision.errors = tls_contradictions(said, wishes);
  auto material = check_material(wishes, decision);
  if (!decision.errors.empty()) return decision;
  if (!only_sockets(database)) {
    apply(database, said, wishes, std::move(material), decision);
    return decision;
  }
  const bool is_wanted =
      !who_wants_tls(said, wishes).empty() ||
      (wishes.ssl != false &&
       (wishes.ssl_by_default || demands_tls(said.mode.value)));
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
