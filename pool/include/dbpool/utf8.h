// UTF-8, for texts that come from outside: names, SQL, the server's words.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_UTF8_H_
#define DBPOOL_UTF8_H_

#include <cstddef>
#include <string_view>

namespace dbpool {

// The bytes of the UTF-8 character at the start of `text`, which must not be
// empty: 1 to 4, or 0 if no valid one begins there (an overlong form, a
// surrogate, half a character).
std::size_t utf8_length(std::string_view text) noexcept;

// Is `text` valid UTF-8 from end to end?
bool is_utf8(std::string_view text) noexcept;

// The first `characters` characters of `text`, never half a character. A
// byte that is not valid UTF-8 counts as one character.
std::string_view utf8_prefix(std::string_view text,
                             std::size_t characters) noexcept;

}  // namespace dbpool

#endif  // DBPOOL_UTF8_H_
