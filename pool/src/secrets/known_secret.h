// Secrets that are known, hidden wherever they stand: a server may quote the
// password bare. redact() finds those that are called by their names.
//
// Thread-safety: pure functions; a PGconn is its owner's.
#ifndef DBPOOL_POOL_SRC_SECRETS_KNOWN_SECRET_H_
#define DBPOOL_POOL_SRC_SECRETS_KNOWN_SECRET_H_

#include <libpq-fe.h>

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dbpool::detail {

// A shorter one is hidden only where it stands alone in quotes: it would be
// found amid ordinary words.
inline constexpr std::size_t kMinBareSecret = 4;

// Replaces each `secret` in `text`: as it is, percent-encoded wholly or in
// part, or with its quotes and backslashes doubled or escaped.
void hide_secret(std::string& text, std::string_view secret);

// Each of `secrets` so, but one that is also the name of the user, database or
// host: these are shown anyway, and a mask would tell that it is the password.
// `is_a_name` is asked of those only that stand in `text`.
void hide_secrets(std::string& text,
                  std::initializer_list<std::string_view> secrets,
                  const std::function<bool(std::string_view)>& is_a_name);

// `text` without the password in use (of whatever source, .pgpass included)
// and without sslpassword, as hide_secrets() does. libpq holds both as long as
// the connection lives; no copy is kept.
std::string hide_secrets_of(PGconn* connection, std::string_view text);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SECRETS_KNOWN_SECRET_H_
