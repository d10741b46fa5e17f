// Passwords hashed with bcrypt, by libxcrypt.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_BCRYPT_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_BCRYPT_H_

#include <optional>
#include <string>
#include <string_view>

namespace dbpool::exporter {

// One step more doubles the time; at this one a login takes seconds.
inline constexpr int kMaxBcryptCost = 16;

// The cost of a hash such as "$2y$10$…"; nullopt when it is no bcrypt hash.
// Costs above kMaxBcryptCost are told, not refused.
std::optional<int> bcrypt_cost(std::string_view hash) noexcept;

// Takes about 2^cost times 60 µs, whether it matches or not. bcrypt sees only
// the first 72 bytes of a password.
// Thread-safety: any thread.
bool bcrypt_matches(const std::string& password, const std::string& hash);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_BCRYPT_H_
