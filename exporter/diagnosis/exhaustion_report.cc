#include "exporter/diagnosis/exhaustion_report.h"

#include <utility>

#include "exporter/diagnosis/words.h"

namespace dbpool::exporter {

namespace {

std::string ceiling_words(const PoolStats& stats, const ServerLimits& limits) {
  const Ceiling ceiling = ceiling_of(stats, limits);
  return "before DB_POOL_MAX (" + std::to_string(stats.max_connections) +
         ") is raised: the database grants this pool " +
         std::to_string(ceiling.connections) +
         " connections at most now, bound by " + ceiling.bound;
}

}  // namespace

ExhaustionReport make_report(DiagnosisFacts facts) {
  ExhaustionReport report;
  report.verdict = judge_once(facts);
  report.database_error = std::move(facts.database_error);
  if (facts.database) {
    report.ceiling = ceiling_words(facts.stats, facts.database->limits);
    if (facts.database->behind_pooler) {
      report.database_error =
          "a pooler stands between: the PIDs known here are not the server's, "
          "so that no backend can be looked up";
    }
  }
  report.stats = std::move(facts.stats);
  report.connections = std::move(facts.connections);
  report.database = std::move(facts.database);
  return report;
}

}  // namespace dbpool::exporter
