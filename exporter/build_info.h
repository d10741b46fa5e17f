// What the program was built from: for --version and for the metrics page.
#ifndef DBPOOL_EXPORTER_BUILD_INFO_H_
#define DBPOOL_EXPORTER_BUILD_INFO_H_

#include <string>
#include <vector>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

struct BuildInfo {
  std::string version;   // e.g. "0.1.0"
  std::string revision;  // short hash, or "unknown"
  std::string libpq;     // the one that is linked, e.g. "15.13"
  std::string compiler;  // e.g. "g++ 12.2.0"
};
BuildInfo build_info();

struct Library {
  std::string name;
  std::string version;
};
// What the program is made with: the version that is linked, or for those that
// are headers only the one that was compiled.
std::vector<Library> libraries();

// The text of --version, in lines.
std::string version_text();

// dbpool_exporter_build_info. Thread-safety: any thread.
class BuildInfoMetrics final : public metrics::Source {
 public:
  void tell(metrics::Sink& sink) const override;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BUILD_INFO_H_
