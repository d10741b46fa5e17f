// What handlers see of HTTP: plain values, independent of the server.
#ifndef DBPOOL_EXPORTER_HTTP_MESSAGE_H_
#define DBPOOL_EXPORTER_HTTP_MESSAGE_H_

#include <functional>
#include <optional>
#include <stop_token>
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
  // The value of a parameter of the query, as sent; nullopt if it is not there.
  std::optional<std::string_view> parameter(
      std::string_view name) const noexcept;
};

struct Header {
  std::string name;
  std::string value;
};

inline constexpr std::string_view kPlainTextType = "text/plain; charset=utf-8";
inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

// Sends a piece of a body. False when the client is gone, or did not take it
// in time; then nothing more can be sent.
using SendPiece = std::function<bool(std::string_view)>;

// A body that goes on: sends pieces until one could not be sent, or it has
// said all, or soon after a stop is requested.
using Stream =
    std::function<void(const SendPiece& send, const std::stop_token& stop)>;

struct Response {
  int status = 200;
  std::string content_type{kPlainTextType};
  std::string body = {};
  // Besides those that every response gets, or in the place of a security
  // header. Neither names nor values may hold control characters.
  std::vector<Header> headers = {};
  // In place of `body`, on the server's thread; see ServerOptions. Destroyed
  // when it is over.
  Stream stream = {};
};

// Of headers and of what stands in them: the same but for the case of ASCII
// letters.
bool is_same_name(std::string_view a, std::string_view b) noexcept;

// "Not Found" for 404; "Unknown" for codes that this server never sends.
std::string_view reason_phrase(int status) noexcept;

// The whole response as bytes: status line, headers, and the body unless the
// request was a HEAD (Content-Length is that of the body all the same). Adds
// Date, the length, Connection and the security headers. Of a stream the head
// alone, without a length: it ends with the connection.
struct WireOptions {
  bool keep_alive = false;
  bool omit_body = false;
  // Stand in the place of the security headers, a response's own included; a
  // blank one takes its header away. May be null.
  const std::vector<Header>* overrides = nullptr;
};
std::string to_wire(const Response& response, WireOptions options);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_MESSAGE_H_
