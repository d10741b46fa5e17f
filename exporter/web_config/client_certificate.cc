#include "exporter/web_config/client_certificate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace dbpool::exporter {

namespace {

struct Policy {
  bool verifies = false;
  std::vector<std::string> allowed_sans;
};

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const noexcept {
    GENERAL_NAMES_free(names);
  }
};

// The context owns its policy, since connections may outlive all else of a
// configuration that was replaced.
void free_policy(void* /*parent*/, void* policy, CRYPTO_EX_DATA* /*data*/,
                 int /*index*/, long /*number*/, void* /*arg*/) {
  delete static_cast<Policy*>(policy);
}

int policy_index() {
  static const int kIndex =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_policy);
  return kIndex;
}

bool has_allowed_name(const X509* certificate, const Policy& policy) {
  const auto names = alternative_names(certificate);
  return std::ranges::any_of(names, [&](const std::string& name) {
    return std::ranges::find(policy.allowed_sans, name) !=
           policy.allowed_sans.end();
  });
}

// Called for each certificate that a client shows.
int judge(X509_STORE_CTX* store, void* argument) {
  const Policy& policy = *static_cast<const Policy*>(argument);
  if (policy.verifies) {
    const int verified = X509_verify_cert(store);
    if (verified <= 0) return verified;
  } else {
    X509_STORE_CTX_set_error(store, X509_V_OK);
  }
  if (policy.allowed_sans.empty()) return 1;
  try {
    if (has_allowed_name(X509_STORE_CTX_get0_cert(store), policy)) return 1;
  } catch (const std::exception&) {  // out of memory
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

std::string ip_text(const ASN1_OCTET_STRING* ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int length = ASN1_STRING_length(ip);
  if (length != 4 && length != 16) return "";
  const int family = length == 4 ? AF_INET : AF_INET6;
  if (inet_ntop(family, ASN1_STRING_get0_data(ip), text.data(), text.size()) ==
      nullptr) {
    return "";
  }
  return text.data();
}

std::string text_of(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
      return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.ia5)),
              static_cast<std::size_t>(ASN1_STRING_length(name.d.ia5))};
    case GEN_IPADD:
      return ip_text(name.d.iPAddress);
    default:
      return "";
  }
}

}  // namespace

int verify_mode(ClientAuth auth) noexcept {
  switch (auth) {
    case ClientAuth::kNone:
      return SSL_VERIFY_NONE;
    case ClientAuth::kRequest:
    case ClientAuth::kVerifyIfGiven:
      return SSL_VERIFY_PEER;
    case ClientAuth::kRequireAny:
    case ClientAuth::kRequireAndVerify:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

bool judge_client_certificates(SSL_CTX* context, ClientAuth auth,
                               std::vector<std::string> allowed_sans) {
  auto policy = std::make_unique<Policy>();
  policy->verifies = auth == ClientAuth::kVerifyIfGiven ||
                     auth == ClientAuth::kRequireAndVerify;
  policy->allowed_sans = std::move(allowed_sans);
  if (SSL_CTX_set_ex_data(context, policy_index(), policy.get()) != 1) {
    return false;
  }
  SSL_CTX_set_cert_verify_callback(context, &judge, policy.release());
  return true;
}

std::vector<std::string> alternative_names(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    std::string text = text_of(*sk_GENERAL_NAME_value(names.get(), i));
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace dbpool::exporter
