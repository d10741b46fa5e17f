#ifndef DBPOOL_EXPORTER_WEB_CONFIG_CLIENT_CERTIFICATE_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_CLIENT_CERTIFICATE_H_

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "exporter/web_config/web_config.h"

namespace dbpool::exporter {

// What SSL_set_verify() takes.
int verify_mode(ClientAuth auth) noexcept;

// Makes connections of `context` judge a client's certificate as `auth` and
// the allowed names say. Without OpenSSL's memory it fails: false.
bool judge_client_certificates(SSL_CTX* context, ClientAuth auth,
                               std::vector<std::string> allowed_sans);

// The alternative names of a certificate as texts: DNS, e-mail, URI, and IP
// addresses as inet_ntop() writes them.
std::vector<std::string> alternative_names(const X509* certificate);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_CLIENT_CERTIFICATE_H_
