#include "exporter/web_config/login.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "exporter/base/ascii.h"
#include "exporter/web_config/bcrypt.h"

namespace dbpool::exporter {

namespace {

// Far above what any client sends, far below the limit of a request.
constexpr std::size_t kLongestCredentials = 4096;

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

bool is_basic(std::string_view scheme) {
  constexpr std::string_view kBasic = "basic ";
  return scheme.size() >= kBasic.size() &&
         std::equal(kBasic.begin(), kBasic.end(), scheme.begin(),
                    [](char a, char b) { return a == in_lower_case(b); });
}

std::string decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return "";
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (length < 0 || std::cmp_not_equal(length, bytes.size())) return "";
  const auto padding = static_cast<std::size_t>(text.ends_with("==")  ? 2
                                                : text.ends_with("=") ? 1
                                                                      : 0);
  bytes.resize(bytes.size() - padding);
  return bytes;
}

// The hash to check against when the user is not there.
const std::string& stand_in(const WebUsers& users) {
  return std::max_element(users.begin(), users.end(),
                          [](const auto& a, const auto& b) {
                            return bcrypt_cost(a.second) <
                                   bcrypt_cost(b.second);
                          })
      ->second;
}

void append_sized(std::string& message, std::string_view part) {
  message += std::to_string(part.size());
  message += ':';
  message += part;
}

}  // namespace

Credentials::~Credentials() {
  wipe(user);
  wipe(password);
}

bool read_credentials(std::string_view authorization, Credentials& out) {
  if (!is_basic(authorization) || authorization.size() > kLongestCredentials) {
    return false;
  }
  authorization.remove_prefix(authorization.find(' ') + 1);
  std::string both = decode_base64(authorization);
  const std::size_t colon = both.find(':');
  if (colon == std::string::npos) return false;
  out.user.assign(both, 0, colon);
  out.password.assign(both, colon + 1);
  wipe(both);
  return true;
}

Login::Login(const HashTurnsOptions& turns) : turns_(turns) {
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random numbers");
  }
}

LoginResult Login::check(std::string_view authorization,
                         std::string_view client, const WebUsers& users) {
  if (authorization.empty()) return LoginResult::kNone;
  Credentials given;
  if (!read_credentials(authorization, given)) return LoginResult::kGarbage;
  const auto user = users.find(given.user);
  const bool is_known = user != users.end();
  const std::string& hash = is_known ? user->second : stand_in(users);
  const Key key = key_of(given, hash);
  if (is_known && remembers(key)) return LoginResult::kGranted;
  bool matches = false;
  const bool had_its_turn = turns_.run(
      client, [&] { matches = bcrypt_matches(given.password, hash); });
  if (!had_its_turn) return LoginResult::kBusy;
  {
    const std::lock_guard lock(mutex_);
    ++hashed_;
  }
  if (!matches || !is_known) return LoginResult::kWrong;
  remember(key);
  return LoginResult::kGranted;
}

std::uint64_t Login::hashed() const {
  const std::lock_guard lock(mutex_);
  return hashed_;
}

// The hash is in it, so that a changed password is asked for anew.
Login::Key Login::key_of(const Credentials& credentials,
                         std::string_view hash) const {
  std::string message;
  append_sized(message, credentials.user);
  append_sized(message, hash);
  append_sized(message, credentials.password);
  Key key{};
  unsigned length = 0;
  const auto* done =
      HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
           reinterpret_cast<const unsigned char*>(message.data()),
           message.size(), key.data(), &length);
  wipe(message);
  if (done == nullptr || length != key.size()) {
    throw std::runtime_error("OpenSSL has no HMAC");
  }
  return key;
}

bool Login::remembers(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = good_.find(key);
  if (found == good_.end()) return false;
  found->second = ++uses_;
  return true;
}

void Login::remember(const Key& key) {
  const std::lock_guard lock(mutex_);
  if (good_.size() == kRemembered && good_.find(key) == good_.end()) {
    good_.erase(std::min_element(
        good_.begin(), good_.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  good_[key] = ++uses_;
}

}  // namespace dbpool::exporter
