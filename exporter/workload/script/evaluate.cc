#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <utility>

#include "exporter/workload/script/expression.h"

namespace dbpool::exporter::script {
namespace {

using Evaluated = Result<Value>;
using Arguments = std::span<const Value>;

constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();

tl::unexpected<std::string> failure(std::string message) {
  return tl::unexpected(std::move(message));
}

Evaluated arithmetic(Function function, double left, double right) {
  switch (function) {
    case Function::kAdd:
      return left + right;
    case Function::kSubtract:
      return left - right;
    case Function::kMultiply:
      return left * right;
    case Function::kDivide:
      return left / right;
    case Function::kEqual:
      return left == right;
    case Function::kNotEqual:
      return left != right;
    case Function::kLess:
      return left < right;
    default:
      return left <= right;
  }
}

Evaluated divided(Function function, std::int64_t left, std::int64_t right) {
  if (right == 0) return failure("division by zero");
  // The machine cannot divide the lowest number by it.
  if (right == -1) {
    if (function == Function::kModulo) return std::int64_t{0};
    if (left == kLowest) return failure("bigint div out of range");
    return -left;
  }
  return function == Function::kModulo ? left % right : left / right;
}

Evaluated arithmetic(Function function, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (function) {
    case Function::kAdd:
      if (!__builtin_add_overflow(left, right, &result)) return result;
      return failure("bigint add out of range");
    case Function::kSubtract:
      if (!__builtin_sub_overflow(left, right, &result)) return result;
      return failure("bigint sub out of range");
    case Function::kMultiply:
      if (!__builtin_mul_overflow(left, right, &result)) return result;
      return failure("bigint mul out of range");
    case Function::kEqual:
      return left == right;
    case Function::kNotEqual:
      return left != right;
    case Function::kLess:
      return left < right;
    case Function::kLessOrEqual:
      return left <= right;
    default:
      return divided(function, left, right);
  }
}

bool is_double(const Value& value) {
  return std::holds_alternative<double>(value);
}

// `use` of both as numbers of one type, or of what keeps them from being so.
template <typename Number, typename Use>
Evaluated with_both(const Result<Number>& left, const Result<Number>& right,
                    Use use) {
  if (!left) return failure(left.error());
  if (!right) return failure(right.error());
  return use(*left, *right);
}

Evaluated arithmetic(Function function, Arguments arguments) {
  const auto use = [&](auto left, auto right) {
    return arithmetic(function, left, right);
  };
  const Value& left = arguments[0];
  const Value& right = arguments[1];
  if (function != Function::kModulo && (is_double(left) || is_double(right))) {
    return with_both(to_double(left), to_double(right), use);
  }
  return with_both(to_int(left), to_int(right), use);
}

Evaluated bits(Function function, Arguments arguments) {
  constexpr std::uint64_t kMaxShift = 63;
  return with_both(to_int(arguments[0]), to_int(arguments[1]),
                   [&](std::int64_t left, std::int64_t right) -> Evaluated {
                     const auto shift =
                         static_cast<std::uint64_t>(right) & kMaxShift;
                     switch (function) {
                       case Function::kBitAnd:
                         return left & right;
                       case Function::kBitOr:
                         return left | right;
                       case Function::kBitXor:
                         return left ^ right;
                       case Function::kShiftLeft:
                         return left << shift;
                       default:
                         return left >> shift;
                     }
                   });
}

Evaluated extreme(Function function, Arguments arguments) {
  const Function order = Function::kLess;
  Value best = arguments[0];
  bool any_double = is_double(best);
  for (const Value& each : arguments.subspan(1)) {
    any_double = any_double || is_double(each);
    const bool wants_greater = function == Function::kGreatest;
    const std::array<Value, 2> pair = {wants_greater ? best : each,
                                       wants_greater ? each : best};
    Evaluated is_better = arithmetic(order, pair);
    if (!is_better) return is_better;
    if (std::get<bool>(*is_better)) best = each;
  }
  if (any_double) return to_double(best).map([](double d) { return Value(d); });
  return to_int(best).map([](std::int64_t i) { return Value(i); });
}

Evaluated of_number(Function function, const Value& argument) {
  const auto* const whole = std::get_if<std::int64_t>(&argument);
  if (function == Function::kAbs && whole != nullptr) {
    // The lowest number has no opposite, and stays.
    return *whole < 0 && *whole != kLowest ? -*whole : *whole;
  }
  return to_double(argument).map([&](double number) -> Value {
    switch (function) {
      case Function::kAbs:
        return std::fabs(number);
      case Function::kExp:
        return std::exp(number);
      case Function::kLn:
        return std::log(number);
      case Function::kSqrt:
        return std::sqrt(number);
      default:
        return number;  // double()
    }
  });
}

Evaluated drawn(Function function, Range range, double parameter,
                Random& random) {
  switch (function) {
    case Function::kRandomExponential:
      if (parameter > 0) return exponential(range, parameter, random);
      return failure("exponential parameter must be greater than zero");
    case Function::kRandomGaussian:
      if (parameter >= kMinGaussian) return gaussian(range, parameter, random);
      return failure("gaussian parameter must be at least 2");
    default:
      if (parameter >= kMinZipfian && parameter <= kMaxZipfian) {
        return zipfian(range, parameter, random);
      }
      return failure("zipfian parameter must be in range [1.001, 1000]");
  }
}

Evaluated drawn(Function function, Arguments arguments, Random& random) {
  const auto low = to_int(arguments[0]);
  const auto high = to_int(arguments[1]);
  if (!low) return failure(low.error());
  if (!high) return failure(high.error());
  if (*low > *high) return failure("empty range given to random");
  std::int64_t span = 0;
  if (__builtin_sub_overflow(*high, *low, &span) ||
      span == std::numeric_limits<std::int64_t>::max()) {
    return failure("random range is too large");
  }
  const Range range{.low = *low, .high = *high};
  if (function == Function::kRandom) return uniform(range, random);
  const auto parameter = to_double(arguments[2]);
  if (!parameter) return failure(parameter.error());
  return drawn(function, range, *parameter, random);
}

Evaluated hashed(Function function, Arguments arguments) {
  return with_both(to_int(arguments[0]), to_int(arguments[1]),
                   [&](std::int64_t value, std::int64_t seed) -> Evaluated {
                     return function == Function::kHashFnv1a
                                ? hash_fnv1a(value, seed)
                                : hash_murmur2(value, seed);
                   });
}

Evaluated permuted(Arguments arguments) {
  const auto seed = to_int(arguments[2]);
  if (!seed) return failure(seed.error());
  return with_both(
      to_int(arguments[0]), to_int(arguments[1]),
      [&](std::int64_t value, std::int64_t size) -> Evaluated {
        if (size > 0) return permute(value, size, *seed);
        return failure("permute size parameter must be greater than zero");
      });
}

// With arguments that are as many as the function takes, and none NULL.
Evaluated applied(Function function, Arguments arguments, Random& random) {
  switch (function) {
    case Function::kBitAnd:
    case Function::kBitOr:
    case Function::kBitXor:
    case Function::kShiftLeft:
    case Function::kShiftRight:
      return bits(function, arguments);
    case Function::kNot:
      return to_bool(arguments[0]).map([](bool b) { return Value(!b); });
    case Function::kInt:
      return to_int(arguments[0]).map([](auto i) { return Value(i); });
    case Function::kAbs:
    case Function::kDouble:
    case Function::kExp:
    case Function::kLn:
    case Function::kSqrt:
      return of_number(function, arguments[0]);
    case Function::kGreatest:
    case Function::kLeast:
      return extreme(function, arguments);
    case Function::kHashFnv1a:
    case Function::kHashMurmur2:
      return hashed(function, arguments);
    case Function::kPermute:
      return permuted(arguments);
    case Function::kPi:
      return std::numbers::pi;
    case Function::kPower:
      return with_both(to_double(arguments[0]), to_double(arguments[1]),
                       [](double base, double exponent) -> Evaluated {
                         return std::pow(base, exponent);
                       });
    case Function::kRandom:
    case Function::kRandomExponential:
    case Function::kRandomGaussian:
    case Function::kRandomZipfian:
      return drawn(function, arguments, random);
    default:
      return arithmetic(function, arguments);
  }
}

class Evaluator {
 public:
  Evaluator(const Variables& variables, Random& random)
      : variables_(variables), random_(random) {}

  Evaluated value_of(const Expression& expression) {
    if (const auto* constant = std::get_if<Value>(&expression.node)) {
      return *constant;
    }
    if (const auto* variable = std::get_if<VariableName>(&expression.node)) {
      return variables_.value(variable->name);
    }
    const Call& call = std::get<Call>(expression.node);
    switch (call.function) {
      case Function::kAnd:
      case Function::kOr:
        return joined(call);
      case Function::kCase:
        return chosen(call.arguments);
      default:
        return called(call);
    }
  }

 private:
  // The second operand counts where the first does not decide.
  Evaluated joined(const Call& call) {
    for (const Expression& each : call.arguments) {
      Evaluated value = value_of(each);
      if (!value || std::holds_alternative<Null>(*value)) return value;
      const auto flag = to_bool(*value);
      if (!flag) return failure(flag.error());
      if (*flag == (call.function == Function::kOr)) return *flag;
    }
    return call.function == Function::kAnd;
  }

  Evaluated chosen(const std::vector<Expression>& arguments) {
    for (std::size_t i = 0; i + 1 < arguments.size(); i += 2) {
      Evaluated condition = value_of(arguments[i]);
      if (!condition) return condition;
      if (is_true(*condition)) return value_of(arguments[i + 1]);
    }
    return value_of(arguments.back());
  }

  Evaluated called(const Call& call) {
    std::vector<Value> values;
    values.reserve(call.arguments.size());
    bool any_null = false;
    for (const Expression& each : call.arguments) {
      Evaluated value = value_of(each);
      if (!value) return value;
      any_null = any_null || std::holds_alternative<Null>(*value);
      values.push_back(*value);
    }
    if (call.function == Function::kIs) return values[0] == values[1];
    if (any_null) return Null();
    return applied(call.function, values, random_);
  }

  const Variables& variables_;
  Random& random_;
};

}  // namespace

Result<Value> evaluate(const Expression& expression, const Variables& variables,
                       Random& random) {
  return Evaluator(variables, random).value_of(expression);
}

}  // namespace dbpool::exporter::script
