#include "exporter/http/report_page.h"

#include <string_view>

#include "exporter/base/duration_words.h"
#include "exporter/diagnosis/words.h"
#include "exporter/http/debug_pools_page.h"
#include "exporter/http/html.h"
#include "exporter/logging/timestamp.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kTableHead =
    "<div class=\"scroll\" role=\"region\" aria-label=\"Backends\" "
    "tabindex=\"0\"><table>\n<tr><th class=\"n\">backend PID</th>"
    "<th>user</th><th>application</th><th>state</th>"
    "<th>transaction</th><th>blocked by</th><th>statement</th></tr>\n";

void append_paragraph(std::string& page, std::string_view title,
                      std::string_view text) {
  if (text.empty()) return;
  page.append("<p><b>").append(title).append("</b> ");
  page.append(escape_html(text)).append("</p>\n");
}

void append_backend(std::string& page, const Backend& backend) {
  std::string blockers;
  for (const int pid : backend.blockers) {
    if (!blockers.empty()) blockers += ", ";
    blockers += pid == 0 ? "a prepared transaction" : std::to_string(pid);
  }
  page += "<tr><td class=\"n\">" + std::to_string(backend.pid) + "</td>";
  append_cell(page, backend.user);
  append_cell(page, backend.application);
  append_cell(page, state_for_people(backend));
  append_cell(page, backend.in_transaction
                        ? duration_for_people(*backend.in_transaction)
                        : "");
  append_cell(page, blockers);
  page += "<td><code>" + escape_html(backend.statement) + "</code></td></tr>\n";
}

}  // namespace

std::string report_page(const ExhaustionReport& report) {
  const std::string number = std::to_string(report.number);
  std::string page =
      html_head("Exhaustion report " + number + " – dbpool_exporter");
  page += "<body class=\"wide\">\n<h1>Exhaustion report " + number +
          "</h1>\n<p>" + rfc3339_utc(report.taken_at) +
          ". <a href=\"/debug/pools\">Connections now</a>, "
          "<a href=\"?report=" +
          number + "&amp;format=json\">as JSON</a></p>\n";
  append_paragraph(page, "Cause:",
                   std::string(headline(report.verdict.cause)) + " (" +
                       std::string(to_string(report.verdict.cause)) + ")");
  append_paragraph(page, "What is found:", report.verdict.finding);
  append_paragraph(page, "What to do next:", report.verdict.action);
  append_paragraph(page, "How far it could grow:", report.ceiling);
  append_paragraph(page, "Not known:", report.database_error);
  append_pool_holders(page, {report.stats, report.connections, {}});
  if (report.database && !report.database->backends.empty()) {
    page += "<h2>The database's side</h2>\n";
    page += kTableHead;
    for (const Backend& backend : report.database->backends) {
      append_backend(page, backend);
    }
    page += "</table></div>\n";
  }
  page += "</body>\n</html>\n";
  return page;
}

}  // namespace dbpool::exporter
