#include "tests/dashboards/questions.h"

#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

Question question_of(const nlohmann::json& panel, const nlohmann::json& target,
                     const std::string& dashboard) {
  return {.where = dashboard + ": " + panel.at("title").get<std::string>() +
                   ", " + target.at("refId").get<std::string>(),
          .expr = target.at("expr"),
          .legend = target.at("legendFormat"),
          .is_instant = target.at("instant")};
}

}  // namespace

std::vector<nlohmann::json> read_dashboards() {
  std::vector<nlohmann::json> dashboards;
  for (const char* name :
       {"overview", "pool", "database", "workload", "fleet"}) {
    dashboards.push_back(nlohmann::json::parse(read_file(
        DBPOOL_SOURCE_DIR "/dashboards/" + std::string(name) + ".json")));
  }
  return dashboards;
}

std::vector<Question> questions_of(const nlohmann::json& dashboard) {
  const std::string title = dashboard.at("title");
  std::vector<Question> questions;
  for (const nlohmann::json& panel : dashboard.at("panels")) {
    if (!panel.contains("targets")) continue;
    for (const nlohmann::json& target : panel.at("targets")) {
      questions.push_back(question_of(panel, target, title));
    }
  }
  for (const nlohmann::json& one : dashboard.at("annotations").at("list")) {
    questions.push_back(
        {.where = title + ": annotations " + one.at("name").get<std::string>(),
         .expr = one.at("expr")});
  }
  return questions;
}

std::string substituted(std::string text, const Choice& choice) {
  for (const auto& [name, value] : choice) {
    const std::string variable = "$" + name;
    for (std::size_t at = 0;
         (at = text.find(variable, at)) != std::string::npos;
         at += value.size()) {
      text.replace(at, variable.size(), value);
    }
  }
  return text;
}

std::string chosen(const std::vector<std::string>& values) {
  std::string alternatives;
  for (const std::string& value : values) {
    if (!alternatives.empty()) alternatives += '|';
    for (const char c : value) {
      // Escaped twice: in the pattern, and in PromQL's string.
      if (std::string_view("\\^$*+?.()|[]{}/").find(c) !=
          std::string_view::npos) {
        alternatives += R"(\\)";
      }
      alternatives += c;
    }
  }
  return "(" + alternatives + ")";
}

}  // namespace dbpool::test
