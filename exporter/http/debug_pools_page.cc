#include "exporter/http/debug_pools_page.h"

#include <algorithm>

#include "exporter/base/duration_words.h"
#include "exporter/base/holders.h"
#include "exporter/diagnosis/words.h"
#include "exporter/http/html.h"
#include "exporter/logging/timestamp.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kTableHead =
    "<div class=\"scroll\" role=\"region\" aria-label=\"Connections\" "
    "tabindex=\"0\"><table>\n<tr><th>state</th><th>for</th>"
    "<th>tag</th><th>acquired at</th><th class=\"n\">backend PID</th>"
    "<th>transaction</th><th>statement</th><th class=\"n\">uses</th>"
    "<th>age</th></tr>\n";

void append_transaction(std::string& page, const ConnectionStats& connection) {
  if (connection.transaction == TransactionStatus::kUnknown) {
    return append_cell(page, "");
  }
  std::string text(to_string(connection.transaction));
  if (connection.in_transaction > Duration::zero()) {
    text += ", open for " + duration_for_people(connection.in_transaction);
  }
  append_cell(page, text);
}

void append_statement(std::string& page, const ConnectionStats& connection) {
  page += "<td>";
  if (connection.statement) {
    const StatementStats& statement = *connection.statement;
    const std::string took = duration_for_people(statement.took);
    const std::string ago = duration_for_people(
        std::max(statement.started_ago - statement.took, Duration::zero()));
    page += statement.running ? "runs for " + took
                              : "ended " + ago + " ago, took " + took;
    if (connection.state == ConnectionState::kActive &&
        !connection.statement_is_of_lease()) {
      page += ", before this lease";
    }
    if (!statement.name.empty()) {
      page.append(": <b>").append(escape_html(statement.name)).append("</b>");
    }
    page.append("<br><code>").append(escape_html(statement.text));
    page += "</code>";
  }
  page += "</td>";
}

void append_connection(std::string& page, const ConnectionStats& connection) {
  page += "<tr>";
  append_cell(page, to_string(connection.state));
  append_cell(page, duration_for_people(connection.in_state));
  append_cell(page, connection.tag);
  append_cell(page, acquired_at(connection));
  page += "<td class=\"n\">";
  if (connection.backend_pid != 0) {
    page += std::to_string(connection.backend_pid);
  }
  page += "</td>";
  append_transaction(page, connection);
  append_statement(page, connection);
  append_number(page, connection.uses);
  append_cell(page, duration_for_people(connection.age));
  page += "</tr>\n";
}

// In words, and as the label has it.
void append_cause(std::string& page, Cause cause) {
  page.append("<b>").append(headline(cause)).append("</b> (");
  page.append(to_string(cause)).append(")");
}

void append_reports(std::string& page, const std::vector<ReportPtr>& reports) {
  page += "<h2>Exhaustion reports</h2>\n";
  if (reports.empty()) {
    page += "<p>None was taken.</p>\n";
    return;
  }
  page += "<ul>\n";
  for (const ReportPtr& report : reports) {
    const std::string number = std::to_string(report->number);
    page.append("<li><a href=\"?report=").append(number).append("\">");
    page.append(number).append("</a>, ");
    page.append(rfc3339_utc(report->taken_at)).append(": ");
    append_cause(page, report->verdict.cause);
    page += ". ";
    page.append(escape_html(report->verdict.finding)).append("</li>\n");
  }
  page += "</ul>\n";
}

void append_verdict(std::string& page, const Verdict& verdict) {
  if (verdict.cause == Cause::kNone) return;
  page += "<p>";
  append_cause(page, verdict.cause);
  page.append(": ").append(escape_html(verdict.finding));
  page.append(".<br>What to do: ");
  page.append(escape_html(verdict.action)).append(".</p>\n");
}

}  // namespace

void append_pool_holders(std::string& page, const PoolHolders& pool) {
  const PoolStats& stats = pool.stats;
  page.append("<h2>Pool ").append(escape_html(stats.name)).append("</h2>\n<p>");
  page += escape_html(stats.user + "@" + stats.host + ":" + stats.port + "/" +
                      stats.database);
  page += ": " + std::to_string(stats.total) + " of at most " +
          std::to_string(stats.max_connections) + " connections, " +
          std::to_string(stats.waiting_total) + " requests wait";
  if (stats.waiting_total > 0) {
    page += ", the oldest for " + duration_for_people(stats.oldest_waiting_age);
  }
  page += ".</p>\n";
  append_verdict(page, pool.verdict);
  if (pool.connections.empty()) {
    page += "<p>No connection is open.</p>\n";
    return;
  }
  page += kTableHead;
  for (const ConnectionStats& connection : pool.connections) {
    append_connection(page, connection);
  }
  page += "</table></div>\n";
}

std::string debug_pools_page(const std::vector<PoolHolders>& pools,
                             const std::vector<ReportPtr>& reports) {
  std::string page = html_head("Connections – dbpool_exporter");
  page +=
      "<body class=\"wide\">\n<h1>Who holds the connections</h1>\n"
      "<p><a href=\"/\">Overview</a>, <a href=\"?format=json\">as JSON</a>"
      "</p>\n";
  for (const PoolHolders& pool : pools) append_pool_holders(page, pool);
  append_reports(page, reports);
  page += "</body>\n</html>\n";
  return page;
}

}  // namespace dbpool::exporter
