#include "exporter/http/debug_pools_handler.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/base/utf8.h"
#include "exporter/http/debug_pools_page.h"
#include "exporter/http/pool_json.h"
#include "exporter/http/report_json.h"
#include "exporter/http/report_page.h"
#include "exporter/logging/timestamp.h"

namespace dbpool::exporter {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// Takes the part before the next `separator` off the front of `text`.
std::string_view next_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = trimmed(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

// The weight that an Accept header gives to just this media type; 0 if it does
// not name it.
double weight_of(std::string_view accept, std::string_view type) {
  while (!accept.empty()) {
    std::string_view parameters = next_part(accept, ',');
    if (next_part(parameters, ';') != type) continue;
    double weight = 1;
    while (!parameters.empty()) {
      const std::string_view parameter = next_part(parameters, ';');
      if (!parameter.starts_with("q=")) continue;
      std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(),
                      weight);
    }
    return weight;
  }
  return 0;
}

// nullopt: a format that there is not.
std::optional<bool> wants_json(const Request& request) {
  const auto format = request.parameter("format");
  if (!format) {
    const std::string_view accept = request.header("Accept");
    return weight_of(accept, kJsonType) > weight_of(accept, "text/html");
  }
  if (*format != "json" && *format != "html") return std::nullopt;
  return *format == "json";
}

std::string pools_json(const std::vector<PoolHolders>& pools,
                       const std::vector<ReportPtr>& reports) {
  nlohmann::ordered_json body;
  nlohmann::ordered_json& members = body["pools"];
  members = nlohmann::ordered_json::object();
  for (const PoolHolders& pool : pools) {
    nlohmann::ordered_json member = full_stats_json(pool.stats);
    member["verdict"] = verdict_json(pool.verdict);
    nlohmann::ordered_json& connections = member["connections"];
    connections = nlohmann::ordered_json::array();
    for (const ConnectionStats& connection : pool.connections) {
      connections.push_back(connection_json(connection));
    }
    members[to_utf8(pool.stats.name)] = std::move(member);
  }
  body["reports"] = nlohmann::ordered_json::array();
  for (const ReportPtr& report : reports) {
    nlohmann::ordered_json entry = {{"number", report->number},
                                    {"takenAt", rfc3339_utc(report->taken_at)}};
    entry.update(verdict_json(report->verdict));
    body["reports"].push_back(std::move(entry));
  }
  return body.dump(2) + "\n";
}

Response page(bool as_json, std::string body) {
  return {.content_type = std::string(as_json ? kJsonType : kHtmlType),
          .body = std::move(body),
          .headers = {{"Vary", "Accept"}}};
}

Response show_report(std::string_view number, bool as_json,
                     const std::vector<ReportPtr>& reports) {
  for (const ReportPtr& report : reports) {
    if (number != std::to_string(report->number)) continue;
    return page(as_json, as_json ? report_json(*report).dump(2) + "\n"
                                 : report_page(*report));
  }
  return {.status = 404,
          .body = "404: no such report; the last " +
                  std::to_string(kKeptReports) + " are kept\n"};
}

}  // namespace

Route debug_pools_route(std::function<std::vector<PoolHolders>()> ask,
                        std::function<std::vector<ReportPtr>()> reports) {
  const auto answer = [ask = std::move(ask), reports = std::move(reports)](
                          const Request& request) -> Response {
    const auto as_json = wants_json(request);
    if (!as_json) {
      return {.status = 400, .body = "400: format is json or html\n"};
    }
    if (const auto number = request.parameter("report")) {
      return show_report(*number, *as_json, reports());
    }
    return page(*as_json, *as_json ? pools_json(ask(), reports())
                                   : debug_pools_page(ask(), reports()));
  };
  return {.path = "/debug/pools", .name = "debug_pools", .handler = answer};
}

Route take_report_route(TakeReports take) {
  const auto answer =
      [take = std::move(take)](const Request& request) -> Response {
    std::string body;
    for (const std::uint64_t each : take(request.parameter("pool"))) {
      const std::string number = std::to_string(each);
      body.append("report ").append(number);
      body.append(" is being taken; see /debug/pools?report=");
      body.append(number).append("\n");
    }
    if (body.empty()) return {.status = 404, .body = "404: no such pool\n"};
    return {.body = std::move(body)};
  };
  return {.path = "/debug/report",
          .name = "debug_report",
          .handler = answer,
          .method = "POST"};
}

}  // namespace dbpool::exporter
