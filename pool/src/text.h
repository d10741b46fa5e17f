// Small helpers for texts that people read.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_TEXT_H_
#define DBPOOL_POOL_SRC_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace dbpool::detail {

// Is `text` well-formed UTF-8 (no overlong forms, no surrogates)?
bool is_utf8(std::string_view text) noexcept;

// `text` as one line of at most `most_bytes` bytes: runs of control
// characters and blanks become one blank, bytes that are not UTF-8 become
// '?', and "..." stands for what was cut off (never amid a character).
std::string one_line(std::string_view text, std::size_t most_bytes);

// The first `characters` characters of `text`, never half a character. A byte
// that is not UTF-8 counts as one.
std::string_view first_characters(std::string_view text,
                                  std::size_t characters) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TEXT_H_
