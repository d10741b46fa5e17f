// What civetweb tells of a request or a connection, as our own values.
#ifndef DBPOOL_EXPORTER_HTTP_CIVETWEB_REQUEST_H_
#define DBPOOL_EXPORTER_HTTP_CIVETWEB_REQUEST_H_

#include <civetweb.h>

#include <string_view>

#include "exporter/http/message.h"

namespace dbpool::exporter {

// Views of `info`. The path of a target in absolute form is the path in it; of
// one that is no URI, such as "*", the whole of it.
Request request_of(const mg_request_info& info);

// Whether civetweb refuses a request with `status` and `message` because it
// does not know the method, or for the target of a CONNECT. The request's
// headers have not been read then.
bool is_unknown_method(const mg_request_info& info, int status,
                       std::string_view message);

// Whether the request is one that civetweb understands and does not serve,
// unless it was refused.
bool is_passed_over(const mg_request_info& info);

// civetweb's own rule, which it does not tell its callers.
bool wants_keep_alive(const mg_request_info& info, const Request& request);

// Whether civetweb may read the rest of the request, which takes as long as
// the client likes.
bool has_small_body(const mg_request_info& info, const Request& request);

// Of a message such as "sslize error: error:0A0000C7:SSL routines::peer did
// not return a certificate" the end; empty for what is about no handshake.
std::string_view handshake_error(std::string_view message);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_CIVETWEB_REQUEST_H_
