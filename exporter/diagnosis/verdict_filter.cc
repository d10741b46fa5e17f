#include "exporter/diagnosis/verdict_filter.h"

#include <utility>

namespace dbpool::exporter {

namespace {

bool is_plain(Cause cause) {
  return cause == Cause::kNone || cause == Cause::kBackendDown ||
         cause == Cause::kServerSlots;
}

}  // namespace

bool VerdictFilter::is_to_take(const Verdict& verdict,
                               bool somebody_waits) const {
  if (is_plain(verdict.cause)) return true;
  const bool is_size = verdict.cause == Cause::kTooSmall;
  if (in_force_.cause == Cause::kNone) {
    if (is_size) return in_a_row_ >= kPatience;
    return somebody_waits;
  }
  if (!somebody_waits) return false;
  return verdict.cause == in_force_.cause || in_a_row_ >= kChange;
}

bool VerdictFilter::judged(Verdict verdict, bool somebody_waits) {
  in_a_row_ = verdict.cause == last_ ? in_a_row_ + 1 : 1;
  last_ = verdict.cause;
  if (!is_to_take(verdict, somebody_waits)) return false;
  const bool changed = verdict.cause != in_force_.cause;
  in_force_ = std::move(verdict);
  return changed;
}

}  // namespace dbpool::exporter
