// The rows of the table in verdict.h that look at who holds the connections.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_HOLDER_VERDICTS_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_HOLDER_VERDICTS_H_

#include <optional>

#include "exporter/diagnosis/verdict.h"

namespace dbpool::exporter {

// From lock_contention to idle_in_transaction; nullopt: no holder is to blame.
// A pure function; any thread.
std::optional<Verdict> judge_holders(const DiagnosisFacts& facts);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_HOLDER_VERDICTS_H_
