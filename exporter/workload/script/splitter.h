// Splitter: a script's text, taken apart into statements and backslash
// commands, by the lexical rules of psql.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_SPLITTER_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_SPLITTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exporter/workload/script/value.h"

namespace dbpool::exporter::script {

struct Piece {
  enum class Kind : std::uint8_t { kEnd, kSql, kCommand };

  Kind kind = Kind::kEnd;
  std::size_t line = 0;  // of its first character that counts, from 1
  // SQL without its semicolon, or what follows the backslash, as one line.
  std::string text = {};
};

// Thread-safety: none.
class Splitter {
 public:
  // `text` must outlive it.
  explicit Splitter(std::string_view text) : text_(text) {}

  // The next piece. The error begins with the line.
  Result<Piece> next();

 private:
  std::string_view rest() const { return text_.substr(position_); }
  bool is_at_command() const;
  void skip_blank();
  std::size_t line();  // where it stands

  Piece command();
  Result<Piece> sql();  // without text where it was a comment only
  // Each takes one token to `taken`; false: it does not end.
  bool take_token(std::string& taken);
  bool take_comment(std::string& taken);
  bool take_quoted(std::string& taken, char quote, bool has_escapes);
  bool take_dollar_quoted(std::string& taken);
  void take(std::string& taken, std::size_t size);

  const std::string_view text_;
  std::size_t position_ = 0;
  std::size_t counted_ = 0;  // up to here line_ is the line
  std::size_t line_ = 1;
};

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_SPLITTER_H_
