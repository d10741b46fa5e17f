// Text from outside made fit for labels, pages and log lines.
#ifndef DBPOOL_EXPORTER_BASE_UTF8_H_
#define DBPOOL_EXPORTER_BASE_UTF8_H_

#include <string>
#include <string_view>

namespace dbpool {

// `text` with each byte that is not part of valid UTF-8 written as \xNN, so
// that different texts stay different (Prometheus rejects a whole page for one
// invalid byte); and each character that turns the direction of what follows,
// and so could show it in another order, as \uNNNN.
std::string to_utf8(std::string_view text);

}  // namespace dbpool

#endif  // DBPOOL_EXPORTER_BASE_UTF8_H_
