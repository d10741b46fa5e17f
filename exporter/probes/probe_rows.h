// What a custom probe expects of its rows, and the values in them.
#ifndef DBPOOL_EXPORTER_PROBES_PROBE_ROWS_H_
#define DBPOOL_EXPORTER_PROBES_PROBE_ROWS_H_

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "dbpool/result.h"
#include "exporter/probes/custom_probe.h"
#include "exporter/probes/custom_probe_options.h"

namespace dbpool::exporter {

// The series that `rows`, in text, give. The error is one line that says what
// does not hold; of what the rows hold it shows numbers alone. Thread-safety: a
// pure function.
tl::expected<std::vector<ProbeValue>, std::string> read_probe_rows(
    const CustomProbeOptions& options, const Rows& rows);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_PROBE_ROWS_H_
