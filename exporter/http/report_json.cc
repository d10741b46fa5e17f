#include "exporter/http/report_json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "exporter/base/utf8.h"
#include "exporter/http/pool_json.h"
#include "exporter/logging/timestamp.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

using Json = nlohmann::ordered_json;

void add(Json& json, std::string_view key, std::string_view text) {
  if (!text.empty()) json[std::string(key)] = to_utf8(text);
}

void add(Json& json, std::string_view key,
         const std::optional<Duration>& duration) {
  if (duration) json[std::string(key)] = metrics::seconds(*duration);
}

}  // namespace

Json backend_json(const Backend& backend) {
  Json json = {{"pid", backend.pid}, {"hidden", backend.hidden}};
  add(json, "user", backend.user);
  add(json, "database", backend.database);
  add(json, "application", backend.application);
  add(json, "type", backend.type);
  add(json, "state", backend.state);
  add(json, "waitEventType", backend.wait_event_type);
  add(json, "waitEvent", backend.wait_event);
  add(json, "inStateSeconds", backend.in_state);
  add(json, "inQuerySeconds", backend.in_query);
  add(json, "inTransactionSeconds", backend.in_transaction);
  add(json, "statement", backend.statement);
  json["maySignal"] = backend.may_signal;
  json["blockedBy"] = backend.blockers;
  return json;
}

Json verdict_json(const Verdict& verdict) {
  Json json;
  add(json, "cause", to_string(verdict.cause));
  add(json, "finding", verdict.finding);
  add(json, "action", verdict.action);
  return json;
}

Json report_json(const ExhaustionReport& report) {
  Json json = {{"number", report.number},
               {"takenAt", rfc3339_utc(report.taken_at)}};
  json.update(verdict_json(report.verdict));
  add(json, "ceiling", report.ceiling);
  add(json, "databaseError", report.database_error);
  json["poolName"] = to_utf8(report.stats.name);
  json["pool"] = full_stats_json(report.stats);
  json["connections"] = Json::array();
  for (const ConnectionStats& connection : report.connections) {
    json["connections"].push_back(connection_json(connection));
  }
  if (!report.database) return json;
  json["backends"] = Json::array();
  for (const Backend& backend : report.database->backends) {
    json["backends"].push_back(backend_json(backend));
  }
  return json;
}

}  // namespace dbpool::exporter
