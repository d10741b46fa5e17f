#include "exporter/diagnosis/sizing.h"

#include <cmath>

#include "exporter/diagnosis/load.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

// Of Erlang's B formula, with one connection more.
double next_erlang_b(double before, std::uint32_t connections, double offered) {
  return offered * before / (connections + offered * before);
}

double c_of_b(double b, std::uint32_t connections, double offered) {
  if (offered >= connections) return 1;
  return b / (1 - offered / connections * (1 - b));
}

double decay(std::uint32_t connections, const OfferedLoad& load,
             Duration wait) {
  const double hold = metrics::seconds(load.mean_hold);
  if (hold <= 0) return 0;
  const double scale = (1 + load.hold_variation) / 2;
  return std::exp(-(connections - load.connections()) * metrics::seconds(wait) /
                  (hold * scale));
}

}  // namespace

double OfferedLoad::connections() const {
  return arrivals_per_second * metrics::seconds(mean_hold);
}

double erlang_c(std::uint32_t connections, double offered) {
  double b = 1;
  for (std::uint32_t n = 1; n <= connections; ++n) {
    b = next_erlang_b(b, n, offered);
  }
  return c_of_b(b, connections, offered);
}

double wait_tail(std::uint32_t connections, const OfferedLoad& load,
                 Duration wait) {
  const double offered = load.connections();
  if (offered >= connections) return 1;
  return erlang_c(connections, offered) * decay(connections, load, wait);
}

std::optional<std::uint32_t> needed_connections(const OfferedLoad& load) {
  const double offered = load.connections();
  double b = 1;
  for (std::uint32_t n = 1; n <= kMostConnections; ++n) {
    b = next_erlang_b(b, n, offered);
    if (offered >= n) continue;
    if (c_of_b(b, n, offered) * decay(n, load, kGoodWait) <= kMaySlow) return n;
  }
  return std::nullopt;
}

}  // namespace dbpool::exporter
