// Which alerts the example for Alertmanager holds back, and which it must
// not, by a real Alertmanager that is given alerts.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include "tests/alerts/alert_stage.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

namespace dbpool::test {
namespace {

using Names = std::set<std::string>;

class InhibitionTest : public ::testing::Test {
 protected:
  // Gives it an alert of this job's only pool, as Prometheus would.
  void raise(const std::string& job, const Alert& alert) {
    nlohmann::json labels = {{"alertname", alert.name},
                             {"severity", alert.severity},
                             {"job", job},
                             {"instance", "app:10187"},
                             {"pool", "default"}};
    for (const auto& [name, value] : alert.labels) labels[name] = value;
    const nlohmann::json annotations = {
        {"summary", "One."},
        {"description", "Pool default of app:10187."},
        {"runbook_url", "https://runbooks.example/" + alert.name + ".md"}};
    const nlohmann::json alerts = {
        {{"labels", labels}, {"annotations", annotations}}};
    const HttpResponse response =
        http_get(alertmanager_.port(), "/api/v2/alerts",
                 {.method = "POST",
                  .headers = {{"Content-Type", "application/json"}},
                  .body = alerts.dump()});
    ASSERT_EQ(response.status, 200) << response.body;
  }

  void raise_and_wait(const std::string& job, const Alert& alert) {
    raise(job, alert);
    EXPECT_TRUE(inbox_.has_arrived(job, alert)) << inbox_.report();
  }

  // All but Watchdog, which has no pool.
  void raise_all(const std::string& job) {
    for (const char* name :
         {"DbpoolExhausted", "DbpoolAcquireBudgetBurn", "DbpoolDatabaseDown",
          "DbpoolServerSlotsLow", "DbpoolCertificateExpiring"}) {
      raise(job, {name, "critical"});
    }
    for (const char* name :
         {"DbpoolWaitingRequests", "DbpoolNearExhaustion", "DbpoolQueriesSlow",
          "DbpoolLeakSuspected", "DbpoolConnectionChurn", "DbpoolProbeFailing",
          "DbpoolExporterDown", "DbpoolReloadFailed"}) {
      raise(job, {name, "warning"});
    }
  }

  // Once all of `awaited` have arrived, and a notice that was raised after
  // them and that nothing holds back: notices of different groups may
  // overtake each other.
  Names arrived(const std::string& job, const Names& awaited) {
    raise_and_wait("last", {"DbpoolExporterDown", "warning"});
    EXPECT_TRUE(eventually(std::chrono::seconds(10), [&] {
      return std::ranges::includes(inbox_.arrived(job), awaited);
    })) << inbox_.report();
    return inbox_.arrived(job);
  }

  const AlertInbox inbox_;
  const Alertmanager alertmanager_{inbox_.alertmanager_configuration()};
};

TEST_F(InhibitionTest, ADownDatabaseHoldsBackItsSymptomsOnly) {
  raise_and_wait("down", {"DbpoolDatabaseDown", "critical"});
  raise_all("down");
  const Names free = {"DbpoolDatabaseDown",        "DbpoolServerSlotsLow",
                      "DbpoolCertificateExpiring", "DbpoolLeakSuspected",
                      "DbpoolConnectionChurn",     "DbpoolExporterDown",
                      "DbpoolReloadFailed"};
  EXPECT_EQ(arrived("down", free), free) << inbox_.report();
}

TEST_F(InhibitionTest, AnExhaustedPoolHoldsBackThatItsRequestsWait) {
  raise_and_wait("full", {"DbpoolExhausted", "critical"});
  for (const char* name :
       {"DbpoolWaitingRequests", "DbpoolNearExhaustion", "DbpoolQueriesSlow",
        "DbpoolLeakSuspected", "DbpoolConnectionChurn"}) {
    raise("full", {name, "warning"});
  }
  const Names free = {"DbpoolExhausted", "DbpoolQueriesSlow",
                      "DbpoolLeakSuspected", "DbpoolConnectionChurn"};
  EXPECT_EQ(arrived("full", free), free) << inbox_.report();
}

TEST_F(InhibitionTest, AnExporterThatReachesHardlyAnyHoldsBackEachOfItsOwn) {
  const auto of = [](const char* exporter) {
    return LabelMap{{"exporter", exporter}};
  };
  raise_and_wait("fleet", {"DbpoolMostDatabasesDown", "critical", of("a:1")});
  raise("fleet", {"DbpoolDatabaseDown", "critical", of("a:1")});
  raise_and_wait("fleet", {"DbpoolDatabaseDown", "critical", of("b:1")});
  raise_and_wait("fleet", {"DbpoolTargetsUnseen", "warning", of("a:1")});
  for (const nlohmann::json& notice : inbox_.notices()) {
    const nlohmann::json& labels = notice.at("labels");
    if (labels.at("alertname") != "DbpoolDatabaseDown") continue;
    EXPECT_EQ(labels.at("exporter"), "b:1");
  }
}

TEST_F(InhibitionTest, OtherPoolsAreNotHeldBack) {
  raise_and_wait("down", {"DbpoolDatabaseDown", "critical"});
  raise_and_wait("full", {"DbpoolExhausted", "critical"});
  raise_and_wait("waiting", {"DbpoolWaitingRequests", "warning"});
}

TEST_F(InhibitionTest, TheCriticalOneHoldsBackItsWarningOfTheSameThingOnly) {
  const std::string name = "DbpoolCertificateExpiring";
  raise_and_wait("one", {name, "critical", {{"certificate", "server"}}});
  raise("one", {name, "warning", {{"certificate", "server"}}});
  raise_and_wait("one", {name, "warning", {{"certificate", "client"}}});
  for (const nlohmann::json& notice : inbox_.notices()) {
    if (notice.at("path") != "/chat") continue;
    EXPECT_EQ(notice.at("labels").at("certificate"), "client");
  }
}

}  // namespace
}  // namespace dbpool::test
