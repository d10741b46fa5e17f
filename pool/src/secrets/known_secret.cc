#include "pool/src/secrets/known_secret.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "pool/src/secrets/scan.h"
#include "pool/src/secrets/uri_secret.h"

namespace dbpool::detail {
namespace {

// A '%' of the text may stand for itself or begin an encoded character.
enum class Percent : bool { kPlain, kEncoded };

// How many characters of `text` at `at` stand for `wanted`; 0: they do not.
std::size_t length_of(char wanted, std::string_view text, std::size_t at,
                      Percent percent) {
  if (at >= text.size()) return 0;
  const bool is_encoded = percent_decoded(text, at) == wanted;
  if (is_encoded && percent == Percent::kEncoded) return 3;
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
  const bool may_be_escaped = is_one_of(wanted, "'\"\\");
  if (may_be_escaped && next == wanted &&
      (text[at] == wanted || text[at] == '\\')) {
    return 2;
  }
  if (text[at] == wanted) return 1;
  return is_encoded ? 3 : 0;
}

std::size_t end_of(std::string_view secret, std::string_view text,
                   std::size_t at, Percent percent) {
  std::size_t i = at;
  for (const char wanted : secret) {
    const std::size_t length = length_of(wanted, text, i, percent);
    if (length == 0) return at;
    i += length;
  }
  return i;
}

// Past the `secret` that stands at `at`; `at` if none does.
std::size_t end_of(std::string_view secret, std::string_view text,
                   std::size_t at) {
  if (text.substr(at).starts_with(secret)) return at + secret.size();
  const std::size_t end = end_of(secret, text, at, Percent::kPlain);
  return end > at ? end : end_of(secret, text, at, Percent::kEncoded);
}

bool is_in_quotes(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::string_view kQuotes = "\"'`";
  return begin > 0 && end < text.size() && text[begin - 1] == text[end] &&
         is_one_of(text[end], kQuotes);
}

std::string_view or_empty(const char* text) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

bool is_a_name_of(PGconn* connection, std::string_view text) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{PQuser(connection), PQdb(connection),
                                         PQhost(connection)},
      [text](const char* name) { return name != nullptr && text == name; });
}

}  // namespace

void hide_secret(std::string& text, std::string_view secret) {
  if (secret.empty()) return;
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of(secret, text, at);
    if (end == at ||
        (secret.size() < kMinBareSecret && !is_in_quotes(text, at, end))) {
      ++at;
      continue;
    }
    result.append(text, copied, at - copied).append(kMask);
    copied = at = end;
  }
  if (copied == 0) return;
  text = result.append(text, copied);
}

void hide_secrets(std::string& text,
                  std::initializer_list<std::string_view> secrets,
                  const std::function<bool(std::string_view)>& is_a_name) {
  for (const std::string_view secret : secrets) {
    std::string hidden = text;
    hide_secret(hidden, secret);
    if (hidden != text && !is_a_name(secret)) text = std::move(hidden);
  }
}

std::string hide_secrets_of(PGconn* connection, std::string_view text) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfo(connection), &PQconninfoFree);
  const char* ssl_password = nullptr;
  const PQconninfoOption* option = options.get();
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    const std::string_view keyword = option->keyword;
    if (keyword == "sslpassword") ssl_password = option->val;
  }
  std::string result(text);
  hide_secrets(result, {or_empty(PQpass(connection)), or_empty(ssl_password)},
               [connection](std::string_view secret) {
                 return is_a_name_of(connection, secret);
               });
  return result;
}

}  // namespace dbpool::detail
