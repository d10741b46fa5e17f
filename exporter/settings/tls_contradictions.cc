#include "exporter/settings/tls_contradictions.h"

#include <string_view>

namespace dbpool::exporter {

namespace {

using Errors = std::vector<std::string>;

std::string contradiction(const std::string& name, bool value,
                          const std::string& what, std::string_view accepted) {
  return name + "=" + (value ? "true" : "false") + " contradicts " + what +
         "; expected " + std::string(accepted) + " there, or no " + name;
}

// With DB_SSL=false.
void find_what_demands_tls(const LibpqTls& said, const TlsWishes& wishes,
                           Errors& errors) {
  if (has_material(wishes)) {
    errors.push_back(material_name(wishes) + " contradicts " + wishes.ssl_name +
                     "=false; expected one of them unset");
  }
  const Said* const file = said.first_file();
  if (demands_tls(said.mode.value) && said.mode.is_demand()) {
    errors.push_back(contradiction(wishes.ssl_name, false,
                                   shown_mode(said.mode), "disable"));
  } else if (file != nullptr && file->is_demand()) {
    errors.push_back(
        contradiction(wishes.ssl_name, false, file->name(), "none"));
  }
}

// With DB_SSL_REJECT_UNAUTHORIZED=false.
void find_what_demands_verification(const LibpqTls& said,
                                    const TlsWishes& wishes, Errors& errors) {
  if (verifies(said.mode.value) && said.mode.is_demand()) {
    errors.push_back(contradiction(wishes.reject_name, false,
                                   shown_mode(said.mode), "require"));
  } else if (said.root.is_demand()) {
    // libpq verifies the chain whenever it has a root.
    errors.push_back(
        contradiction(wishes.reject_name, false, said.root.name(), "none"));
  }
}

// Both at one place, where nothing else decides.
void find_root_without_use(const LibpqTls& said, const TlsWishes& wishes,
                           Errors& errors) {
  const bool is_settled =
      wishes.ssl || has_material(wishes) || wishes.reject_unauthorized == true;
  if (is_settled || !said.root.is_demand() || said.mode.by != said.root.by ||
      demands_tls(said.mode.value)) {
    return;
  }
  errors.push_back("sslrootcert contradicts " + shown_mode(said.mode) +
                   ", which verifies nothing; expected verify-full there, or "
                   "no sslrootcert");
}

}  // namespace

bool has_material(const TlsWishes& wishes) {
  const TlsOptions& material = wishes.material;
  return !material.ca.empty() || !material.certificate.empty() ||
         !material.key.empty();
}

const std::string& material_name(const TlsWishes& wishes) {
  if (!wishes.material.ca.empty()) return wishes.ca.name;
  return wishes.material.certificate.empty() ? wishes.key.name
                                             : wishes.certificate.name;
}

std::string who_wants_tls(const LibpqTls& said, const TlsWishes& wishes) {
  if (wishes.ssl) return *wishes.ssl ? wishes.ssl_name : "";
  if (has_material(wishes)) return material_name(wishes);
  const Said* const file = said.first_file();
  return file != nullptr && file->by > said.mode.by ? file->name() : "";
}

std::vector<std::string> tls_contradictions(const LibpqTls& said,
                                            const TlsWishes& wishes) {
  if (auto problem = sslmode_problem(said.mode)) return {*std::move(problem)};
  Errors errors;
  if (wishes.ssl == false) {
    find_what_demands_tls(said, wishes, errors);
    return errors;  // nothing to verify
  }
  if (wishes.reject_unauthorized == true && said.mode.value == "disable" &&
      said.mode.is_demand() && who_wants_tls(said, wishes).empty()) {
    errors.push_back(contradiction(wishes.reject_name, true,
                                   shown_mode(said.mode),
                                   "require, verify-ca or verify-full"));
  }
  find_root_without_use(said, wishes, errors);
  if (wishes.reject_unauthorized == false) {
    find_what_demands_verification(said, wishes, errors);
  }
  return errors;
}

}  // namespace dbpool::exporter
