#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "exporter/workload/script/expression.h"
#include "exporter/workload/script/expression_tokens.h"

namespace dbpool::exporter::script {
namespace {

// How tightly an operator binds. What stands on the right of one that takes
// its left neighbour first is parsed from the next level on.
enum Level : std::uint8_t {
  kAnyLevel,
  kOrLevel,
  kAndLevel,
  kNotLevel,
  kIsLevel,
  kComparisonLevel,
  kBitLevel,
  kSumLevel,
  kProductLevel,
  kSignLevel,
};

struct Operator {
  std::string_view text;
  Level level;
  Function function;
  bool swaps_operands = false;
};

constexpr std::array<Operator, 18> kOperators = {{
    {"or", kOrLevel, Function::kOr},
    {"and", kAndLevel, Function::kAnd},
    {"<", kComparisonLevel, Function::kLess},
    {"<=", kComparisonLevel, Function::kLessOrEqual},
    {">", kComparisonLevel, Function::kLess, true},
    {">=", kComparisonLevel, Function::kLessOrEqual, true},
    {"=", kComparisonLevel, Function::kEqual},
    {"<>", kComparisonLevel, Function::kNotEqual},
    {"|", kBitLevel, Function::kBitOr},
    {"#", kBitLevel, Function::kBitXor},
    {"&", kBitLevel, Function::kBitAnd},
    {"<<", kBitLevel, Function::kShiftLeft},
    {">>", kBitLevel, Function::kShiftRight},
    {"+", kSumLevel, Function::kAdd},
    {"-", kSumLevel, Function::kSubtract},
    {"*", kProductLevel, Function::kMultiply},
    {"/", kProductLevel, Function::kDivide},
    {"%", kProductLevel, Function::kModulo},
}};

struct NamedFunction {
  std::string_view name;
  Function function;
  std::size_t fewest;
  std::size_t most;
};

constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();
constexpr std::array<NamedFunction, 20> kFunctions = {{
    {"abs", Function::kAbs, 1, 1},
    {"double", Function::kDouble, 1, 1},
    {"exp", Function::kExp, 1, 1},
    {"greatest", Function::kGreatest, 1, kAnyNumber},
    {"hash", Function::kHashMurmur2, 1, 2},
    {"hash_fnv1a", Function::kHashFnv1a, 1, 2},
    {"hash_murmur2", Function::kHashMurmur2, 1, 2},
    {"int", Function::kInt, 1, 1},
    {"least", Function::kLeast, 1, kAnyNumber},
    {"ln", Function::kLn, 1, 1},
    {"mod", Function::kModulo, 2, 2},
    {"permute", Function::kPermute, 2, 3},
    {"pi", Function::kPi, 0, 0},
    {"pow", Function::kPower, 2, 2},
    {"power", Function::kPower, 2, 2},
    {"random", Function::kRandom, 2, 2},
    {"random_exponential", Function::kRandomExponential, 3, 3},
    {"random_gaussian", Function::kRandomGaussian, 3, 3},
    {"random_zipfian", Function::kRandomZipfian, 3, 3},
    {"sqrt", Function::kSqrt, 1, 1},
}};

constexpr std::array<std::string_view, 14> kKeywords = {
    "and", "or",   "not",  "case",  "when", "then",   "else",
    "end", "null", "true", "false", "is",   "isnull", "notnull"};

bool is_keyword(std::string_view word) noexcept {
  return std::ranges::find(kKeywords, word) != kKeywords.end();
}

bool takes_seed(const NamedFunction& function) noexcept {
  return function.most != kAnyNumber && function.fewest != function.most;
}

using Parsed = Result<Expression>;

Expression constant(Value value) { return {value}; }

template <typename... Arguments>
Expression call(Function function, Arguments... arguments) {
  Call made{.function = function, .arguments = {}};
  (made.arguments.push_back(std::move(arguments)), ...);
  return {std::move(made)};
}

// By precedence climbing.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::span<const Token> tokens) : rest_(tokens) {}

  Parsed whole() {
    Parsed parsed = expression(kAnyLevel);
    if (parsed && now().kind != TokenKind::kEnd) return unexpected_token();
    return parsed;
  }

 private:
  const Token& now() const { return rest_.front(); }
  bool is(std::string_view text) const {
    return (now().kind == TokenKind::kSymbol ||
            now().kind == TokenKind::kWord) &&
           now().text == text;
  }
  // Never beyond kEnd, which nobody takes.
  void advance() { rest_ = rest_.subspan(1); }
  bool take(std::string_view text) {
    if (!is(text)) return false;
    advance();
    return true;
  }
  tl::unexpected<std::string> unexpected_token() const {
    if (now().kind == TokenKind::kEnd) {
      return tl::unexpected(std::string("syntax error at its end"));
    }
    return tl::unexpected("syntax error at \"" + shown(now().text) + "\"");
  }

  const Operator* operator_from(Level lowest) const;
  Parsed expression(Level lowest);
  Parsed with_operator(Expression left, const Operator& op);
  Parsed with_is(Expression left);
  Parsed operand();
  Parsed prefixed(Function function, Expression left, Level level);
  Parsed negative();
  Parsed in_parentheses();
  Parsed word();
  Parsed choice();
  Parsed named(std::string_view name);
  Result<std::vector<Expression>> arguments();

  std::span<const Token> rest_;
};

const Operator* ExpressionParser::operator_from(Level lowest) const {
  for (const Operator& op : kOperators) {
    if (op.level >= lowest && is(op.text)) return &op;
  }
  return nullptr;
}

Parsed ExpressionParser::expression(Level lowest) {
  Parsed left = operand();
  while (left) {
    if (lowest <= kIsLevel && (is("is") || is("isnull") || is("notnull"))) {
      left = with_is(*std::move(left));
    } else if (const Operator* op = operator_from(lowest)) {
      left = with_operator(*std::move(left), *op);
    } else {
      break;
    }
  }
  return left;
}

Parsed ExpressionParser::with_operator(Expression left, const Operator& op) {
  advance();
  Parsed right = expression(static_cast<Level>(op.level + 1));
  if (!right) return right;
  // a < b < c means nothing.
  const Operator* const next = operator_from(kComparisonLevel);
  if (op.level == kComparisonLevel && next != nullptr &&
      next->level == kComparisonLevel) {
    return unexpected_token();
  }
  if (op.swaps_operands) {
    return call(op.function, *std::move(right), std::move(left));
  }
  return call(op.function, std::move(left), *std::move(right));
}

Parsed ExpressionParser::with_is(Expression left) {
  bool is_negated = is("notnull");
  Value value;
  if (take("is")) {
    is_negated = take("not");
    if (is("true") || is("false")) {
      value = is("true");
    } else if (!is("null")) {
      return unexpected_token();
    }
  }
  advance();
  Expression test = call(Function::kIs, std::move(left), constant(value));
  if (is_negated) return call(Function::kNot, std::move(test));
  return test;
}

Parsed ExpressionParser::operand() {
  switch (now().kind) {
    case TokenKind::kNumber: {
      const Value number = now().number;
      advance();
      return constant(number);
    }
    case TokenKind::kVariable: {
      std::string name = now().text;
      advance();
      return Expression{VariableName{std::move(name)}};
    }
    case TokenKind::kWord:
      return word();
    case TokenKind::kSymbol:
      break;
    default:
      return unexpected_token();
  }
  if (take("+")) return expression(kSignLevel);
  if (take("-")) return negative();
  if (take("~")) {
    return prefixed(Function::kBitXor, constant(std::int64_t{-1}), kSumLevel);
  }
  if (take("(")) return in_parentheses();
  return unexpected_token();
}

Parsed ExpressionParser::prefixed(Function function, Expression left,
                                  Level level) {
  Parsed right = expression(level);
  if (!right) return right;
  return call(function, std::move(left), *std::move(right));
}

Parsed ExpressionParser::negative() {
  if (now().kind == TokenKind::kTooLarge) {
    advance();
    return constant(std::numeric_limits<std::int64_t>::min());
  }
  return prefixed(Function::kSubtract, constant(std::int64_t{0}), kSignLevel);
}

Parsed ExpressionParser::in_parentheses() {
  Parsed inner = expression(kAnyLevel);
  if (inner && !take(")")) return unexpected_token();
  return inner;
}

Parsed ExpressionParser::word() {
  if (take("null")) return constant(Null());
  if (take("true")) return constant(true);
  if (take("false")) return constant(false);
  if (take("case")) return choice();
  if (take("not")) {
    Parsed right = expression(kNotLevel);
    if (!right) return right;
    return call(Function::kNot, *std::move(right));
  }
  if (is_keyword(now().text)) return unexpected_token();
  const std::string name = now().text;
  advance();
  return named(name);
}

Parsed ExpressionParser::choice() {
  Call made{.function = Function::kCase, .arguments = {}};
  const auto add = [&]() -> std::optional<Parsed> {
    Parsed next = expression(kAnyLevel);
    if (!next) return next;
    made.arguments.push_back(*std::move(next));
    return std::nullopt;
  };
  if (!is("when")) return unexpected_token();
  while (take("when")) {
    if (auto failed = add()) return *std::move(failed);
    if (!take("then")) return unexpected_token();
    if (auto failed = add()) return *std::move(failed);
  }
  if (take("else")) {
    if (auto failed = add()) return *std::move(failed);
  } else {
    made.arguments.push_back(constant(Null()));
  }
  if (!take("end")) return unexpected_token();
  return Expression{std::move(made)};
}

Parsed ExpressionParser::named(std::string_view name) {
  const auto* const found = std::ranges::find(
      kFunctions, name, [](const NamedFunction& each) { return each.name; });
  if (found == kFunctions.end()) {
    return tl::unexpected("unsupported function \"" + shown(name) + "\"");
  }
  if (!take("(")) return unexpected_token();
  auto given = arguments();
  if (!given) return tl::unexpected(std::move(given.error()));
  if (given->size() < found->fewest || given->size() > found->most) {
    return tl::unexpected("unexpected number of arguments of \"" +
                          std::string(name) + "\"");
  }
  if (takes_seed(*found) && given->size() < found->most) {
    given->push_back({VariableName{"default_seed"}});
  }
  return Expression{
      Call{.function = found->function, .arguments = *std::move(given)}};
}

// Up to the closing parenthesis, which it takes.
Result<std::vector<Expression>> ExpressionParser::arguments() {
  std::vector<Expression> given;
  if (take(")")) return given;
  for (;;) {
    Parsed next = expression(kAnyLevel);
    if (!next) return tl::unexpected(std::move(next.error()));
    given.push_back(*std::move(next));
    if (take(")")) return given;
    if (!take(",")) return unexpected_token();
  }
}

}  // namespace

Result<Expression> parse_expression(std::string_view text) {
  auto tokens = tokens_of(text);
  if (!tokens) return tl::unexpected(std::move(tokens.error()));
  return ExpressionParser(*tokens).whole();
}

void add_variables_of(const Expression& expression,
                      std::vector<std::string>& names) {
  if (const auto* variable = std::get_if<VariableName>(&expression.node)) {
    names.push_back(variable->name);
  } else if (const auto* call = std::get_if<Call>(&expression.node)) {
    for (const Expression& each : call->arguments) {
      add_variables_of(each, names);
    }
  }
}

}  // namespace dbpool::exporter::script
