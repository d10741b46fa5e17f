// Login: HTTP's basic authentication against bcrypt hashes.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_LOGIN_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_LOGIN_H_

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/web_config/hash_turns.h"
#include "exporter/web_config/web_config.h"

namespace dbpool::exporter {

enum class LoginResult : std::uint8_t {
  kGranted,
  kNone,     // no credentials
  kGarbage,  // credentials that cannot be read
  kWrong,    // a user that is not there, or a wrong password
  kBusy,     // too many are hashed now
};

// Overwrites itself at destruction.
struct Credentials {
  std::string user;
  std::string password;

  Credentials() = default;
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
};

// Of a header such as "Basic dXNlcjpwYXNz"; false when it is none.
bool read_credentials(std::string_view authorization, Credentials& out);

// A good login is hashed once and remembered, by a keyed hash that cannot be
// turned back: the next are answered without hashing, however many others
// guess. At most kRemembered are; the one used longest ago gives way. A user
// that is not there costs what the most expensive one costs.
//
// Thread-safety: any thread.
class Login {
 public:
  static constexpr std::size_t kRemembered = 256;

  explicit Login(const HashTurnsOptions& turns = HashTurns::for_this_machine());

  // `client` is an address. Blocks while it hashes or waits for its turn.
  LoginResult check(std::string_view authorization, std::string_view client,
                    const WebUsers& users);

  // For tests: passwords that were hashed so far.
  std::uint64_t hashed() const;

 private:
  using Key = std::array<unsigned char, 32>;

  Key key_of(const Credentials& credentials, std::string_view hash) const;
  bool remembers(const Key& key);
  void remember(const Key& key);

  // Constant after construction.
  Key secret_{};

  HashTurns turns_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<Key, std::uint64_t> good_;  // → when it was used last
  std::uint64_t uses_ = 0;
  std::uint64_t hashed_ = 0;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_LOGIN_H_
