#include "exporter/http/probe_handler.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "exporter/base/ascii.h"
#include "exporter/http/html.h"
#include "exporter/http/text_page.h"
#include "exporter/logging/timestamp.h"
#include "exporter/settings/parsers.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kLongestQuery = 2000;

using BadRequest = tl::unexpected<std::string>;
using Parameters = std::map<std::string, std::string>;

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = in_lower_case(c);
  if (lower < 'a' || lower > 'f') return std::nullopt;
  return static_cast<unsigned>(lower - 'a' + 10);
}

// As forms are encoded.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    result += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return result;
}

tl::expected<Parameters, std::string> parameters_of(std::string_view query) {
  if (query.size() > kLongestQuery) {
    return BadRequest("expected at most 2000 characters of parameters");
  }
  Parameters parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::string_view name = pair.substr(0, pair.find('='));
    if (name != "target" && name != "module" && name != "debug") {
      return BadRequest(
          "expected the parameters target, module and debug alone");
    }
    auto value = decoded(pair.substr(std::min(name.size() + 1, pair.size())));
    if (!value) {
      return BadRequest(std::string(name) + ": is not percent-encoded");
    }
    if (!parameters.emplace(name, *std::move(value)).second) {
      return BadRequest(std::string(name) + ": expected once");
    }
  }
  return parameters;
}

// "9.5". What is no number of seconds counts as none.
std::optional<Duration> scrape_timeout(std::string_view text) {
  double seconds = 0;
  constexpr double kMost = 3600;
  if (parse_rate(text, kMost, seconds)) return std::nullopt;
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(seconds));
}

Response refusal(const std::string& why) {
  return {.status = 400, .body = "400: " + why + "\n"};
}

Response answer(Targets& targets, const Request& request) {
  const auto asked = read_probe_request(request);
  if (!asked) return refusal(asked.error());
  ProbeAnswer answer = targets.probe(*asked);
  Response response{.status = answer.status, .body = std::move(answer.text)};
  if (answer.status == 200) response.content_type = kPrometheusText;
  if (answer.status == 503) response.headers = {{"Retry-After", "1"}};
  return response;
}

void append_row(std::string& page, const ProbeEntry& entry) {
  page += "<tr>";
  append_cell(page, rfc3339_utc(entry.when));
  append_cell(page, entry.module);
  append_cell(page, entry.target);
  append_cell(page, to_string(entry.outcome));
  append_cell(page, milliseconds_text(entry.took));
  append_cell(page, entry.why);
  page += "</tr>\n";
}

}  // namespace

tl::expected<ProbeRequest, std::string> read_probe_request(
    const Request& request) {
  auto parameters = parameters_of(request.query);
  if (!parameters) return BadRequest(std::move(parameters.error()));
  const auto target = parameters->find("target");
  if (target == parameters->end()) {
    return BadRequest("target: expected HOST[:PORT][/DATABASE]");
  }
  ProbeRequest asked;
  asked.target = target->second;
  if (const auto module = parameters->find("module");
      module != parameters->end()) {
    asked.module = module->second;
  }
  if (const auto debug = parameters->find("debug");
      debug != parameters->end()) {
    if (parse_bool(debug->second, asked.debug)) {
      return BadRequest("debug: expected true or false");
    }
  }
  asked.scrape_timeout =
      scrape_timeout(request.header("X-Prometheus-Scrape-Timeout-Seconds"));
  return asked;
}

Route probe_route(std::shared_ptr<Targets> targets) {
  return {.path = "/probe",
          .name = "probe",
          .handler = [targets = std::move(targets)](const Request& request) {
            return answer(*targets, request);
          }};
}

Route probe_results_route(std::shared_ptr<const Targets> targets) {
  const auto show = [targets = std::move(targets)](const Request&) -> Response {
    std::string page = html_head("Probed targets – dbpool_exporter");
    page +=
        "<body class=\"wide\">\n<h1>Probed targets</h1>\n<p><a "
        "href=\"/\">Overview</a>; the last hundred requests for /probe, the "
        "newest first.</p>\n<table>\n<tr><th>when</th><th>module</th>"
        "<th>target</th><th>outcome</th><th>took</th><th>why</th></tr>\n";
    for (const ProbeEntry& entry : targets->results()) append_row(page, entry);
    page += "</table>\n</body>\n</html>\n";
    return {.content_type = std::string(kHtmlType), .body = std::move(page)};
  };
  return {.path = "/probe/results", .name = "probe_results", .handler = show};
}

}  // namespace dbpool::exporter
