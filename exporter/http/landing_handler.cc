#include "exporter/http/landing_handler.h"

#include <utility>

#include "dbpool/version.h"
#include "exporter/http/html.h"

namespace dbpool::exporter {

namespace {

void append_pool(std::string& page, const PoolHealth& pool) {
  const PoolStats& stats = pool.stats;
  const auto in_state = [&stats](ConnectionState state) {
    return stats.connections[static_cast<std::size_t>(state)];
  };
  std::string status(to_string(pool.status));
  if (!pool.reason.empty()) status += ": " + redact(pool.reason);
  page += "<tr>";
  append_cell(page, stats.name);
  append_cell(page, stats.user + "@" + stats.host + ":" + stats.port + "/" +
                        stats.database);
  append_cell(page, status);
  append_number(page, stats.total);
  append_number(page, stats.max_connections);
  append_number(page, in_state(ConnectionState::kActive));
  append_number(page, in_state(ConnectionState::kIdle));
  append_number(page, stats.waiting_total);
  page += "</tr>\n";
}

void append_pools(std::string& page, const std::vector<PoolHealth>& pools) {
  page +=
      "<table>\n<tr><th>pool</th><th>database</th><th>status</th>"
      "<th class=\"n\">connections</th><th class=\"n\">max</th>"
      "<th class=\"n\">active</th><th class=\"n\">idle</th>"
      "<th class=\"n\">waiting</th></tr>\n";
  for (const PoolHealth& pool : pools) append_pool(page, pool);
  page += "</table>\n";
}

void append_link(std::string& page, std::string_view path,
                 std::string_view meaning) {
  const std::string shown = escape_html(path);
  page.append("<li><a href=\"").append(shown).append("\">").append(shown);
  page.append("</a> – ").append(meaning).append("</li>\n");
}

Response landing_page(const std::string& telemetry_path,
                      const std::vector<PoolHealth>& pools) {
  std::string page = html_head("dbpool_exporter");
  page.append("<body>\n<h1>dbpool_exporter ")
      .append(version())
      .append("</h1>\n");
  append_pools(page, pools);
  page += "<ul>\n";
  append_link(page, telemetry_path, "metrics for Prometheus");
  append_link(page, "/health", "ok, degraded or down, as JSON");
  append_link(page, "/stats", "the pools' numbers, as JSON");
  append_link(page, "/debug/pools",
              "who holds each connection, and what runs on it");
  append_link(page, "/-/healthy", "the exporter is alive");
  append_link(page, "/-/ready", "the exporter is not shutting down");
  page += "</ul>\n</body>\n</html>\n";
  return {.content_type = std::string(kHtmlType), .body = std::move(page)};
}

}  // namespace

Route landing_route(std::string telemetry_path,
                    std::function<std::vector<PoolHealth>()> ask) {
  return {.path = "/",
          .name = "landing",
          .handler = [telemetry_path = std::move(telemetry_path),
                      ask = std::move(ask)](const Request&) {
            return landing_page(telemetry_path, ask());
          }};
}

}  // namespace dbpool::exporter
