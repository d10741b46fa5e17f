// The tokens of an expression.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_EXPRESSION_TOKENS_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_EXPRESSION_TOKENS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/workload/script/value.h"

namespace dbpool::exporter::script {

enum class TokenKind : std::uint8_t {
  kEnd,
  kSymbol,    // an operator, a parenthesis, a comma
  kWord,      // a keyword or a function's name
  kVariable,  // its text is the name
  kNumber,    // an integer or a double
  kTooLarge,  // 9223372036854775808, good after a minus only
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  // words in lower case; != is <>
  Value number = {};
};

// With a token kEnd at the end. A longer expression than anyone writes is an
// error: evaluating goes as deep as it is long.
Result<std::vector<Token>> tokens_of(std::string_view text);

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_EXPRESSION_TOKENS_H_
