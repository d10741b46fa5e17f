#include "exporter/workload/script/random.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace dbpool::exporter::script {
namespace {

// From (0, 1]: its logarithm is finite.
double above_zero(Random& random) {
  return 1 - std::uniform_real_distribution<double>(0, 1)(random);
}

std::int64_t size_of(Range range) { return range.high - range.low + 1; }

// The integer at `share`, from [0, 1), of the way through the range.
std::int64_t at(Range range, double share) {
  const auto offset =
      static_cast<std::int64_t>(static_cast<double>(size_of(range)) * share);
  // Rounding may reach the end of a range beyond 2^53.
  return range.low + std::clamp<std::int64_t>(offset, 0, size_of(range) - 1);
}

// One round of a network that swaps and mixes two halves of `bits` bits each.
std::uint64_t mixed(std::uint64_t both, unsigned bits, std::int64_t key) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  const std::uint64_t left = both >> bits;
  const std::uint64_t right = both & mask;
  const auto hash = static_cast<std::uint64_t>(
      hash_murmur2(static_cast<std::int64_t>(right), key));
  return (right << bits) | ((left ^ hash) & mask);
}

}  // namespace

std::int64_t uniform(Range range, Random& random) {
  return std::uniform_int_distribution<std::int64_t>(range.low,
                                                     range.high)(random);
}

// By inversion of the distribution cut off at the end of the range.
std::int64_t exponential(Range range, double parameter, Random& random) {
  const double cut = std::exp(-parameter);
  const double share =
      -std::log(cut + (1 - cut) * above_zero(random)) / parameter;
  return at(range, share);
}

// The range stands for [-parameter, parameter) of the standard normal
// distribution; what falls outside is drawn again.
std::int64_t gaussian(Range range, double parameter, Random& random) {
  std::normal_distribution<double> normal;
  double drawn = parameter;
  while (drawn < -parameter || drawn >= parameter) drawn = normal(random);
  return at(range, (drawn + parameter) / (2 * parameter));
}

// By rejection from an enveloping power law; Devroye, Non-Uniform Random
// Variate Generation, page 551, cut off at the end of the range.
std::int64_t zipfian(Range range, double parameter, Random& random) {
  const auto size = static_cast<double>(size_of(range));
  const double b = std::pow(2.0, parameter - 1);
  for (;;) {
    const double u = above_zero(random);
    const double v = above_zero(random);
    const double x = std::floor(std::pow(u, -1 / (parameter - 1)));
    if (!(x <= size)) continue;
    const double t = std::pow(1 + 1 / x, parameter - 1);
    if (v * x * (t - 1) / (b - 1) <= t / b) {
      return range.low +
             std::clamp<std::int64_t>(static_cast<std::int64_t>(x) - 1, 0,
                                      size_of(range) - 1);
    }
  }
}

std::int64_t hash_fnv1a(std::int64_t value, std::int64_t seed) noexcept {
  constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  constexpr unsigned kByte = 8;
  std::uint64_t hash = kBasis ^ static_cast<std::uint64_t>(seed);
  auto rest = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof rest; ++i) {
    hash = (hash ^ (rest & 0xff)) * kPrime;
    rest >>= kByte;
  }
  return static_cast<std::int64_t>(hash);
}

// MurmurHash64A of the eight bytes.
std::int64_t hash_murmur2(std::int64_t value, std::int64_t seed) noexcept {
  constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  constexpr unsigned kShift = 47;
  auto key = static_cast<std::uint64_t>(value) * kMultiplier;
  key = (key ^ (key >> kShift)) * kMultiplier;
  std::uint64_t hash =
      static_cast<std::uint64_t>(seed) ^ (sizeof key * kMultiplier);
  hash = (hash ^ key) * kMultiplier;
  hash = (hash ^ (hash >> kShift)) * kMultiplier;
  return static_cast<std::int64_t>(hash ^ (hash >> kShift));
}

std::int64_t permute(std::int64_t value, std::int64_t size,
                     std::int64_t seed) noexcept {
  const auto count = static_cast<std::uint64_t>(size);
  auto place = static_cast<std::uint64_t>(value) % count;
  if (count == 1) return 0;
  // A permutation of the next power of four, walked on until it is back among
  // the first `size`: four steps on average at most.
  const auto bits = static_cast<unsigned>(std::bit_width(count - 1) + 1) / 2;
  constexpr std::int64_t kRounds = 6;
  do {
    for (std::int64_t round = 1; round <= kRounds; ++round) {
      place = mixed(place, bits, hash_murmur2(round, seed));
    }
  } while (place >= count);
  return static_cast<std::int64_t>(place);
}

}  // namespace dbpool::exporter::script
