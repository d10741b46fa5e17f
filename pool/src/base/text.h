// Small helpers for texts that people read.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_BASE_TEXT_H_
#define DBPOOL_POOL_SRC_BASE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace dbpool::detail {

// `text` as one line of at most `most_bytes` bytes: runs of control
// characters and blanks become one blank, bytes that are not UTF-8 become
// '?', and "..." stands for what was cut off (never amid a character).
std::string one_line(std::string_view text, std::size_t most_bytes);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BASE_TEXT_H_
