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
#include "pool/src/sql_secret.h"

namespace dbpool {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::string_view kBlanks = " \t\r\n\v\f";

// What a query of a connection URI may begin with. Only these make a '?'
// begin a query, since a '?' may also stand unencoded in a password.
constexpr std::array kKeywords = {
    std::string_view("application_name"),
    std::string_view("channel_binding"),
    std::string_view("client_encoding"),
    std::string_view("connect_timeout"),
    std::string_view("dbname"),
    std::string_view("fallback_application_name"),
    std::string_view("gssdelegation"),
    std::string_view("gssencmode"),
    std::string_view("gsslib"),
    std::string_view("host"),
    std::string_view("hostaddr"),
    std::string_view("keepalives"),
    std::string_view("keepalives_count"),
    std::string_view("keepalives_idle"),
    std::string_view("keepalives_interval"),
    std::string_view("krbsrvname"),
    std::string_view("load_balance_hosts"),
    std::string_view("options"),
    std::string_view("passfile"),
    std::string_view("password"),
    std::string_view("port"),
    std::string_view("replication"),
    std::string_view("require_auth"),
    std::string_view("requirepeer"),
    std::string_view("requiressl"),
    std::string_view("service"),
    std::string_view("ssl"),
    std::string_view("ssl_max_protocol_version"),
    std::string_view("ssl_min_protocol_version"),
    std::string_view("sslcert"),
    std::string_view("sslcertmode"),
    std::string_view("sslcompression"),
    std::string_view("sslcrl"),
    std::string_view("sslcrldir"),
    std::string_view("sslkey"),
    std::string_view("sslmode"),
    std::string_view("sslnegotiation"),
    std::string_view("sslpassword"),
    std::string_view("sslrootcert"),
    std::string_view("sslsni"),
    std::string_view("target_session_attrs"),
    std::string_view("tcp_user_timeout"),
    std::string_view("user"),
};

char to_lower(char character) noexcept {
  return character >= 'A' && character <= 'Z'
             ? static_cast<char>(character - 'A' + 'a')
             : character;
}

std::optional<unsigned> hex_digit(char character) noexcept {
  const char lower = to_lower(character);
  if (lower >= '0' && lower <= '9') return static_cast<unsigned>(lower - '0');
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<unsigned>(lower - 'a') + 10;
  }
  return std::nullopt;
}

bool is_blank(char character) noexcept {
  return kBlanks.find(character) != std::string_view::npos;
}

bool is_word(char character) noexcept {
  const char lower = to_lower(character);
  return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
         lower == '_';
}

// In lower case and with %XX decoded: libpq decodes keywords too.
std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (high && low) {
        decoded += to_lower(static_cast<char>(*high * 16 + *low));
        i += 2;
        continue;
      }
    }
    decoded += to_lower(text[i]);
  }
  return decoded;
}

bool names_a_secret(std::string_view keyword) {
  const std::string name = decode(keyword);
  return name.ends_with("password") || name.ends_with("passwd") ||
         name.ends_with("passphrase") || name.ends_with("sslkey") ||
         name.ends_with("ssl_key");
}

// Reads `text` once from the left and writes the redacted copy.
class Redactor {
 public:
  explicit Redactor(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with("://")) {
        copy(3);
        redact_authority();
      } else if (decodes_to_authority()) {
        redact_encoded_authority();
      } else if (const std::size_t end = key_end(); end > at_) {
        hide_until(end);
      } else if (const auto literal = sql_literal()) {
        copy(literal->begin - at_);
        hide_until(literal->end);
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

  // --- scheme://user:password@host:port/database?query ---------------------
  void redact_authority() {
    const std::size_t end = token_end(at_);
    const std::size_t colon = find_password_colon(end);
    if (colon == std::string_view::npos) return;
    const std::size_t from = colon + 1;
    const std::size_t query = find_query(from, end);
    std::size_t secret_end = text_.substr(0, query).rfind('@');
    if (secret_end == std::string_view::npos || secret_end < from) {
      if (!is_postgres_scheme() || is_port(from, end)) return;
      secret_end = late_at_sign(end);
    }
    copy(from - at_);
    hide_until(secret_end);
  }

  // No '@' yet and no port: a password with a blank in it, or a text that was
  // cut off before its '@'.
  std::size_t late_at_sign(std::size_t end) const {
    const std::string_view line = text_.substr(0, text_.find('\n', at_));
    const std::size_t found = line.find('@', end);
    return found == std::string_view::npos ? end : found;
  }

  // The ':' between user and password, or between host and port.
  std::size_t find_password_colon(std::size_t end) const {
    std::size_t from = at_;
    if (from < end && text_[from] == '[') {
      from = std::min(text_.find(']', from), end);
    }
    const std::size_t found = text_.substr(0, end).find_first_of(":/?#@", from);
    return found != std::string_view::npos && text_[found] == ':'
               ? found
               : std::string_view::npos;
  }

  std::size_t find_query(std::size_t from, std::size_t end) const {
    for (std::size_t mark = text_.find('?', from); mark < end;
         mark = text_.find('?', mark + 1)) {
      const std::size_t equals = text_.find('=', mark);
      if (equals >= end) break;
      const std::string keyword =
          decode(text_.substr(mark + 1, equals - mark - 1));
      if (std::ranges::find(kKeywords, keyword) != kKeywords.end()) {
        return mark;
      }
    }
    return end;
  }

  bool is_postgres_scheme() const {
    const std::string_view before = text_.substr(0, at_ - 3);
    return before.ends_with("postgresql") || before.ends_with("postgres");
  }

  bool is_port(std::size_t from, std::size_t end) const {
    std::size_t stop = from;
    while (stop < end && text_[stop] >= '0' && text_[stop] <= '9') ++stop;
    const std::string_view after(",/?#\"'`)>;.]:\\");
    return stop - from <= 5 &&
           (stop == end || after.find(text_[stop]) != std::string_view::npos);
  }

  // --- postgresql%3A%2F%2Fuser%3Apassword%40host: a URI within another -----
  bool decodes_to_authority() const {
    constexpr std::size_t kLength = 9;  // of "%3A%2F%2F"
    return text_[at_] == '%' && decode(text_.substr(at_, kLength)) == "://";
  }

  // All but the user: there is no telling what was encoded twice.
  void redact_encoded_authority() {
    copy(9);
    const std::size_t end = token_end(at_);
    const std::size_t at_sign = last_of("%40", '@', end);
    if (at_sign == std::string_view::npos) return;
    std::size_t colon = at_;
    while (colon < at_sign && text_[colon] != ':' && !is_encoded(colon, ':')) {
      ++colon;
    }
    if (colon == at_sign) return;
    copy(colon + (text_[colon] == ':' ? 1 : 3) - at_);
    hide_until(at_sign);
  }

  bool is_encoded(std::size_t i, char character) const {
    return text_[i] == '%' &&
           decode(text_.substr(i, 3)) == std::string(1, character);
  }

  std::size_t last_of(std::string_view encoded, char plain,
                      std::size_t end) const {
    const std::string_view within = text_.substr(0, end);
    const std::size_t one = within.rfind(encoded);
    const std::size_t other = within.rfind(plain);
    const auto from_here = [this](std::size_t found) {
      return found != std::string_view::npos && found >= at_;
    };
    if (!from_here(one)) return from_here(other) ? other : std::string::npos;
    return from_here(other) ? std::max(one, other) : one;
  }

  // --- PEM -----------------------------------------------------------------
  // Where the private key that begins here ends, as PEM or as base64 of any
  // PEM; at_ if none does.
  std::size_t key_end() const {
    constexpr std::string_view kBase64OfPem = "LS0tLS1CRUdJTi";
    constexpr std::string_view kBase64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"
        "\r\n";
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(kBase64OfPem)) {
      return std::min(text_.find_first_not_of(kBase64, at_), text_.size());
    }
    constexpr std::string_view kBegin = "-----BEGIN ";
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
  std::optional<detail::Span> sql_literal() const {
    if (text_[at_] == 'a') return detail::literal_at_mistake(text_, at_);
    constexpr std::string_view kLastLetters = "dDeEyY";  // of names_a_secret()
    if (at_ == 0 || is_word(text_[at_]) || text_[at_] == '%' ||
        kLastLetters.find(text_[at_ - 1]) == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view word = word_before(at_);
    if (!names_a_secret(word)) return std::nullopt;
    return detail::literal_after(text_, {at_ - word.size(), at_}, in_quotes_);
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
    bool to_the_end =
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
