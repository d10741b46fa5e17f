#include "exporter/build_info.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/version.h>
#include <zlib.h>

#include <CLI/Version.hpp>
#include <algorithm>
#include <asio/version.hpp>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "dbpool/version.h"
#include "exporter/build_revision.h"
#include "exporter/http/server.h"

namespace dbpool::exporter {

namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang++ " __clang_version__;
#elif defined(__GNUC__)
  return "g++ " __VERSION__;
#else
  return "unknown";
#endif
}

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." +
         std::to_string(patch);
}

}  // namespace

std::vector<Library> libraries() {
  return {
      {"libpq", libpq_version()},
      {"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
      {"civetweb", std::string(Server::library_version())},
      {"libxcrypt", XCRYPT_VERSION_STR},
      {"zlib", zlibVersion()},
      {"yaml-cpp", DBPOOL_YAML_CPP_VERSION},
      {"spdlog", dotted(SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)},
      {"fmt",
       dotted(FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"Asio", dotted(ASIO_VERSION / 100000, ASIO_VERSION / 100 % 1000,
                      ASIO_VERSION % 100)},
      {"CLI11", CLI11_VERSION},
      {"nlohmann-json",
       dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
              NLOHMANN_JSON_VERSION_PATCH)},
      {"tl::expected",
       dotted(TL_EXPECTED_VERSION_MAJOR, TL_EXPECTED_VERSION_MINOR,
              TL_EXPECTED_VERSION_PATCH)},
  };
}

BuildInfo build_info() {
  return {.version = std::string(version()),
          .revision = std::string(build_revision()),
          .libpq = libpq_version(),
          .compiler = compiler()};
}

std::string version_text() {
  constexpr std::size_t kColumn = 15;
  const BuildInfo info = build_info();
  std::vector<Library> lines = {{"revision", info.revision},
                                {"compiler", info.compiler}};
  std::ranges::move(libraries(), std::back_inserter(lines));
  std::string text = "dbpool_exporter " + info.version + "\n";
  for (Library& line : lines) {
    line.name.resize(kColumn, ' ');
    text.append("  ").append(line.name).append(line.version).append("\n");
  }
  return text;
}

void BuildInfoMetrics::tell(metrics::Sink& sink) const {
  const BuildInfo info = build_info();
  sink.add(metrics::kBuildInfo,
           {{"version", info.version},
            {"revision", info.revision},
            {"libpq", info.libpq},
            {"compiler", info.compiler}},
           1);
}

}  // namespace dbpool::exporter
