#include "exporter/http/message.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <ctime>
#include <utility>

#include "exporter/base/ascii.h"

namespace dbpool::exporter {

namespace {

bool same_letter(char a, char b) {
  return in_lower_case(a) == in_lower_case(b);
}

// E.g. "Sun, 06 Nov 1994 08:49:37 GMT"; the program never sets a locale, so
// %a and %b are English.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(),
                                           "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), length};
}

[[maybe_unused]] bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
  });
}

void append_header(std::string& wire, std::string_view name,
                   std::string_view value) {
  assert(is_clean(name) && is_clean(value));
  wire.append(name).append(": ").append(value).append("\r\n");
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 4>
    kSecurityHeaders = {
        {{"X-Content-Type-Options", "nosniff"},
         {"X-Frame-Options", "DENY"},
         // The page's own style is all that anything here may load.
         {"Content-Security-Policy",
          "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'"},
         {"Referrer-Policy", "no-referrer"}}};

bool has(const std::vector<Header>& headers, std::string_view name) {
  return std::ranges::find(headers, name, &Header::name) != headers.end();
}

// The server's own, a response's own, and what overrides both.
void append_headers(std::string& wire, const std::vector<Header>& own,
                    const std::vector<Header>& overrides) {
  for (const auto& [name, value] : kSecurityHeaders) {
    if (has(own, name) || has(overrides, name)) continue;
    append_header(wire, name, value);
  }
  for (const Header& header : own) {
    if (has(overrides, header.name)) continue;
    append_header(wire, header.name, header.value);
  }
  for (const Header& header : overrides) {
    if (!header.value.empty()) append_header(wire, header.name, header.value);
  }
}

}  // namespace

bool is_same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, same_letter);
}

std::string_view Request::header(std::string_view name) const noexcept {
  for (const HeaderView& candidate : headers) {
    if (is_same_name(candidate.name, name)) return candidate.value;
  }
  return {};
}

std::optional<std::string_view> Request::parameter(
    std::string_view name) const noexcept {
  for (std::string_view rest = query; !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    return pair.substr(std::min(equals + 1, pair.size()));
  }
  return std::nullopt;
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Payload Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string to_wire(const Response& response, WireOptions options) {
  std::string wire;
  wire.reserve(512 + (options.omit_body ? 0 : response.body.size()));
  wire.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  wire.append(reason_phrase(response.status)).append("\r\n");
  append_header(wire, "Date", http_date());
  append_header(wire, "Content-Type", response.content_type);
  if (!response.stream) {
    append_header(wire, "Content-Length", std::to_string(response.body.size()));
  }
  append_header(wire, "Connection",
                options.keep_alive ? "keep-alive" : "close");
  append_header(wire, "Cache-Control", "no-store");
  static const std::vector<Header> kNone;
  append_headers(wire, response.headers,
                 options.overrides == nullptr ? kNone : *options.overrides);
  wire += "\r\n";
  if (!options.omit_body) wire += response.body;
  return wire;
}

}  // namespace dbpool::exporter
