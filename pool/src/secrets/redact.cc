// redact(): in doubt it hides too much. It works on any text, log lines with
// connection strings amid other words and malformed connection strings
// included, so it follows what a person may have meant, not a grammar.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dbpool/error.h"
#include "pool/src/secrets/scan.h"
#include "pool/src/secrets/sql_secret.h"
#include "pool/src/secrets/uri_secret.h"

namespace dbpool {
namespace {

using detail::is_blank;
using detail::is_word;
using detail::kBlanks;
using detail::kMask;
using detail::Span;

// The last letters of all names below, for a quick look.
constexpr std::string_view kLastLetters = "acdentvyACDENTVY";

template <std::size_t kCount>
bool ends_with_one_of(std::string_view name,
                      const std::array<std::string_view, kCount>& ends) {
  return std::ranges::any_of(
      ends, [name](std::string_view end) { return name.ends_with(end); });
}

bool names_a_secret(std::string_view keyword) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"password", "passwd", "passphrase", "sslkey", "ssl_key", "token",
       "secret", "api_key", "apikey", "secret_key", "access_key", "pwd"});
  return ends_with_one_of(detail::decoded_lower(keyword), kNames);
}

// pgcrypto's, and those that are called alike.
bool takes_a_secret(std::string_view function) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"crypt", "crypt_bytea", "crypt_iv", "hmac", "digest"});
  return ends_with_one_of(detail::decoded_lower(function), kNames);
}

// Reads `text` once from the left and writes the redacted copy.
class Redactor {
 public:
  explicit Redactor(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with("://")) {
        copy(3);
        hide(detail::password_in_authority(text_, at_, token_end(at_)));
      } else if (detail::is_encoded_authority(text_, at_)) {
        copy(detail::kEncodedSeparator);
        hide(detail::password_in_encoded_authority(text_, at_, token_end(at_)));
      } else if (const std::size_t end = key_end(); end > at_) {
        hide_until(end);
      } else if (const auto literal = sql_literal()) {
        hide(literal);
      } else if (text_[at_] == '=' && names_a_secret(word_before(at_))) {
        redact_value();
      } else {
        copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  void copy(std::size_t count) {
    for (const std::size_t end = at_ + count; at_ < end; ++at_) {
      track_quote(text_[at_]);
      out_ += text_[at_];
    }
  }

  void hide(const std::optional<Span>& secret) {
    if (!secret) return;
    copy(secret->begin - at_);
    hide_until(secret->end);
  }

  // A value never holds the quote that closes what it stands in, so the state
  // of quotes is afterwards what it was before.
  void hide_until(std::size_t end) {
    at_ = end;
    escaped_ = false;
    out_ += kMask;
  }

  // Within "…" (JSON, logfmt, a message that quotes) the closing quote ends
  // whatever is inside.
  void track_quote(char character) {
    if (character == '"' && !escaped_) in_quotes_ = !in_quotes_;
    escaped_ = character == '\\' && !escaped_;
  }

  // The end of the run of characters without blanks from `from`.
  std::size_t token_end(std::size_t from) const {
    std::size_t end =
        std::min(text_.find_first_of(kBlanks, from), text_.size());
    for (std::size_t i = from; in_quotes_ && i < end; ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '"') {
        end = i;
      }
    }
    return end;
  }

  // The keyword that ends before `end`, percent-encoded letters included.
  std::string_view word_before(std::size_t end) const {
    while (end > 0 && is_blank(text_[end - 1])) {
      --end;
    }
    std::size_t begin = end;
    while (begin > 0 &&
           (is_word(text_[begin - 1]) || text_[begin - 1] == '%')) {
      --begin;
    }
    return text_.substr(begin, end - begin);
  }

  // --- PEM -----------------------------------------------------------------
  static constexpr std::string_view kBegin = "-----BEGIN ";

  // Where the base64 ends that begins here. The lines after it may look like
  // more of it: what calls or begins another secret is not hidden along.
  std::size_t base64_end() const {
    constexpr std::string_view kBase64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"
        "\r\n";
    const std::size_t end = std::min({text_.find_first_not_of(kBase64, at_),
                                      text_.find(kBegin, at_), text_.size()});
    for (std::size_t i = at_; i < end; ++i) {
      if (text_[i] == '=' && names_a_secret(word_before(i))) return i;
    }
    return end;
  }

  // Where the private key that begins here ends, as PEM or as base64 of any
  // PEM; at_ if none does.
  std::size_t key_end() const {
    constexpr std::string_view kBase64OfPem = "LS0tLS1CRUdJTi";
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(kBase64OfPem)) return base64_end();
    constexpr std::string_view kEnd = "-----END ";
    constexpr std::size_t kLongestHeader = 60;
    if (!rest.starts_with(kBegin) ||
        rest.substr(0, kLongestHeader).find("PRIVATE KEY-----") ==
            std::string_view::npos) {
      return at_;
    }
    const std::size_t end = text_.find(kEnd, at_);
    if (end == std::string_view::npos) return text_.size();
    const std::size_t dashes = text_.find("-----", end + kEnd.size());
    return dashes == std::string_view::npos ? text_.size() : dashes + 5;
  }

  // --- PASSWORD 'literal' --------------------------------------------------
  std::optional<Span> sql_literal() const {
    if (text_[at_] == 'a') return detail::literal_at_mistake(text_, at_);
    if (at_ == 0 || is_word(text_[at_]) || text_[at_] == '%' ||
        !detail::is_one_of(text_[at_ - 1], kLastLetters)) {
      return std::nullopt;
    }
    const std::string_view word = word_before(at_);
    const Span span{at_ - word.size(), at_};
    if (names_a_secret(word)) {
      const auto literal = detail::literal_after(text_, span, in_quotes_);
      return literal ? literal : detail::bare_password(text_, span, in_quotes_);
    }
    if (!takes_a_secret(word)) return std::nullopt;
    return detail::secret_arguments(text_, at_, in_quotes_);
  }

  // --- keyword=value -------------------------------------------------------
  void redact_value() {
    const std::string_view keyword = word_before(at_);
    const std::size_t keyword_begin =
        static_cast<std::size_t>(keyword.data() - text_.data());
    const bool in_query =
        keyword_begin > 0 &&
        (text_[keyword_begin - 1] == '?' || text_[keyword_begin - 1] == '&');
    copy(1);
    if (!in_query) {
      copy_arrow();
      copy_blanks();
    }
    const std::size_t end = in_query ? query_value_end() : value_end();
    if (end > at_) hide_until(end);
  }

  // Of SQL's name => value.
  void copy_arrow() {
    constexpr std::string_view kAfter = " \t\r\n'*";
    if (at_ + 1 < text_.size() && text_[at_] == '>' &&
        kAfter.find(text_[at_ + 1]) != std::string_view::npos) {
      copy(1);
    }
  }

  void copy_blanks() {
    const std::size_t value =
        std::min(text_.find_first_not_of(kBlanks, at_), text_.size());
    copy(value - at_);
  }

  std::size_t query_value_end() const {
    return std::min(text_.find('&', at_), token_end(at_));
  }

  struct Character {
    char value;
    std::size_t length;  // in text_
  };

  // One character of a value; within "…" it may be written with a backslash.
  Character character(std::size_t i) const {
    if (in_quotes_ && text_[i] == '\\' && i + 1 < text_.size()) {
      return {.value = text_[i + 1], .length = 2};
    }
    return {.value = text_[i], .length = 1};
  }

  bool closes_quotes(std::size_t i) const {
    return in_quotes_ && text_[i] == '"';
  }

  // "***, " after an SQL literal that is hidden already.
  bool is_masked_already() const {
    if (!text_.substr(at_).starts_with(kMask)) return false;
    const std::size_t after =
        text_.find_first_not_of(";,)", at_ + kMask.size());
    return after == std::string_view::npos || is_blank(text_[after]) ||
           closes_quotes(after);
  }

  // Either quoted with ' or ", or up to a blank. A backslash takes the next
  // character along in both. Doubled quotes, as within an SQL literal, end
  // nowhere for sure.
  std::size_t value_end() const {
    if (at_ == text_.size() || closes_quotes(at_)) return at_;
    const Character first = character(at_);
    const bool quoted = first.value == '\'' || first.value == '"';
    if (const auto end = detail::marked_literal_end(text_, at_, in_quotes_)) {
      return *end;
    }
    if (is_masked_already()) return at_ + kMask.size();
    std::size_t i = at_ + (quoted ? first.length : 0);
    const std::size_t begin = i;
    // Of {"password": "p"} the blank is no end.
    bool to_the_end =
        first.value == '{' ||
        (first.value == '\'' && detail::is_doubled_quote(text_, i)) ||
        detail::is_placeholder(text_, at_);
    while (i < text_.size() && !closes_quotes(i)) {
      const Character next = character(i);
      if (!quoted && !to_the_end && is_blank(next.value)) return i;
      i += next.length;
      // crypt('p', …): what ends it is beyond telling.
      to_the_end = to_the_end || (!quoted && next.value == '(' &&
                                  text_.substr(i).starts_with('\''));
      if (to_the_end) continue;
      if (quoted && next.value == first.value) {
        to_the_end = first.value == '\'' &&
                     !detail::is_surely_closed(text_, begin, i - 1);
        if (to_the_end) continue;
        return i;
      }
      if (next.value == '\\' && i < text_.size() && !closes_quotes(i)) {
        i += character(i).length;
      }
    }
    return i;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  bool in_quotes_ = false;
  bool escaped_ = false;
  std::string out_;
};

}  // namespace

std::string redact(std::string_view text) { return Redactor(text).run(); }

}  // namespace dbpool
