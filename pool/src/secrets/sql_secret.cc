#include "pool/src/secrets/sql_secret.h"

#include <algorithm>
#include <array>

namespace dbpool::detail {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
// What may stand between the word and the literal is looked through so far.
constexpr std::size_t kMostBetween = 200;
// ... for what a statement is about, and for a literal among arguments.
constexpr std::size_t kMostBeforePassword = 300;
constexpr std::size_t kMostBeforeLiteral = 300;

bool is_of_identifier(char character) noexcept {
  return is_word(character) || static_cast<unsigned char>(character) >= 0x80;
}

// A literal that does is perhaps what is between two literals.
bool names_a_password(std::string_view text) noexcept {
  constexpr std::string_view kPart = "passw";
  return std::ranges::search(text, kPart, {}, to_lower).begin() != text.end();
}

// Where the ' is of '…', E'…', U&'…', N'…', B'…' or X'…' at `at`.
std::size_t quote_of(std::string_view text, std::size_t at) noexcept {
  std::size_t i = at;
  if (i < text.size() && is_one_of(to_lower(text[i]), "eunbx")) {
    i +=
        to_lower(text[i]) == 'u' && text.substr(i + 1).starts_with('&') ? 2 : 1;
  }
  return i < text.size() && text[i] == '\'' ? i : kNone;
}

// "$$" or "$tag$" at `at`, or nothing.
std::string_view dollar_tag(std::string_view text, std::size_t at) noexcept {
  constexpr std::size_t kLongest = 64;
  if (at >= text.size() || text[at] != '$') return {};
  const std::string_view start = text.substr(at, kLongest);
  std::size_t i = 1;
  while (i < start.size() && is_of_identifier(start[i])) ++i;
  return i < start.size() && start[i] == '$' ? start.substr(0, i + 1)
                                             : std::string_view();
}

class Literal {
 public:
  Literal(std::string_view text, bool quoted) : text_(text), quoted_(quoted) {}

  bool begins_at(std::size_t i) const {
    return quote_of(text_, i) != kNone || !dollar_tag(text_, i).empty();
  }

  // Over what may stand between name and value: blanks, operators, comments.
  std::size_t skip_between(std::size_t from) const {
    std::size_t i = from;
    const std::size_t bound = std::min(text_.size(), from + kMostBetween);
    while (i < bound) {
      const std::string_view rest = text_.substr(i, bound - i);
      std::size_t length = 0;
      if (rest.starts_with("/*")) {
        const std::size_t end = rest.find("*/", 2);
        length = end == kNone ? 0 : end + 2;
      } else if (rest.starts_with("--")) {
        length = std::min(rest.find('\n'), rest.size());
      } else if (is_one_of(rest[0], kBlanks) ||
                 is_one_of(rest[0], "=<>!~:,(|")) {
        length = 1;
      }
      if (length == 0) break;
      i += length;
    }
    return i;
  }

  // Past the literal that begins at `at`.
  std::size_t end_of(std::size_t at) const {
    const std::string_view tag = dollar_tag(text_, at);
    if (!tag.empty()) {
      const std::size_t begin = at + tag.size();
      const std::size_t end = text_.find(tag, begin);
      const bool in_doubt = end == kNone || quoted_ ||
                            names_a_password(text_.substr(begin, end - begin));
      return in_doubt ? rest(at) : end + tag.size();
    }
    std::size_t i = quote_of(text_, at);
    while (i < text_.size() && text_[i] == '\'') {
      if (is_doubled_quote(text_, i + 1)) return rest(at);
      const std::size_t begin = i + 1;
      i = past_quotes(begin);
      if (i == kNone || !is_surely_closed(text_, begin, i - 1)) return rest(at);
      // Literals with a line break between them are one.
      const std::size_t next = text_.find_first_not_of(kBlanks, i);
      if (next != kNone && text_[next] == '\'') i = next;
    }
    return i;
  }

  std::size_t end_of_json(std::size_t at) const {
    std::size_t i = at + 1;
    while (i < text_.size() && text_[i] != '"') i += text_[i] == '\\' ? 2 : 1;
    return std::min(i + 1, text_.size());
  }

  // The end of the text, or of the "…" around.
  std::size_t rest(std::size_t from) const {
    std::size_t i = from;
    while (i < text_.size() && (!quoted_ || text_[i] != '"')) {
      i += quoted_ && text_[i] == '\\' ? 2 : 1;
    }
    return std::min(i, text_.size());
  }

 private:
  // Past the ' that closes; kNone in doubt. What a backslash means hangs on
  // the kind of literal and a setting of the server.
  std::size_t past_quotes(std::size_t i) const {
    for (; i < text_.size(); ++i) {
      if (text_[i] == '\\' || (quoted_ && text_[i] == '"')) return kNone;
      if (text_[i] != '\'') continue;
      if (!text_.substr(i + 1).starts_with('\'')) return i + 1;
      ++i;  // '' stands for one
    }
    return kNone;
  }

  const std::string_view text_;
  const bool quoted_;
};

// The character before the name that ends in the word: x.password.
char before_name(std::string_view text, std::size_t word_begin) {
  std::size_t begin = word_begin;
  const std::size_t bound = begin - std::min(begin, kMostBetween);
  while (begin > bound &&
         (is_of_identifier(text[begin - 1]) || text[begin - 1] == '.')) {
    --begin;
  }
  return begin == 0 ? ' ' : text[begin - 1];
}

bool is_same(std::string_view text, std::string_view lower_case) noexcept {
  return std::ranges::equal(text, lower_case, {}, to_lower);
}

// Does a CREATE or ALTER of a role stand before `at`, not far?
bool is_of_a_role(std::string_view text, std::size_t at) {
  const std::size_t far = at - std::min(at, kMostBeforePassword);
  bool changes = false;
  std::string_view before = text.substr(far, at - far);
  while (!before.empty()) {
    const auto* const end = std::ranges::find_if_not(before, is_of_identifier);
    const std::string_view word =
        before.substr(0, static_cast<std::size_t>(end - before.begin()));
    if (is_same(word, "create") || is_same(word, "alter")) changes = true;
    if (changes && (is_same(word, "role") || is_same(word, "user") ||
                    is_same(word, "group"))) {
      return true;
    }
    before.remove_prefix(std::min(word.size() + 1, before.size()));
  }
  return false;
}

bool is_plain_assignment(std::string_view between) {
  const std::size_t first = between.find_first_not_of(kBlanks);
  return first != kNone && between[first] == '=' &&
         !between.substr(first).starts_with("=>");
}

}  // namespace

std::optional<Span> literal_after(std::string_view text, Span word,
                                  bool quoted) {
  std::size_t i = word.end;
  // 'x.password': what follows is the quote that closes, not one that opens.
  const char around = before_name(text, word.begin);
  const bool is_closed =
      i < text.size() && text[i] == around && is_one_of(around, "'\"");
  if (is_closed) ++i;
  if (is_closed && around == '"') quoted = false;
  const Literal literal(text, quoted);
  const std::size_t begin = literal.skip_between(i);
  const std::string_view between = text.substr(i, begin - i);
  if (begin >= text.size() || is_plain_assignment(between)) return std::nullopt;
  if (text[begin] == '"' && !quoted && is_one_of(':', between)) {
    return Span{begin, literal.end_of_json(begin)};
  }
  if (is_placeholder(text, begin)) return Span{begin, literal.rest(begin)};
  if (!literal.begins_at(begin)) return std::nullopt;
  // 'my password', 'p' or PASSWORD'p': does this quote open or close?
  const bool is_doubtful = begin == word.end && text[begin] == '\'';
  return Span{begin, is_doubtful ? literal.rest(begin) : literal.end_of(begin)};
}

std::optional<Span> bare_password(std::string_view text, Span word,
                                  bool quoted) {
  constexpr std::string_view kPassword = "password";
  if (!is_same(text.substr(word.begin, word.end - word.begin), kPassword)) {
    return std::nullopt;
  }
  const Literal literal(text, quoted);
  const std::size_t begin = literal.skip_between(word.end);
  const std::string_view value = text.substr(begin);
  if (begin == word.end || value.empty() || value.starts_with(kMask) ||
      is_same(value.substr(0, 4), "null") || !is_of_a_role(text, word.begin)) {
    return std::nullopt;
  }
  const std::size_t end = literal.rest(begin);
  return end > begin ? std::optional(Span{begin, end}) : std::nullopt;
}

std::optional<Span> secret_arguments(std::string_view text, std::size_t at,
                                     bool quoted) {
  const std::size_t open = text.find_first_not_of(kBlanks, at);
  if (open == kNone || text[open] != '(') return std::nullopt;
  const Literal literal(text, quoted);
  const std::size_t begin = open + 1;
  std::size_t i = begin;
  bool has_literal = false;
  for (std::size_t depth = 1; i < text.size();) {
    if (quoted && text[i] == '"') break;
    if (!is_of_identifier(text[i - 1]) && literal.begins_at(i)) {
      has_literal = true;
      i = literal.end_of(i);
      continue;
    }
    if (!has_literal && i - begin > kMostBeforeLiteral) break;
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) break;
    ++i;
  }
  return has_literal ? std::optional(Span{begin, i}) : std::nullopt;
}

std::optional<std::size_t> marked_literal_end(std::string_view text,
                                              std::size_t at, bool quoted) {
  const Literal literal(text, quoted);
  if (at >= text.size() || text[at] == '\'' || !literal.begins_at(at)) {
    return std::nullopt;
  }
  return literal.end_of(at);
}

std::optional<Span> literal_at_mistake(std::string_view text, std::size_t at) {
  constexpr std::string_view kWords = "at or near \"";
  if (!text.substr(at).starts_with(kWords)) return std::nullopt;
  const std::size_t begin = at + kWords.size();
  if (!Literal(text, false).begins_at(begin)) return std::nullopt;
  // The text may hold a " itself: up to the last one of the line.
  const std::string_view line =
      text.substr(0, std::min(text.find('\n', begin), text.size()));
  const std::size_t end = line.rfind('"');
  return Span{begin, end < begin ? line.size() : end};
}

bool is_surely_closed(std::string_view text, std::size_t begin,
                      std::size_t close) noexcept {
  constexpr std::string_view kFollows = " \t\r\n\v\f;,)]}:|&\"\\'";
  if (close + 1 < text.size() && !is_one_of(text[close + 1], kFollows)) {
    return false;
  }
  const std::string_view after = text.substr(close + 1);
  const std::size_t next = after.find_first_not_of(kBlanks);
  if (next != kNone && after.substr(next).starts_with("||")) return false;
  std::string_view content = text.substr(begin, close - begin);
  content.remove_prefix(
      std::min(content.find_first_not_of(kBlanks), content.size()));
  content = content.substr(0, content.find_last_not_of(kBlanks) + 1);
  if (content.empty()) return begin == close;
  if (names_a_password(content)) return false;
  return !is_one_of(content.front(), "|,)") &&
         !is_one_of(content.back(), "|,(");
}

bool is_placeholder(std::string_view text, std::size_t at) noexcept {
  return at + 1 < text.size() && text[at] == '%' &&
         is_one_of(text[at + 1], "sLI-123456789");
}

bool is_doubled_quote(std::string_view text, std::size_t i) noexcept {
  const std::string_view rest = text.substr(std::min(i, text.size()));
  return rest.starts_with('\'') && rest.size() > 1 &&
         !is_one_of(rest[1], kBlanks) && !is_one_of(rest[1], ";,)\"");
}

}  // namespace dbpool::detail
