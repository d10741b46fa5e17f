// VerdictFilter: which of the verdicts of each second is in force, so that a
// moment between two states of a pool is not told as a cause.
//
//   in force    judged                    then
//   backend_    none, and nobody is       when judged more than kMemory times
//   down        served                    in a row: that nobody asks for a
//                                         connection does not bring it back
//   any         none, backend_down,       at once
//               server_slots
//   none        too_small                 when judged kPatience times in a row
//   none        opening_slow              when judged kChange times in a row: a
//                                         pool that grows is no matter
//   none        another                   at once
//   a cause     the same                  at once: its words are newer
//   a cause     another                   when judged kChange times in a row
//   any         any but the first row's,  as before: what is judged then is
//               and nobody waits          the past
//   none        too_small, nobody waits   counts towards kPatience: bursts
//                                         between two looks
//
// Thread-safety: none.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_VERDICT_FILTER_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_VERDICT_FILTER_H_

#include "exporter/diagnosis/verdict.h"

namespace dbpool::exporter {

class VerdictFilter {
 public:
  static constexpr int kPatience = 3;
  static constexpr int kChange = 2;
  static constexpr int kMemory = 60;

  // What else is to be seen when it is judged.
  struct Moment {
    bool somebody_waits = false;
    bool is_served = false;  // as is_served() has it
  };

  // Each second. Did the cause in force change?
  bool judged(Verdict verdict, Moment moment);
  const Verdict& in_force() const noexcept { return in_force_; }

 private:
  bool is_to_take(const Verdict& verdict, Moment moment) const;

  Verdict in_force_;
  Cause last_ = Cause::kNone;
  int in_a_row_ = 0;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_VERDICT_FILTER_H_
