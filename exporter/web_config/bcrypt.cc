#include "exporter/web_config/bcrypt.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "exporter/base/ascii.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kHashLength = 60;
constexpr std::size_t kSettingLength = 7;  // "$2y$10$"

bool is_base64(char c) { return is_letter_or_digit(c) || c == '.' || c == '/'; }

// What crypt_r() leaves behind is derived from the password.
struct Wipe {
  void operator()(crypt_data* data) const noexcept {
    OPENSSL_cleanse(data, sizeof(*data));
    delete data;
  }
};

}  // namespace

std::optional<int> bcrypt_cost(std::string_view hash) noexcept {
  if (hash.size() != kHashLength || !hash.starts_with("$2") ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos ||
      hash[3] != '$' || !is_digit(hash[4]) || !is_digit(hash[5]) ||
      hash[6] != '$' ||
      !std::all_of(hash.begin() + kSettingLength, hash.end(), is_base64)) {
    return std::nullopt;
  }
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  if (cost < 4 || cost > 31) return std::nullopt;
  return cost;
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const std::unique_ptr<crypt_data, Wipe> data(new crypt_data{});
  const char* result = crypt_r(password.c_str(), hash.c_str(), data.get());
  // It would compare only what stands before a NUL.
  const bool is_whole = password.find('\0') == std::string::npos;
  return result != nullptr && std::strlen(result) == hash.size() &&
         CRYPTO_memcmp(result, hash.data(), hash.size()) == 0 && is_whole;
}

}  // namespace dbpool::exporter
