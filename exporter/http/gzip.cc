#include "exporter/http/gzip.h"

#include <zlib.h>

#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "exporter/settings/parsers.h"

namespace dbpool::exporter {

namespace {

// Of deflateInit2(): the largest window, and a gzip header round the data.
constexpr int kWindowBits = 15 + 16;
constexpr int kMemoryLevel = 8;  // zlib's default

// "q=0", "q=0.000"; anything else is a weight that is not none.
bool is_refusal(std::string_view parameter) {
  if (parameter.size() < 3 || !is_same_name(parameter.substr(0, 2), "q=")) {
    return false;
  }
  return parameter.find_first_not_of("0.", 2) == std::string_view::npos;
}

struct Coding {
  std::string_view name;
  bool is_refused = false;
};

Coding coding_of(std::string_view element) {
  const auto semicolon = element.find(';');
  Coding coding{trim(element.substr(0, semicolon))};
  if (semicolon != std::string_view::npos) {
    coding.is_refused = is_refusal(trim(element.substr(semicolon + 1)));
  }
  return coding;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) noexcept {
  std::optional<bool> any;
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    const Coding coding = coding_of(accept_encoding.substr(0, comma));
    if (is_same_name(coding.name, "gzip")) return !coding.is_refused;
    if (coding.name == "*") any = !coding.is_refused;
    if (comma == std::string_view::npos) break;
    accept_encoding.remove_prefix(comma + 1);
  }
  return any.value_or(false);
}

std::string gzipped(std::string_view text) {
  z_stream stream{};
  if (text.size() > std::numeric_limits<uInt>::max() ||
      deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string result;
  try {
    result.resize(deflateBound(&stream, text.size()));
  } catch (...) {
    deflateEnd(&stream);
    throw;
  }
  // zlib reads it only.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int ended = deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) throw std::bad_alloc();
  return result;
}

Route in_gzip(Route route) {
  route.handler = [plain = std::move(route.handler)](const Request& request) {
    Response response = plain(request);
    if (response.stream) return response;
    response.headers.push_back({"Vary", "Accept-Encoding"});
    if (response.status != 200 ||
        !accepts_gzip(request.header("Accept-Encoding"))) {
      return response;
    }
    response.body = gzipped(response.body);
    response.headers.push_back({"Content-Encoding", "gzip"});
    return response;
  };
  return route;
}

}  // namespace dbpool::exporter
