// How many connections a load needs: the M/M/c queue, scaled.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_SIZING_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_SIZING_H_

#include <cstdint>
#include <optional>

#include "dbpool/options.h"

namespace dbpool::exporter {

struct OfferedLoad {
  double arrivals_per_second = 0;
  Duration mean_hold{0};
  double hold_variation = 1;  // the squared coefficient of variation

  // In connections, or Erlangs: arrival rate × mean hold.
  double connections() const;
};

// The probability that a request has to wait where `offered` Erlangs are
// served by `connections`: Erlang's C formula (A. K. Erlang, "Solution of some
// problems in the theory of probabilities of significance in automatic
// telephone exchanges", 1917), computed from the recurrence of his B formula,
// B(c) = aB(c-1) / (c + aB(c-1)), as C = B / (1 - a/c (1 - B)). 1 where the
// load is not less than the connections: the queue grows without end.
double erlang_c(std::uint32_t connections, double offered);

// The probability that a request waits for longer than `wait`. For
// exponential holds (variation 1) exact: C e^(-(c - a) wait / hold). For others
// the decay is divided by (1 + variation) / 2, the factor by which Allen and
// Cunneen correct the mean wait (A. O. Allen, "Probability, Statistics, and
// Queueing Theory", 2nd ed., 1990, section 5.7); that it serves for the tail
// too is a heuristic.
double wait_tail(std::uint32_t connections, const OfferedLoad& load,
                 Duration wait);

// The fewest connections with which no more than kMaySlow of the requests wait
// for longer than kGoodWait (load.h). nullopt: more than kMostConnections.
inline constexpr std::uint32_t kMostConnections = 100'000;
std::optional<std::uint32_t> needed_connections(const OfferedLoad& load);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_SIZING_H_
