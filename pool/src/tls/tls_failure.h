// Why TLS failed, in words that say what to do, from what its handshake met
// rather than from libpq's text, which may be translated and says too little.
//
// Thread-safety: pure functions over plain values.
#ifndef DBPOOL_POOL_SRC_TLS_TLS_FAILURE_H_
#define DBPOOL_POOL_SRC_TLS_TLS_FAILURE_H_

#include <optional>
#include <string>
#include <string_view>

#include "pool/src/opening/connect_failure.h"

namespace dbpool::detail {

struct TlsExplanation {
  std::string cause;
  std::string cure;
};

// Of an attempt that failed before the server said anything; `closed`: the
// other side hung up. nullopt: TLS is not known to be the cause.
std::optional<TlsExplanation> explain_tls(const AttemptFacts& facts,
                                          std::string_view host, bool closed);

// Do the server's words of refusal mean the client's certificate, and nothing
// else?
bool refuses_certificate(std::string_view answer);

// Of an attempt that the server refused with these words: what about
// certificates and TLS to check, which they do not tell; or empty.
std::string certificate_hint(const AttemptFacts& facts,
                             std::string_view sqlstate,
                             std::string_view answer);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TLS_TLS_FAILURE_H_
