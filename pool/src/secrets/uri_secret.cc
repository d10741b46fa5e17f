#include "pool/src/secrets/uri_secret.h"

#include <algorithm>
#include <array>

namespace dbpool::detail {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

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

std::optional<unsigned> hex_digit(char character) noexcept {
  const char lower = to_lower(character);
  if (lower >= '0' && lower <= '9') return static_cast<unsigned>(lower - '0');
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<unsigned>(lower - 'a') + 10;
  }
  return std::nullopt;
}

// The ':' between user and password, or between host and port.
std::size_t find_password_colon(std::string_view text, std::size_t at,
                                std::size_t end) {
  std::size_t from = at;
  if (from < end && text[from] == '[') {
    from = std::min(text.find(']', from), end);
  }
  const std::string_view within = text.substr(0, end);
  // Before an @ that no / precedes libpq takes all for user and password.
  const std::size_t user_end = within.find_first_of("@/", from);
  const bool has_user = user_end != kNone && text[user_end] == '@';
  const std::size_t found =
      within.find_first_of(has_user ? ":@" : ":/?#@", from);
  return found != kNone && text[found] == ':' ? found : kNone;
}

std::size_t find_query(std::string_view text, std::size_t from,
                       std::size_t end) {
  for (std::size_t mark = text.find('?', from); mark < end;
       mark = text.find('?', mark + 1)) {
    const std::size_t equals = text.find('=', mark);
    if (equals >= end) break;
    const std::string keyword =
        decoded_lower(text.substr(mark + 1, equals - mark - 1));
    if (std::ranges::find(kKeywords, keyword) != kKeywords.end()) return mark;
  }
  return end;
}

bool is_postgres_scheme(std::string_view before) {
  return before.ends_with("postgresql://") || before.ends_with("postgres://");
}

bool is_port(std::string_view text, std::size_t from, std::size_t end) {
  std::size_t stop = from;
  while (stop < end && text[stop] >= '0' && text[stop] <= '9') ++stop;
  return stop - from <= 5 &&
         (stop == end || is_one_of(text[stop], ",/?#\"'`)>;.]:\\"));
}

// No '@' yet and no port: a password with a blank in it, or a text that was
// cut off before its '@'.
std::size_t late_at_sign(std::string_view text, std::size_t at,
                         std::size_t end) {
  const std::string_view line = text.substr(0, text.find('\n', at));
  const std::size_t found = line.find('@', end);
  return found == kNone ? end : found;
}

bool is_encoded(std::string_view text, std::size_t i, char character) {
  return text[i] == '%' &&
         decoded_lower(text.substr(i, 3)) == std::string(1, character);
}

// The last '@' of [at, end), encoded or not.
std::size_t last_at_sign(std::string_view text, std::size_t at,
                         std::size_t end) {
  const std::string_view within = text.substr(at, end - at);
  const std::size_t one = within.rfind("%40");
  const std::size_t other = within.rfind('@');
  if (one == kNone && other == kNone) return kNone;
  if (one == kNone || other == kNone) return at + std::min(one, other);
  return at + std::max(one, other);
}

}  // namespace

std::optional<char> percent_decoded(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size() || text[at] != '%') return std::nullopt;
  const auto high = hex_digit(text[at + 1]);
  const auto low = hex_digit(text[at + 2]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

std::string decoded_lower(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = percent_decoded(text, i);
    decoded += to_lower(byte.value_or(text[i]));
    if (byte) i += 2;
  }
  return decoded;
}

std::optional<Span> password_in_authority(std::string_view text, std::size_t at,
                                          std::size_t end) {
  const std::size_t colon = find_password_colon(text, at, end);
  if (colon == kNone) return std::nullopt;
  const std::size_t from = colon + 1;
  const std::size_t query = find_query(text, from, end);
  std::size_t secret_end = text.substr(0, query).rfind('@');
  if (secret_end == kNone || secret_end < from) {
    if (!is_postgres_scheme(text.substr(0, at)) || is_port(text, from, end)) {
      return std::nullopt;
    }
    secret_end = late_at_sign(text, at, end);
  }
  return Span{from, secret_end};
}

bool is_encoded_authority(std::string_view text, std::size_t at) {
  return text[at] == '%' &&
         decoded_lower(text.substr(at, kEncodedSeparator)) == "://";
}

std::optional<Span> password_in_encoded_authority(std::string_view text,
                                                  std::size_t at,
                                                  std::size_t end) {
  const std::size_t at_sign = last_at_sign(text, at, end);
  if (at_sign == kNone) return std::nullopt;
  std::size_t colon = at;
  while (colon < at_sign && text[colon] != ':' &&
         !is_encoded(text, colon, ':')) {
    ++colon;
  }
  if (colon == at_sign) return std::nullopt;
  return Span{colon + (text[colon] == ':' ? 1U : 3U), at_sign};
}

}  // namespace dbpool::detail
