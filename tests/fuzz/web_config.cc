// The YAML of --web.config.file: a refusal is one line that shows no value;
// what is taken holds nothing that could break a header.

#include "exporter/web_config/web_config.h"

#include "tests/fuzz/yaml_keys.h"

namespace dbpool::fuzz {
namespace {

void check_taken(const exporter::WebConfig& config) {
  for (const exporter::Header& header : config.headers) {
    require(header.value.find_first_of("\r\n") == std::string::npos,
            "a header is one line", header.value);
  }
  for (const auto& [name, hash] : config.users) {
    require(!name.empty() && hash.size() == 60, "a user has a hash", name);
  }
  if (!config.tls) return;
  require(
      config.tls->certificate.is_given() && config.tls->private_key.is_given(),
      "TLS has a certificate and a key");
  require(config.tls->min_version <= config.tls->max_version,
          "some version is left");
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool::fuzz;
  const std::string text = planted(view(data, size));
  const auto config =
      dbpool::exporter::parse_web_config(text, "/etc/dbpool/web.yml");
  if (config) {
    check_taken(*config);
    return 0;
  }
  check_refused_yaml(config.error(), "/etc/dbpool/web.yml", text);
  return 0;
}
