// The YAML of --config.file: a refusal is one line that shows no value that may
// be a secret; what is taken is bounded, whatever variables and aliases put
// into it.

#include "exporter/settings/config_file.h"

#include "tests/fuzz/yaml_keys.h"

namespace dbpool::fuzz {
namespace {

// Whose values mistakes show.
const ShownKeys& shown_keys() {
  static const ShownKeys kKeys = {
      "hosts",           "networks",    "ports",   "probes",
      "max_connections", "keep",        "timeout", "role",
      "interval",        "max_targets", "min",     "max"};
  return kKeys;
}

// 1 MiB of values, and the folder before each path.
constexpr std::size_t kMostBytes = 2 * 1024UL * 1024;

std::size_t size_of(const exporter::Source& source) {
  std::size_t bytes = 0;
  for (const auto& [key, given] : source) {
    require(!given.values.empty() && given.values.size() == given.shown.size(),
            "each value has what is shown in its place", key);
    for (const std::string& value : given.values) bytes += value.size();
  }
  return bytes;
}

void check_taken(const exporter::ConfigFile& file) {
  std::size_t bytes = size_of(file.source);
  for (const exporter::PoolSection& pool : file.pools) {
    require(!pool.name.empty() && !pool.where.empty(), "a pool has a name");
    bytes += size_of(pool.source);
    for (const auto& [name, ways] : pool.secrets) bytes += ways.value.size();
  }
  require(bytes <= kMostBytes, "what a file gives is bounded");
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool::fuzz;
  const std::string text = planted(view(data, size));
  const auto file = dbpool::exporter::parse_config_file(
      text, "/etc/dbpool/pools.yml",
      {{"N", "3"}, {"LONG", std::string(100'000, 'x')}});
  if (file) {
    check_taken(*file);
    return 0;
  }
  check_refused_yaml(file.error(), "/etc/dbpool/pools.yml", text, shown_keys());
  return 0;
}
