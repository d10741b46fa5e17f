// The random numbers, hashes and permutations of pgbench's functions.
//
// The distributions and the hashes are pgbench's; the sequence of random
// numbers is not, nor which permutation a seed stands for.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_RANDOM_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_RANDOM_H_

#include <cstdint>
#include <random>

namespace dbpool::exporter::script {

using Random = std::mt19937_64;

// An integer of a range that holds less than 2^63 of them.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;  // >= low, belongs to it
};

inline constexpr double kMinGaussian = 2;
inline constexpr double kMinZipfian = 1.001;
inline constexpr double kMaxZipfian = 1000;

std::int64_t uniform(Range range, Random& random);
// `parameter` above 0.
std::int64_t exponential(Range range, double parameter, Random& random);
// `parameter` from kMinGaussian.
std::int64_t gaussian(Range range, double parameter, Random& random);
// `parameter` from kMinZipfian to kMaxZipfian.
std::int64_t zipfian(Range range, double parameter, Random& random);

std::int64_t hash_fnv1a(std::int64_t value, std::int64_t seed) noexcept;
std::int64_t hash_murmur2(std::int64_t value, std::int64_t seed) noexcept;

// Where `value` modulo `size` goes when 0 … size - 1 are shuffled.
// `size` above 0.
std::int64_t permute(std::int64_t value, std::int64_t size,
                     std::int64_t seed) noexcept;

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_RANDOM_H_
