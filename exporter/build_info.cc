#include "exporter/build_info.h"

#include "dbpool/version.h"
#include "exporter/build_revision.h"

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

}  // namespace

BuildInfo build_info() {
  return {.version = std::string(version()),
          .revision = std::string(build_revision()),
          .libpq = libpq_version(),
          .compiler = compiler()};
}

std::string version_text() {
  const BuildInfo info = build_info();
  return "dbpool_exporter " + info.version + "\n  revision " + info.revision +
         "\n  libpq    " + info.libpq + "\n  compiler " + info.compiler + "\n";
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
