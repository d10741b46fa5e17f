#include "pool/src/tls/tls_failure.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "pool/src/tls/pem.h"

namespace dbpool::detail {
namespace {

constexpr std::string_view kClientCure =
    "is DB_SSL_CERT (sslcert) valid now, and signed by a CA of the server's "
    "ssl_ca_file?";
constexpr std::string_view kGiveClientCure =
    "give a client certificate and its key: DB_SSL_CERT and DB_SSL_KEY "
    "(sslcert and sslkey)";
constexpr std::string_view kVersionCure =
    "compare ssl_min_protocol_version and ssl_max_protocol_version here "
    "(TLSv1.2 or newer by default) with those of the server";

bool has(std::string_view text, std::initializer_list<std::string_view> any) {
  return std::ranges::any_of(any, [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

bool is_unknown_ca(int error) {
  constexpr std::array kErrors = {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                                  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                                  X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                                  X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                                  X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
                                  X509_V_ERR_CERT_SIGNATURE_FAILURE,
                                  X509_V_ERR_CERT_UNTRUSTED};
  return std::ranges::find(kErrors, error) != kErrors.end();
}

// "the server's certificate", or which of its chain.
std::string which(const Distrust& distrust) {
  return distrust.depth == 0
             ? "the server's certificate"
             : "the CA certificate \"" + distrust.subject + "\"";
}

TlsExplanation explain(const Distrust& distrust) {
  if (is_unknown_ca(distrust.error)) {
    return {.cause =
                "the server's certificate is signed by an unknown CA "
                "(issuer \"" +
                distrust.issuer + "\")",
            .cure = "give that CA's certificate: DB_SSL_CA (sslrootcert)"};
  }
  switch (distrust.error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {
          .cause = which(distrust) + " expired on " + rfc3339(distrust.ends),
          .cure = "renew it on the server, or is the clock here wrong?"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {.cause = which(distrust) + " is not valid before " +
                       rfc3339(distrust.begins),
              .cure = "is the clock here wrong?"};
    case X509_V_ERR_CERT_REVOKED:
      return {.cause = which(distrust) + " is revoked",
              .cure = "renew it on the server"};
    default:
      return {.cause = which(distrust) + " is not trusted: " +
                       X509_verify_cert_error_string(distrust.error),
              .cure = "check the server's certificate and sslrootcert"};
  }
}

TlsExplanation explain_names(const HandshakeRecord& record,
                             std::string_view host) {
  std::string names;
  for (const std::string& name : record.server_names) {
    names += (names.empty() ? "" : ", ") + name;
  }
  if (names.empty()) names = "no name at all";
  return {.cause = "the server's certificate is not for the host name \"" +
                   std::string(host) + "\" but for " + names,
          .cure =
              "connect by a name that it has, or have it made for this "
              "one"};
}

// An alert that is about our certificate; empty: about something else.
std::string_view refusal_of_certificate(int alert) {
  switch (alert) {
    case SSL_AD_UNKNOWN_CA:
      return "its CA is unknown to the server";
    case SSL_AD_CERTIFICATE_EXPIRED:
      return "it has expired";
    case SSL_AD_CERTIFICATE_REVOKED:
      return "it is revoked";
    case SSL_AD_BAD_CERTIFICATE:
      return "it is bad, or not valid yet";
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_ACCESS_DENIED:
      return "it is not acceptable";
    default:
      return {};
  }
}

std::optional<TlsExplanation> explain_alert(const HandshakeRecord& record) {
  const int alert = *record.alert;
  if (alert == SSL_AD_PROTOCOL_VERSION) {
    return TlsExplanation{
        .cause = "the server speaks none of the TLS versions offered",
        .cure = std::string(kVersionCure)};
  }
  const bool without = record.certificate_requested && !record.certificate_sent;
  if (alert == TLS13_AD_CERTIFICATE_REQUIRED ||
      (alert == SSL_AD_HANDSHAKE_FAILURE && without)) {
    return TlsExplanation{.cause = "the server requires a client certificate",
                          .cure = std::string(kGiveClientCure)};
  }
  const std::string_view why = refusal_of_certificate(alert);
  if (why.empty() || !record.certificate_sent) return std::nullopt;
  return TlsExplanation{
      .cause = "the server refused the client certificate: " + std::string(why),
      .cure = std::string(kClientCure)};
}

}  // namespace

std::optional<TlsExplanation> explain_tls(const AttemptFacts& facts,
                                          std::string_view host, bool closed) {
  if (facts.handshake == nullptr || facts.wrong_session) return std::nullopt;
  const HandshakeRecord& record = *facts.handshake;
  const bool in_handshake = facts.phase == ConnectPhase::kTls;
  if (record.alert) {
    if (auto known = explain_alert(record)) return known;
  }
  if (in_handshake && record.distrust && !record.done) {
    return explain(*record.distrust);
  }
  // All that libpq does between the handshake and the next phase.
  if (in_handshake && record.done && !record.server_names.empty()) {
    return explain_names(record, host);
  }
  if (in_handshake &&
      has(facts.text, {"unsupported protocol", "wrong version number",
                       "no protocols available"})) {
    return TlsExplanation{.cause = "no TLS version in common with the server",
                          .cure = std::string(kVersionCure)};
  }
  if (in_handshake && !record.began && !closed &&
      has(facts.text, {"does not support SSL"})) {
    return TlsExplanation{
        .cause = "the server has no TLS, and TLS is demanded",
        .cure =
            "turn it on there (ssl = on), or off here: DB_SSL=false "
            "(sslmode=disable)"};
  }
  // In TLS 1.3 the server judges our certificate when we are through, and its
  // alert may be lost as it hangs up.
  if (facts.phase == ConnectPhase::kAuth && record.done &&
      record.certificate_sent && closed) {
    return TlsExplanation{
        .cause = "the server hung up on getting the client certificate",
        .cure = std::string(kClientCure)};
  }
  return std::nullopt;
}

bool refuses_certificate(std::string_view answer) {
  // With trust nothing but a certificate can fail.
  return has(answer, {"requires a valid client certificate",
                      "certificate authentication failed",
                      "\"trust\" authentication failed"});
}

std::string certificate_hint(const AttemptFacts& facts,
                             std::string_view sqlstate,
                             std::string_view answer) {
  if (has(answer, {"requires a valid client certificate"})) {
    return std::string(kGiveClientCure);
  }
  // The server gives no other words when the certificate is the cause; the
  // name of its function is not translated.
  const bool may_be_the_name =
      sqlstate == "28P01" ||
      (sqlstate == "28000" &&
       has(facts.text, {"auth_failed", "authentication failed"}));
  if (may_be_the_name && !facts.client_name.empty() &&
      facts.client_name != facts.user) {
    return "the client certificate is for \"" + std::string(facts.client_name) +
           "\" and the user is \"" + std::string(facts.user) +
           "\": with method cert or clientcert=verify-full in pg_hba.conf "
           "these must be one, or be mapped by pg_ident.conf";
  }
  if (refuses_certificate(answer)) {
    return "the common name of the client certificate must be the user, or be "
           "mapped to it by the server's pg_ident.conf";
  }
  if (sqlstate == "28000" && has(answer, {"no encryption", "SSL off"})) {
    return "does it admit TLS only? DB_SSL=true (sslmode=verify-full)";
  }
  return {};
}

}  // namespace dbpool::detail
