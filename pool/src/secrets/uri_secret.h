// Passwords that stand in URIs: scheme://user:password@host:port/db?query.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_SECRETS_URI_SECRET_H_
#define DBPOOL_POOL_SRC_SECRETS_URI_SECRET_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pool/src/secrets/scan.h"

namespace dbpool::detail {

// The password of the authority that begins at `at`, past the "://" of a URI
// that ends at `end`; nothing if it has none. Its end may be past `end`: of a
// password with a blank in it.
std::optional<Span> password_in_authority(std::string_view text, std::size_t at,
                                          std::size_t end);

// Does "%3A%2F%2F" stand at `at`, as of a URI within another?
bool is_encoded_authority(std::string_view text, std::size_t at);
inline constexpr std::size_t kEncodedSeparator = 9;  // its length

// As above, past that separator. All but the user: there is no telling what
// was encoded twice.
std::optional<Span> password_in_encoded_authority(std::string_view text,
                                                  std::size_t at,
                                                  std::size_t end);

// The byte that "%XX" at `at` stands for; nothing if none is there.
std::optional<char> percent_decoded(std::string_view text, std::size_t at);

// In lower case and with %XX decoded: libpq decodes keywords too.
std::string decoded_lower(std::string_view text);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SECRETS_URI_SECRET_H_
