#include "exporter/http/civetweb_request.h"

#include <algorithm>
#include <cstddef>

namespace dbpool::exporter {

namespace {

// A body up to this size is read and thrown away, so that its connection can
// go on.
constexpr long long kMaxDiscardedBody = 8192;

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

bool is_http_1(const mg_request_info& info) {
  const std::string_view version = view(info.http_version);
  return version == "1.0" || version == "1.1";
}

void take_target(std::string_view target, Request& request) {
  const std::size_t scheme = target.find("://");
  if (!target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t slash = target.find('/', scheme + 3);
    target.remove_prefix(std::min(slash, target.size()));
  }
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? std::string_view()
                                                 : target.substr(mark + 1);
}

}  // namespace

Request request_of(const mg_request_info& info) {
  Request request{.method = view(info.request_method),
                  .path = view(info.local_uri_raw),
                  .query = view(info.query_string),
                  .remote = view(info.remote_addr)};
  // Without local_uri the other two are an earlier request's.
  if (info.local_uri == nullptr) take_target(view(info.request_uri), request);
  request.headers.reserve(static_cast<std::size_t>(info.num_headers));
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.push_back(
        {view(info.http_headers[i].name), view(info.http_headers[i].value)});
  }
  return request;
}

bool is_unknown_method(const mg_request_info& info, int status,
                       std::string_view message) {
  if (status != 400 || !is_http_1(info)) return false;
  if (view(info.request_method) == "CONNECT") return message == "Invalid URI";
  // Its words for what is wrong with a header too, which is read later.
  return message == "Bad request" && info.num_headers == 0;
}

bool is_passed_over(const mg_request_info& info) {
  return info.local_uri == nullptr && info.request_uri != nullptr &&
         is_http_1(info);
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
  if (message.starts_with("SSL syscall error")) return "the connection ended";
  if (!message.starts_with("sslize error: ")) return "";
  return message.substr(message.rfind(':') + 1);
}

}  // namespace dbpool::exporter
