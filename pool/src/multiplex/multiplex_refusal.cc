#include "pool/src/multiplex/multiplex_refusal.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include "pool/src/secrets/scan.h"
#include "pool/src/session/statement_error.h"

namespace dbpool::detail {
namespace {

// Transactions; the session's settings, listeners, prepared statements,
// cursors and libraries; COPY.
constexpr std::array<std::string_view, 23> kRefused = {
    "abort",    "begin",     "close", "commit",  "copy",    "deallocate",
    "declare",  "discard",   "end",   "execute", "fetch",   "listen",
    "load",     "lock",      "move",  "prepare", "release", "reset",
    "rollback", "savepoint", "set",   "start",   "unlisten"};

// What may stand between CREATE and TEMP.
constexpr std::array<std::string_view, 4> kBeforeTemporary = {
    "or", "replace", "local", "global"};

bool equals(std::string_view text, std::string_view lower) noexcept {
  return std::ranges::equal(text, lower, {}, to_lower);
}

template <std::size_t kSize>
bool is_among(std::string_view word,
              const std::array<std::string_view, kSize>& words) noexcept {
  return std::ranges::any_of(
      words, [&](std::string_view other) { return equals(word, other); });
}

// The length of a comment that `text` begins with; comments nest.
std::size_t block_comment(std::string_view text) noexcept {
  int depth = 0;
  std::size_t i = 0;
  do {
    const std::string_view two = text.substr(i, 2);
    if (two == "/*") ++depth;
    if (two == "*/") --depth;
    i += two == "/*" || two == "*/" ? 2 : 1;
  } while (depth > 0 && i < text.size());
  return std::min(i, text.size());
}

// Takes the next word off `text`; blanks, comments and empty commands before
// it are skipped. Empty if something else comes.
std::string_view take_word(std::string_view& text) noexcept {
  while (!text.empty()) {
    if (is_blank(text.front()) || text.front() == ';') {
      text.remove_prefix(1);
    } else if (text.starts_with("--")) {
      text.remove_prefix(std::min(text.find_first_of("\r\n"), text.size()));
    } else if (text.starts_with("/*")) {
      text.remove_prefix(block_comment(text));
    } else {
      break;
    }
  }
  const auto end = std::ranges::find_if_not(text, is_word);
  const std::string_view word(text.begin(), end);
  text.remove_prefix(word.size());
  return word;
}

bool creates_temporary(std::string_view rest) noexcept {
  std::string_view word = take_word(rest);
  while (is_among(word, kBeforeTemporary)) word = take_word(rest);
  return equals(word, "temp") || equals(word, "temporary");
}

}  // namespace

bool is_unshareable(std::string_view command) noexcept {
  return is_among(take_word(command), kRefused);
}

std::optional<Error> find_sharing_error(std::string_view sql) {
  std::string_view rest = sql;
  const std::string_view word = take_word(rest);
  const bool is_temporary = equals(word, "create") && creates_temporary(rest);
  if (!is_temporary && !is_among(word, kRefused)) return std::nullopt;
  std::string command(word);
  std::ranges::transform(command, command.begin(), [](char character) {
    return character >= 'a' && character <= 'z'
               ? static_cast<char>(character - 'a' + 'A')
               : character;
  });
  if (is_temporary) command += " TEMP";
  return usage_error(command +
                     " is refused by async_execute() of a pool, whose "
                     "statements share connections: acquire() a lease for it");
}

}  // namespace dbpool::detail
