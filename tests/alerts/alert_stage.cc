#include "tests/alerts/alert_stage.h"

#include <gtest/gtest.h>

#include <regex>

#include "tests/alerts/rules.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

const std::string kAlerts = DBPOOL_SOURCE_DIR "/alerts";

// Where the example sends it.
std::string path_of(const Alert& alert) {
  if (alert.name == "DbpoolWatchdog") return "/deadman";
  return alert.severity == "critical" ? "/pager" : "/chat";
}

bool is_of(const nlohmann::json& notice, const std::string& job,
           const Alert& alert) {
  const nlohmann::json& labels = notice.at("labels");
  if (labels.at("alertname") != alert.name) return false;
  if (!job.empty() && labels.value("job", "") != job) return false;
  if (!alert.severity.empty() && labels.value("severity", "") != alert.severity)
    return false;
  for (const auto& [name, value] : alert.labels) {
    if (labels.value(name, "") != value) return false;
  }
  return true;
}

// Each alert of them, with the path to which it came.
std::vector<nlohmann::json> notices_of(
    const std::vector<Delivery>& deliveries) {
  std::vector<nlohmann::json> notices;
  for (const Delivery& delivery : deliveries) {
    for (const nlohmann::json& notice : delivery.body.at("alerts")) {
      notices.push_back(notice);
      notices.back()["path"] = delivery.path;
    }
  }
  return notices;
}

// The last notice of it; null when there is none.
nlohmann::json last_notice(const std::vector<Delivery>& deliveries,
                           const std::string& job, const Alert& alert) {
  nlohmann::json last;
  for (const nlohmann::json& notice : notices_of(deliveries)) {
    if (is_of(notice, job, alert)) last = notice;
  }
  return last;
}

void expect_whole(const nlohmann::json& notice, const Alert& alert) {
  EXPECT_EQ(notice.at("path"), path_of(alert));
  const nlohmann::json& texts = notice.at("annotations");
  EXPECT_NE(texts.value("summary", ""), "");
  const std::string instance = notice.at("labels").value("instance", "");
  EXPECT_NE(texts.value("description", "").find(instance), std::string::npos);
  const std::string page = "/" + alert.name + ".md";
  EXPECT_TRUE(texts.value("runbook_url", "").ends_with(page)) << texts;
}

std::string described(const std::string& job, const Alert& alert) {
  std::string text = alert.name + " (" + alert.severity + ") of " + job;
  for (const auto& [name, value] : alert.labels)
    text.append(" ").append(name).append("=").append(value);
  return text;
}

std::string firing(const std::string& job) {
  return R"(ALERTS{alertstate="firing",job=")" + job + "\"}";
}

}  // namespace

std::string AlertInbox::alertmanager_configuration() const {
  std::string text = read_file(kAlerts + "/alertmanager.example.yml");
  const std::string own = "127.0.0.1:" + std::to_string(receiver_.port()) + "/";
  text = std::regex_replace(text, std::regex("127\\.0\\.0\\.1:9095/"), own);
  text = std::regex_replace(text, std::regex("group_wait: \\w+"),
                            "group_wait: 0s");
  return std::regex_replace(text, std::regex("group_interval: \\w+"),
                            "group_interval: 1s");
}

bool AlertInbox::has_arrived(const std::string& job, const Alert& alert) const {
  nlohmann::json notice;
  const auto arrived = [&](const std::vector<Delivery>& deliveries) {
    notice = last_notice(deliveries, job, alert);
    return !notice.is_null() && notice.at("status") == "firing";
  };
  if (!receiver_.wait_until(arrived, kAlertPatience)) return false;
  SCOPED_TRACE(described(job, alert));
  expect_whole(notice, alert);
  return true;
}

bool AlertInbox::is_resolved(const std::string& job, const Alert& alert) const {
  const auto resolved = [&](const std::vector<Delivery>& deliveries) {
    const nlohmann::json notice = last_notice(deliveries, job, alert);
    return !notice.is_null() && notice.at("status") == "resolved";
  };
  return receiver_.wait_until(resolved, kAlertPatience);
}

std::vector<nlohmann::json> AlertInbox::notices() const {
  return notices_of(receiver_.deliveries());
}

std::set<std::string> AlertInbox::arrived(const std::string& job) const {
  std::set<std::string> names;
  for (const nlohmann::json& notice : notices()) {
    const auto& labels = notice.at("labels");
    if (labels.value("job", "") == job && notice.at("status") == "firing") {
      names.insert(labels.at("alertname").get<std::string>());
    }
  }
  return names;
}

std::string AlertInbox::report() const {
  std::string text;
  for (const nlohmann::json& notice : notices()) {
    text += notice.at("path").get<std::string>() + " " +
            notice.at("status").dump() + " " + notice.at("labels").dump() +
            "\n";
  }
  return text;
}

AlertStage::AlertStage(const std::vector<ScrapeTarget>& targets,
                       const AlertStageOptions& options)
    : alertmanager_(inbox_.alertmanager_configuration()),
      prometheus_(targets, {.rules = generated_rules(options.time_scale),
                            .alertmanager_port = alertmanager_.port(),
                            .evaluation_interval = options.interval}) {}

void AlertStage::expect_arrival(const std::string& job,
                                const Alert& alert) const {
  EXPECT_TRUE(inbox_.has_arrived(job, alert))
      << described(job, alert) << " has not arrived\n"
      << report();
}

void AlertStage::expect_resolution(const std::string& job,
                                   const Alert& alert) const {
  EXPECT_TRUE(inbox_.is_resolved(job, alert))
      << described(job, alert) << " is not resolved\n"
      << report();
}

std::set<std::string> AlertStage::ever_fired(const std::string& job) const {
  std::set<std::string> names;
  for (const auto& sample :
       prometheus_.query("max_over_time(" + firing(job) + "[1h])")) {
    names.insert(sample.at("metric").at("alertname").get<std::string>());
  }
  return names;
}

std::string AlertStage::report() const {
  std::string text = "firing or pending now:\n";
  for (const auto& sample : prometheus_.query("ALERTS")) {
    text += "  " + sample.at("metric").dump() + "\n";
  }
  return text + "arrived:\n" + inbox_.report() + alertmanager_.output() +
         prometheus_.output();
}

}  // namespace dbpool::test
