#include "tests/e2e/exporter.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/eventually.h"

namespace dbpool::test {

namespace {

ChildOptions child_options(ExporterOptions options) {
  ChildOptions child;
  child.program = DBPOOL_EXPORTER_PROGRAM;
  if (!options.runner.empty()) {
    child.args.push_back(std::exchange(child.program, options.runner));
  }
  child.env = std::move(options.env);
  child.env.emplace("DB_LOG_QUERIES", "false");
  if (!options.database_url.empty()) {
    child.env["DATABASE_URL"] = options.database_url;
  }
  if (options.listen) {
    child.args.emplace_back("--web.listen-address=127.0.0.1:0");
  }
  child.args.insert(child.args.end(), options.args.begin(), options.args.end());
  return child;
}

}  // namespace

void create_planted_role(const Postgres& postgres, bool monitor) {
  const std::string user(kPlantedUser);
  postgres.sql("CREATE ROLE " + user + " LOGIN PASSWORD '" +
               std::string(kPlantedPassword) + "'");
  if (monitor) postgres.sql("GRANT pg_monitor TO " + user);
}

std::string planted_url(int port, const std::string& database) {
  return "postgresql://" + std::string(kPlantedUser) + ":" +
         std::string(kPlantedEncoded) + "@127.0.0.1:" + std::to_string(port) +
         "/" + database;
}

std::string planted_url(const Postgres& postgres) {
  return planted_url(postgres.port());
}

void expect_no_secret(const std::string& text, const std::string& where) {
  for (const char* part : {"pl4nt", "S3cret"}) {
    const std::size_t at = text.find(part);
    if (at == std::string::npos) continue;
    ADD_FAILURE() << "the planted password is in " << where << ": …"
                  << text.substr(at < 100 ? 0 : at - 100, 200) << "…";
  }
}

Exporter::Exporter(ExporterOptions options)
    : process_(child_options(std::move(options))) {}

Exporter::~Exporter() {
  expect_no_secret(output(), "the output");
  if (::testing::Test::HasFailure()) {
    GTEST_LOG_(INFO) << "output of the exporter:\n" << output();
  }
}

int Exporter::port() {
  if (port_ != 0) return port_;
  const std::string wanted = "listening.*127\\.0\\.0\\.1:([0-9]+)";
  const auto line = process_.wait_for_line(wanted, kLiveness);
  std::smatch match;
  if (!line || !std::regex_search(*line, match, std::regex(wanted))) {
    throw std::runtime_error("the exporter does not listen:\n" + output());
  }
  return port_ = std::stoi(match[1]);
}

HttpResponse Exporter::get(const std::string& target,
                           const HttpRequest& request) {
  HttpResponse response = http_get(port(), target, request);
  expect_no_secret(response.body, target);
  return response;
}

MetricsPage Exporter::page() {
  const HttpResponse response = get("/metrics");
  EXPECT_EQ(response.status, 200) << response.body;
  return MetricsPage(response.body);
}

bool Exporter::eventually_page(
    const std::function<bool(const MetricsPage&)>& holds,
    std::chrono::milliseconds deadline) {
  return eventually(deadline, [&] { return holds(page()); });
}

bool Exporter::wait_for_log(const std::string& regex,
                            std::chrono::milliseconds deadline) {
  return process_.wait_for_line(regex, deadline).has_value();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace dbpool::test
