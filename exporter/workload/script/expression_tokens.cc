#include "exporter/workload/script/expression_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "exporter/base/ascii.h"
#include "exporter/workload/script/variables.h"

namespace dbpool::exporter::script {
namespace {

constexpr std::size_t kMaxTokens = 1000;
constexpr std::string_view kBlank = " \t\r\n\f\v";

std::size_t digits_at(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) -
                                  text.begin());
}

// Of e+10 and the like; 0 where there is none.
std::size_t exponent_at(std::string_view text) {
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return 0;
  std::size_t sign = 1;
  if (text.size() > 1 && (text[1] == '+' || text[1] == '-')) ++sign;
  const std::size_t digits = digits_at(text.substr(sign));
  return digits == 0 ? 0 : sign + digits;
}

std::size_t number_at(std::string_view text) {
  std::size_t size = digits_at(text);
  const bool has_whole_part = size > 0;
  if (size < text.size() && text[size] == '.') {
    const std::size_t fraction = digits_at(text.substr(size + 1));
    if (!has_whole_part && fraction == 0) return 0;
    size += 1 + fraction;
  }
  return size == 0 ? 0 : size + exponent_at(text.substr(size));
}

Result<Token> number(std::string_view text) {
  Token token{.kind = TokenKind::kNumber, .text = std::string(text)};
  const char* const end = text.data() + text.size();
  if (digits_at(text) == text.size()) {
    std::int64_t whole = 0;
    if (std::from_chars(text.data(), end, whole).ec == std::errc()) {
      token.number = whole;
    } else if (text == "9223372036854775808") {
      token.kind = TokenKind::kTooLarge;
    } else {
      return tl::unexpected("bigint constant overflow at \"" +
                            shown(token.text) + "\"");
    }
    return token;
  }
  double fraction = 0;
  if (std::from_chars(text.data(), end, fraction).ec != std::errc()) {
    return tl::unexpected("double constant overflow at \"" + shown(token.text) +
                          "\"");
  }
  token.number = fraction;
  return token;
}

std::string_view symbol_at(std::string_view text) {
  constexpr std::array<std::string_view, 20> kSymbols = {
      "<>", "<=", ">=", "<<", ">>", "!=", "+", "-", "*", "/",
      "%",  "=",  "<",  ">",  "|",  "#",  "&", "~", "(", ")"};
  for (const std::string_view symbol : kSymbols) {
    if (text.starts_with(symbol)) return symbol;
  }
  return text.starts_with(',') ? text.substr(0, 1) : std::string_view();
}

std::size_t name_at(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::find_if_not(text, is_variable_character) - text.begin());
}

Token word(std::string_view text) {
  return {.kind = TokenKind::kWord, .text = in_lower_case(text)};
}

// The first token of `text`, which begins with no blank; takes it off.
Result<Token> take_token(std::string_view& text) {
  const auto take = [&](std::size_t size) {
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(size);
    return taken;
  };
  if (const std::size_t size = number_at(text)) return number(take(size));
  if (is_variable_start(text[0])) return word(take(name_at(text)));
  if (text[0] == ':') {
    if (const std::size_t size = name_at(text.substr(1))) {
      return Token{.kind = TokenKind::kVariable,
                   .text = std::string(take(size + 1).substr(1))};
    }
  }
  const std::string_view symbol = symbol_at(text);
  if (symbol.empty()) {
    return tl::unexpected("unexpected character at \"" +
                          shown(text.substr(0, 1)) + "\"");
  }
  take(symbol.size());
  return Token{.kind = TokenKind::kSymbol,
               .text = std::string(symbol == "!=" ? "<>" : symbol)};
}

}  // namespace

Result<std::vector<Token>> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    if (text.empty()) break;
    if (tokens.size() == kMaxTokens) {
      return tl::unexpected("the expression has more than " +
                            std::to_string(kMaxTokens) + " parts");
    }
    auto token = take_token(text);
    if (!token) return tl::unexpected(std::move(token.error()));
    tokens.push_back(*std::move(token));
  }
  tokens.emplace_back();
  return tokens;
}

}  // namespace dbpool::exporter::script
