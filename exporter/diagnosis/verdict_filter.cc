#include "exporter/diagnosis/verdict_filter.h"

#include <utility>

namespace dbpool::exporter {

namespace {

bool is_plain(Cause cause) {
  return cause == Cause::kNone || cause == Cause::kBackendDown ||
         cause == Cause::kServerSlots;
}

}  // namespace

bool VerdictFilter::is_to_take(const Verdict& verdict, Moment moment) const {
  if (verdict.cause == Cause::kNone && in_force_.cause == Cause::kBackendDown &&
      !moment.is_served) {
    return in_a_row_ > kMemory;
  }
  if (is_plain(verdict.cause)) return true;
  const bool is_new = in_force_.cause == Cause::kNone;
  if (is_new && verdict.cause == Cause::kTooSmall) {
    return in_a_row_ >= kPatience;
  }
  if (!moment.somebody_waits) return false;
  if (verdict.cause == in_force_.cause) return true;
  return in_a_row_ >= kChange ||
         (is_new && verdict.cause != Cause::kOpeningSlow);
}

bool VerdictFilter::judged(Verdict verdict, Moment moment) {
  in_a_row_ = verdict.cause == last_ ? in_a_row_ + 1 : 1;
  last_ = verdict.cause;
  if (!is_to_take(verdict, moment)) return false;
  const bool changed = verdict.cause != in_force_.cause;
  in_force_ = std::move(verdict);
  return changed;
}

}  // namespace dbpool::exporter
