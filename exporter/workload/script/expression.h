// Expression: what \set, \if and \elif compute; pgbench's grammar.
//
// Thread-safety: plain values.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_EXPRESSION_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_EXPRESSION_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "exporter/workload/script/random.h"
#include "exporter/workload/script/value.h"
#include "exporter/workload/script/variables.h"

namespace dbpool::exporter::script {

enum class Function : std::uint8_t {
  // Operators.
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kBitAnd,
  kBitOr,
  kBitXor,
  kShiftLeft,
  kShiftRight,
  kNot,
  kIs,
  // What need not compute all of its arguments.
  kAnd,
  kOr,
  kCase,  // condition, value, condition, value, … otherwise
  // What is called by name.
  kAbs,
  kDouble,
  kExp,
  kGreatest,
  kHashFnv1a,
  kHashMurmur2,
  kInt,
  kLeast,
  kLn,
  kPermute,
  kPi,
  kPower,
  kRandom,
  kRandomExponential,
  kRandomGaussian,
  kRandomZipfian,
  kSqrt,
};

struct Expression;

struct VariableName {
  std::string name;
};

struct Call {
  Function function = Function::kAdd;
  std::vector<Expression> arguments;
};

struct Expression {
  std::variant<Value, VariableName, Call> node;
};

// The whole of `text`. The error names the token that is wrong.
Result<Expression> parse_expression(std::string_view text);

// Errors: overflow, division by zero, a type or a range that a function does
// not take, a variable that nobody has set.
Result<Value> evaluate(const Expression& expression, const Variables& variables,
                       Random& random);

// The names of its variables, each as often as it stands there.
void add_variables_of(const Expression& expression,
                      std::vector<std::string>& names);

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_EXPRESSION_H_
