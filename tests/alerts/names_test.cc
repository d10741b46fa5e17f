// The names in the rules, the runbooks and the dashboards are those of a live
// page: metrics with their types, labels, values of labels.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/alerts/promql.h"
#include "tests/e2e/exporter.h"
#include "tests/support/certificates.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Texts = std::vector<std::string>;
using Names = std::set<std::string>;

const std::string kSource = DBPOOL_SOURCE_DIR;
const std::string kRules = kSource + "/alerts/dbpool.rules.yml";

Texts files_in(const std::string& folder, const std::string& extension) {
  Texts paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(kSource + "/" + folder)) {
    if (entry.path().extension() == extension) paths.push_back(entry.path());
  }
  return paths;
}

struct Rules {
  Texts queries;
  Names recorded;
};

Rules read_rules() {
  Rules rules;
  for (const YAML::Node& group : YAML::LoadFile(kRules)["groups"]) {
    for (const YAML::Node& rule : group["rules"]) {
      rules.queries.push_back(rule["expr"].as<std::string>());
      if (rule["record"])
        rules.recorded.insert(rule["record"].as<std::string>());
    }
  }
  return rules;
}

// The lines of a runbook's blocks of PromQL; each is a query.
Texts queries_of_runbook(const std::string& text) {
  Texts queries;
  bool inside = false;
  for (const std::string& line : lines_of(text)) {
    if (line.starts_with("```")) {
      inside = line == "```promql";
    } else if (inside) {
      queries.push_back(line);
    }
  }
  return queries;
}

Texts queries_of_runbooks() {
  Texts queries;
  for (const std::string& path : files_in("alerts/runbooks", ".md")) {
    const Texts some = queries_of_runbook(read_file(path));
    EXPECT_THAT(some, Not(IsEmpty())) << path;
    queries.insert(queries.end(), some.begin(), some.end());
  }
  return queries;
}

// Panels and annotations have "expr", variables "query".
void add_queries(const nlohmann::json& node, Texts& queries) {
  for (const auto& [key, value] : node.items()) {
    if (value.is_structured()) add_queries(value, queries);
    if (!value.is_string()) continue;
    const auto text = value.get<std::string>();
    if (key == "expr" || text.starts_with("label_values(")) {
      queries.push_back(text);
    }
  }
}

Texts queries_of_dashboards() {
  Texts queries;
  for (const std::string& path : files_in("dashboards", ".json")) {
    if (path.find("package") != std::string::npos) continue;
    add_queries(nlohmann::json::parse(read_file(path)), queries);
  }
  return queries;
}

// "" when Prometheus can parse them, else what it says.
std::string promtool_check_queries(const Texts& queries) {
  nlohmann::json group = {{"name", "queries"}, {"rules", {}}};
  for (const std::string& query : queries) {
    const std::string name = "query" + std::to_string(group["rules"].size());
    group["rules"].push_back({{"record", name}, {"expr", query}});
  }
  ChildOptions promtool;
  promtool.program = "promtool";
  promtool.args = {"check", "rules", "/dev/stdin"};
  try {
    run_to_end(promtool, nlohmann::json{{"groups", {group}}}.dump());
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

// An exporter that has all there is: TLS, a workload, every probe, a
// configuration file.
class AlertNamesTest : public ::testing::Test {
 protected:
  AlertNamesTest() {
    create_planted_role(postgres_);
    const std::string web = dir_.path() + "/web.yml";
    write_file(web, "health_without_auth: true\n");
    Exporter exporter(
        {.database_url = planted_url(postgres_),
         .args = {"--workload.rate=50", "--workload.sql=ping=SELECT 1",
                  "--web.config.file=" + web},
         .env = {{"DB_SSL", "true"},
                 {"DB_SSL_CA", base64(ca_.certificate())}}});
    EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
      return page.sum("dbpool_probe_success") == 3 &&
             page.value("dbpool_workload_requests_total") > 10 &&
             !page.all("dbpool_recommended_max_connections").empty();
    }));

    page_.emplace(exporter.page());
  }

  Texts faults(const std::string& query) const {
    return faults_of(query, *page_, rules_.recorded);
  }

  // A word that looks like a metric of ours and is none.
  Texts unknown_words(const std::string& text) const {
    static const std::regex word("\\bdbpool_[a-z0-9_]+");
    Names known = {"dbpool_exporter"};  // the program
    for (const Sample& sample : page_->samples()) known.insert(sample.name);
    Texts unknown;
    for (std::sregex_iterator at(text.begin(), text.end(), word), end;
         at != end; ++at) {
      const std::string name = at->str();
      if (!known.contains(name) && page_->type(name).empty()) {
        unknown.push_back(name);
      }
    }
    return unknown;
  }

  const CertificateAuthority ca_{"Names CA"};
  const Postgres postgres_{with_tls(
      ca_.issue({.common_name = "db", .alternative_names = "IP:127.0.0.1"}))};
  const TempDir dir_;
  const Rules rules_ = read_rules();
  std::optional<MetricsPage> page_;
};

TEST_F(AlertNamesTest, EveryQueryIsAboutSeriesOfALivePage) {
  const Texts runbooks = queries_of_runbooks();
  const Texts dashboards = queries_of_dashboards();
  EXPECT_GT(rules_.queries.size(), 20U);
  EXPECT_GT(runbooks.size(), 20U);
  EXPECT_GT(dashboards.size(), 50U);
  for (const Texts* queries : {&rules_.queries, &runbooks, &dashboards}) {
    for (const std::string& query : *queries) {
      EXPECT_THAT(faults(query), IsEmpty()) << query;
    }
  }
}

TEST_F(AlertNamesTest, EveryNameInTheTextsIsOnALivePage) {
  Texts paths = files_in("alerts/runbooks", ".md");
  for (const std::string& path : files_in("dashboards", ".json")) {
    paths.push_back(path);
  }
  paths.push_back(kRules);
  paths.push_back(kSource + "/alerts/alertmanager.example.yml");
  for (const std::string& path : paths) {
    EXPECT_THAT(unknown_words(read_file(path)), IsEmpty()) << path;
  }
  EXPECT_THAT(unknown_words("`dbpool_upp`, dbpool_up"), SizeIs(1));
}

TEST_F(AlertNamesTest, BrokenQueriesAreFound) {
  for (const char* query : {
           "dbpool_upp == 0",
           "rate(dbpool_acquire_wait_seconds_total[5m])",
           "rate(dbpool_overdue_leases[5m])",
           "dbpool_exhausted_seconds_total > 0",
           "rate(dbpool_lease_duration_seconds[5m])",
           R"(dbpool_waiting_requests{cause="capacity"})",
           R"(dbpool_waiting_requests{reason="capacities"})",
           R"(dbpool_waiting_requests{reason=~"capacity|openings"})",
           R"(rate(dbpool_lease_duration_seconds_bucket{le="0.2"}[5m]))",
           "sum by (pools) (dbpool_up)",
           "dbpool_up / ignoring (raeson) dbpool_up",
           "dbpool:acquires:rate7m > 0",
           "label_values(dbpool_max_connection, job)",
           "label_values(dbpool_max_connections, jobs)",
       }) {
    EXPECT_THAT(faults(query), SizeIs(1)) << query;
  }
}

TEST(RunbookQueriesTest, PrometheusParsesEach) {
  EXPECT_EQ(promtool_check_queries(queries_of_runbooks()), "");
  EXPECT_NE(promtool_check_queries({"sum by pool (dbpool_up)"}), "");
}

}  // namespace
}  // namespace dbpool::test
