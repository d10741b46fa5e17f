#include "exporter/workload/script/splitter.h"

#include <algorithm>
#include <utility>

#include "exporter/workload/script/variables.h"

namespace dbpool::exporter::script {
namespace {

constexpr std::string_view kBlank = " \t\r\n\f\v";

bool is_blank(char c) noexcept {
  return kBlank.find(c) != std::string_view::npos;
}

// `$tag$` at the beginning of `text`; 0 where there is none.
std::size_t dollar_tag_at(std::string_view text) {
  if (!text.starts_with('$')) return 0;
  const std::size_t end = text.find('$', 1);
  if (end == std::string_view::npos) return 0;
  const std::string_view tag = text.substr(1, end - 1);
  return tag.empty() || is_variable_name(tag) ? end + 1 : 0;
}

std::size_t identifier_at(std::string_view text) {
  const auto* const end = std::ranges::find_if_not(
      text, [](char c) { return is_variable_character(c) || c == '$'; });
  return static_cast<std::size_t>(end - text.begin());
}

tl::unexpected<std::string> at_line(std::size_t line,
                                    std::string_view message) {
  return tl::unexpected(std::to_string(line) + ": " + std::string(message));
}

}  // namespace

Result<Piece> Splitter::next() {
  for (;;) {
    skip_blank();
    if (position_ == text_.size()) return Piece();
    if (is_at_command()) return command();
    Result<Piece> piece = sql();
    if (!piece || !piece->text.empty()) return piece;
  }
}

void Splitter::skip_blank() {
  while (position_ < text_.size()) {
    if (is_blank(text_[position_])) {
      ++position_;
    } else if (rest().starts_with("--")) {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else {
      return;
    }
  }
}

// "\;" and "\:" stand amid SQL.
bool Splitter::is_at_command() const {
  return rest().starts_with('\\') && !rest().starts_with("\\;") &&
         !rest().starts_with("\\:");
}

std::size_t Splitter::line() {
  const auto since = text_.substr(counted_, position_ - counted_);
  line_ += static_cast<std::size_t>(std::ranges::count(since, '\n'));
  counted_ = position_;
  return line_;
}

// To the end of the line, and on where a backslash ends that.
Piece Splitter::command() {
  Piece piece{.kind = Piece::Kind::kCommand, .line = line()};
  ++position_;
  for (; position_ < text_.size() && text_[position_] != '\n'; ++position_) {
    for (const std::string_view end : {"\\\n", "\\\r\n"}) {
      if (!rest().starts_with(end)) continue;
      piece.text += ' ';
      position_ += end.size();
    }
    if (position_ == text_.size() || text_[position_] == '\n') break;
    piece.text += text_[position_];
  }
  return piece;
}

Result<Piece> Splitter::sql() {
  Piece piece{.kind = Piece::Kind::kSql, .line = line()};
  bool is_more_than_comment = false;
  int depth = 0;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (rest().starts_with("\\;")) {
      return at_line(line(),
                     "\\;: several statements in one are not supported; "
                     "expected a plain semicolon");
    }
    if (is_at_command()) break;
    if (c == ';' && depth <= 0) {
      ++position_;
      break;
    }
    depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
    is_more_than_comment =
        is_more_than_comment ||
        !(is_blank(c) || rest().starts_with("--") || rest().starts_with("/*"));
    if (!take_token(piece.text)) {
      return at_line(
          piece.line,
          "SQL: a quoted text or a comment has no end; expected one");
    }
  }
  if (!is_more_than_comment) piece.text.clear();
  return piece;
}

void Splitter::take(std::string& taken, std::size_t size) {
  taken += rest().substr(0, size);
  position_ = std::min(position_ + size, text_.size());
}

bool Splitter::take_token(std::string& taken) {
  const std::string_view text = rest();
  if (text.starts_with("--")) {
    position_ = std::min(text_.find('\n', position_), text_.size());
    return true;
  }
  if (text.starts_with("\\:")) {
    taken += ':';
    position_ += 2;
    return true;
  }
  if (text.starts_with("/*")) return take_comment(taken);
  if (text.starts_with("e'") || text.starts_with("E'")) {
    take(taken, 1);
    return take_quoted(taken, '\'', true);
  }
  if (text[0] == '\'' || text[0] == '"') {
    return take_quoted(taken, text[0], false);
  }
  if (dollar_tag_at(text) > 0) return take_dollar_quoted(taken);
  take(taken, is_variable_start(text[0]) ? identifier_at(text) : 1);
  return true;
}

// Comments hold comments.
bool Splitter::take_comment(std::string& taken) {
  int depth = 0;
  while (position_ < text_.size()) {
    if (rest().starts_with("/*")) {
      ++depth;
      take(taken, 2);
    } else if (rest().starts_with("*/")) {
      take(taken, 2);
      if (--depth == 0) return true;
    } else {
      take(taken, 1);
    }
  }
  return false;
}

// A doubled quote ends one text and begins the next, which is as good.
bool Splitter::take_quoted(std::string& taken, char quote, bool has_escapes) {
  take(taken, 1);
  while (position_ < text_.size()) {
    const char c = text_[position_];
    take(taken, has_escapes && c == '\\' ? 2 : 1);
    if (c != quote) continue;
    if (position_ == text_.size() || text_[position_] != quote) return true;
    take(taken, 1);
  }
  return false;
}

bool Splitter::take_dollar_quoted(std::string& taken) {
  const std::string_view tag = rest().substr(0, dollar_tag_at(rest()));
  const std::size_t end = rest().find(tag, tag.size());
  if (end == std::string_view::npos) return false;
  take(taken, end + tag.size());
  return true;
}

}  // namespace dbpool::exporter::script
