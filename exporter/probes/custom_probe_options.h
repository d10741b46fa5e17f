// CustomProbeOptions: a probe that the operator wrote.
#ifndef DBPOOL_EXPORTER_PROBES_CUSTOM_PROBE_OPTIONS_H_
#define DBPOOL_EXPORTER_PROBES_CUSTOM_PROBE_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "dbpool/options.h"

namespace dbpool::exporter {

// A pool's; each has a thread of its own.
inline constexpr std::size_t kMostCustomProbes = 20;
// Series of dbpool_probe_value that one run may give; a run that gives more
// fails.
inline constexpr std::size_t kMostProbeValues = 100;
inline constexpr std::size_t kMostProbeLabels = 5;
// Characters of a label's value; what is longer is cut.
inline constexpr std::size_t kLongestProbeLabel = 120;

enum class ServerRole : std::uint8_t { kPrimary, kStandby };
std::string_view to_string(ServerRole role) noexcept;

// Both ends are within; nullopt: no such end.
template <typename T>
struct Bounds {
  std::optional<T> min, max;

  bool any() const noexcept { return min || max; }
  // Not for a NaN, where there is any end.
  bool hold(T value) const noexcept {
    return (!min || value >= *min) && (!max || value <= *max);
  }
  bool operator==(const Bounds&) const = default;
};

struct CustomProbeOptions {
  std::string name;  // the label `probe`
  std::string sql;   // one statement, $1 … for parameters
  std::vector<std::string> parameters;
  // The server must be in it; nullopt: either will do.
  std::optional<ServerRole> role;
  Bounds<std::uint64_t> rows;                 // how many
  std::map<std::string, std::string> expect;  // of the first row, by column
  // The columns that become gauges, each with what its values must be within.
  std::map<std::string, Bounds<double>> values;
  std::vector<std::string> labels;  // columns that tell the rows apart
  Duration interval = std::chrono::seconds(15);
  Duration timeout = std::chrono::seconds(5);

  bool operator==(const CustomProbeOptions&) const = default;
};

// One line that says what is wrong and what is accepted; holds no SQL, no
// parameter and no expected text.
tl::expected<void, std::string> validate(const CustomProbeOptions& options);

// Each of them, their number and that no two have one name.
tl::expected<void, std::string> validate(
    const std::vector<CustomProbeOptions>& probes);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_CUSTOM_PROBE_OPTIONS_H_
