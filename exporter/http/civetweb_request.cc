#include "exporter/http/civetweb_request.h"

#include <cstddef>

namespace dbpool::exporter {

namespace {

// A body up to this size is read and thrown away, so that its connection can
// go on.
constexpr long long kMaxDiscardedBody = 8192;

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

Request request_of(const mg_request_info& info) {
  Request request{.method = view(info.request_method),
                  .path = view(info.local_uri_raw),
                  .query = view(info.query_string),
                  .remote = view(info.remote_addr)};
  request.headers.reserve(static_cast<std::size_t>(info.num_headers));
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.push_back(
        {view(info.http_headers[i].name), view(info.http_headers[i].value)});
  }
  return request;
}

bool wants_keep_alive(const mg_request_info& info, const Request& request) {
  const std::string_view connection = request.header("Connection");
  if (connection.empty()) return view(info.http_version) == "1.1";
  return connection == "keep-alive" || connection == "Keep-Alive";
}

bool has_small_body(const mg_request_info& info, const Request& request) {
  return request.header("Transfer-Encoding").empty() &&
         request.header("Expect").empty() &&
         info.content_length <= kMaxDiscardedBody;
}

std::string_view handshake_error(std::string_view message) {
  if (message.starts_with("SSL syscall error")) return "the client went away";
  if (!message.starts_with("sslize error: ")) return "";
  return message.substr(message.rfind(':') + 1);
}

}  // namespace dbpool::exporter
