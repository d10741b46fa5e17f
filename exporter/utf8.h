// Text from outside (names, SQL) made fit for labels and log lines.
#ifndef DBPOOL_EXPORTER_UTF8_H_
#define DBPOOL_EXPORTER_UTF8_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace dbpool {

// The bytes of the UTF-8 character at the start of `text`, which must not be
// empty: 1 to 4, or 0 if no valid one begins there.
std::size_t utf8_length(std::string_view text) noexcept;

// `text` with each byte that is not part of valid UTF-8 written as \xNN, so
// that different texts stay different. (Prometheus rejects a whole page for
// one invalid byte.)
std::string to_utf8(std::string_view text);

// The first `characters` characters of `text`, never half a character. A
// byte that is not valid UTF-8 counts as one character.
std::string_view utf8_prefix(std::string_view text,
                             std::size_t characters) noexcept;

}  // namespace dbpool

#endif  // DBPOOL_EXPORTER_UTF8_H_
