// What handlers see of HTTP: plain values, independent of the server.
#ifndef DBPOOL_EXPORTER_HTTP_MESSAGE_H_
#define DBPOOL_EXPORTER_HTTP_MESSAGE_H_

#include <string>
#include <string_view>
#include <vector>

namespace dbpool::exporter {

// Views that live until the handler returns.
struct HeaderView {
  std::string_view name;
  std::string_view value;
};

struct Request {
  std::string_view method;
  std::string_view path;   // as sent: not decoded, without the query
  std::string_view query;  // as sent, without '?'
  std::vector<HeaderView> headers = {};
  std::string_view remote = {};  // the address of the client

  // The first value of a header, by name in any case; empty when absent.
  std::string_view header(std::string_view name) const noexcept;
};

struct Header {
  std::string name;
  std::string value;
};

inline constexpr std::string_view kPlainTextType = "text/plain; charset=utf-8";
inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

struct Response {
  int status = 200;
  std::string content_type{kPlainTextType};
  std::string body = {};
  // Besides those that every response gets. Neither names nor values may
  // hold control characters.
  std::vector<Header> headers = {};
};

// "Not Found" for 404; "Unknown" for codes that this server never sends.
std::string_view reason_phrase(int status) noexcept;

// The whole response as bytes: status line, headers, and the body unless the
// request was a HEAD (Content-Length is that of the body all the same). Adds
// Date, the length, Connection and the security headers.
struct WireOptions {
  bool keep_alive = false;
  bool omit_body = false;
  // Stand in the place of the server's own headers; a blank one takes its
  // header away. May be null.
  const std::vector<Header>* overrides = nullptr;
};
std::string to_wire(const Response& response, WireOptions options);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_MESSAGE_H_
