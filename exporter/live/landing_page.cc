#include "exporter/live/landing_page.h"

#include <cassert>
#include <string_view>
#include <utility>

#include "dbpool/version.h"
#include "exporter/http/html.h"
#include "exporter/live/assets.h"

namespace dbpool::exporter {

namespace {

// The page loads its own styles and scripts, asks this server, and nothing
// else; what it is told becomes no markup. Its icon is in the page.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

void append_pool(std::string& page, const PoolHealth& pool) {
  const PoolStats& stats = pool.stats;
  const auto in_state = [&stats](ConnectionState state) {
    return stats.connections[static_cast<std::size_t>(state)];
  };
  page += "<tr>";
  append_cell(page, stats.name);
  append_cell(page, to_string(pool.status));
  append_number(page, stats.waiting_total);
  append_number(page, in_state(ConnectionState::kActive));
  append_number(page, in_state(ConnectionState::kIdle));
  append_number(page, stats.total);
  append_number(page, stats.max_connections);
  append_cell(page, redact(pool.reason));
  append_cell(page, stats.user + "@" + stats.host + ":" + stats.port + "/" +
                        stats.database);
  page += "</tr>\n";
}

// Puts `text` in the place of "{{name}}", which is there once.
void fill_in(std::string& page, std::string_view name, std::string_view text) {
  const std::string mark = "{{" + std::string(name) + "}}";
  const std::size_t at = page.find(mark);
  assert(at != std::string::npos);
  page.replace(at, mark.size(), text);
}

Response landing_page(const std::string& telemetry_path,
                      const std::vector<PoolHealth>& pools) {
  std::string rows;
  for (const PoolHealth& pool : pools) append_pool(rows, pool);
  std::string page(assets::kLandingHtml.bytes);
  // What others can name comes last: it may look like a mark.
  fill_in(page, "version", version());
  fill_in(page, "telemetry_path", escape_html(telemetry_path));
  fill_in(page, "pools", rows);
  return {.content_type = std::string(kHtmlType),
          .body = std::move(page),
          .headers = {{"Content-Security-Policy", std::string(kPolicy)}}};
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

std::vector<Route> asset_routes() {
  std::vector<Route> routes;
  for (const assets::Asset* asset : assets::kServed) {
    const bool is_script = asset->name.ends_with(".js");
    routes.push_back(
        {.path = "/assets/" + std::string(asset->name),
         .name = "assets",
         .handler = [asset, is_script](const Request&) -> Response {
           return {.content_type = is_script ? "text/javascript; charset=utf-8"
                                             : "text/css; charset=utf-8",
                   .body = std::string(asset->bytes)};
         }});
  }
  return routes;
}

}  // namespace dbpool::exporter
