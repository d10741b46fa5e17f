// Two hundred targets, two exporters, two Prometheus servers and one above
// them, all real. An exporter is lost and found, then servers of databases:
// what is told is what happened, and of nothing else is anything lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/fleet/fleet.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Names = std::set<std::string>;
using Time = std::chrono::steady_clock::time_point;

// Of each step, on a machine that is stuck.
constexpr std::chrono::minutes kPatience{5};
// What is cheap to ask of Prometheus, but not every few milliseconds.
constexpr std::chrono::milliseconds kPause{500};

constexpr std::size_t kLost = 0;  // the exporter that is killed
constexpr std::size_t kStoppedCluster = 3;

// A fresh session for each scrape would keep a small machine busy.
const FleetOptions kOptions = {.probes = {"select_1", "server"},
                               .time_scale = 15,
                               .interval = "3s",
                               .has_alertmanager = true};

std::string firing(const std::string& name) {
  return R"(ALERTS{alertstate="firing",alertname=")" + name + "\"}";
}

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() {
    for (const std::string& target : fleet_.databases().targets())
      all_.insert(target);
    for (const std::string& target :
         fleet_.databases().targets_of(kStoppedCluster)) {
      stopped_.insert(target);
    }
  }

  // The values that a label takes in an answer of a shard's server.
  Names values_of(std::size_t shard, const std::string& promql,
                  const std::string& label) const {
    Names values;
    for (const json& sample : fleet_.prometheus(shard).query(promql)) {
      values.insert(sample.at("metric").value(label, ""));
    }
    return values;
  }

  // In the answers of all shards' servers.
  Names values_of(const std::string& promql, const std::string& label) const {
    Names all;
    for (std::size_t i = 0; i < fleet_.shards(); ++i) {
      all.merge(values_of(i, promql, label));
    }
    return all;
  }

  // What ever fired, on any server.
  Names ever(const std::string& alert, const std::string& label) const {
    return values_of("max_over_time(" + firing(alert) + "[1h])", label);
  }

  Names targets_of_shard(std::size_t shard) const {
    return values_of(shard, R"(up{exporter!=""})", "instance");
  }

  // Awaits a value at the server that federates from the others.
  void expect_global(const std::string& promql, double value) const {
    EXPECT_TRUE(eventually(
        kPatience, [&] { return fleet_.global().query_value(promql) == value; },
        kPause))
        << promql << " is not " << value << "\n"
        << fleet_.global().query(promql).dump() << report();
  }

  void expect_eventually(const std::string& what,
                         const std::function<bool()>& holds) const {
    EXPECT_TRUE(eventually(kPatience, holds, kPause)) << what << report();
  }

  void expect_all_well() const {
    const auto all = static_cast<double>(all_.size());
    expect_global("sum(dbpool:targets:count)", all);
    expect_global("sum(dbpool:targets_seen:sum)", all);
    expect_global("sum(dbpool:databases_up:sum)", all);
    expect_eventually("no alert but the watchdog", [this] {
      return values_of(R"(ALERTS{alertstate="firing"})", "alertname") ==
             Names{"DbpoolWatchdog"};
    });
  }

  void say(const std::string& what) const {
    const std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - begin_;
    GTEST_LOG_(INFO) << time.count() << " s: " << what;
  }

  std::string report() const {
    std::string text = "\nfiring or pending:\n";
    for (std::size_t i = 0; i < fleet_.shards(); ++i) {
      for (const json& sample :
           fleet_.prometheus(i).query("count without (instance) (ALERTS)")) {
        text += sample.dump() + "\n";
      }
      text += fleet_.prometheus(i).output();
    }
    return text + fleet_.global().output();
  }

  void expect_each_target_on_one_server() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < fleet_.shards(); ++i) {
      const Names some = targets_of_shard(i);
      GTEST_LOG_(INFO) << "server " << i << " has " << some.size();
      EXPECT_GT(some.size(), all_.size() / 4);
      count += some.size();
    }
    EXPECT_EQ(count, all_.size());
    EXPECT_EQ(values_of(R"(up{exporter!=""})", "instance"), all_);
  }

  // Told once, as that, and of no database.
  void expect_told_as_lost() {
    const std::string address = fleet_.exporter(kLost).address();
    expect_eventually("the exporter is told as lost", [&] {
      return values_of(firing("DbpoolTargetsUnseen"), "exporter") ==
                 Names{address} &&
             values_of(firing("DbpoolExporterDown"), "instance") ==
                 Names{address};
    });
    const auto share = static_cast<double>(targets_of_shard(kLost).size());
    expect_global("sum(dbpool:targets:count) - sum(dbpool:targets_seen:sum)",
                  share);
    expect_global("sum(dbpool:databases_up:sum)",
                  static_cast<double>(all_.size()) - share);
    for (const char* alert :
         {"DbpoolDatabaseDown", "DbpoolMostDatabasesDown"}) {
      EXPECT_THAT(ever(alert, "instance"), IsEmpty()) << alert << report();
    }
  }

  void expect_told_as_down(const Names& targets) {
    expect_eventually("the databases are told as down", [&] {
      return values_of(firing("DbpoolDatabaseDown"), "instance") == targets;
    });
  }

  Alert unseen_of_the_lost() {
    return {"DbpoolTargetsUnseen",
            "warning",
            {{"exporter", fleet_.exporter(kLost).address()}}};
  }

  Alert most_down_of(std::size_t shard) {
    return {"DbpoolMostDatabasesDown",
            "critical",
            {{"exporter", fleet_.exporter(shard).address()}}};
  }

  // At a receiver of Alertmanager's.
  void expect_notice(const Alert& alert) const {
    EXPECT_TRUE(fleet_.inbox().has_arrived("", alert))
        << alert.name << "\n"
        << fleet_.inbox().report() << report();
  }
  void expect_all_clear(const Alert& alert) const {
    EXPECT_TRUE(fleet_.inbox().is_resolved("", alert))
        << alert.name << "\n"
        << fleet_.inbox().report() << report();
  }

  // Since then every scrape of the other exporter's targets was answered, and
  // those of the lost one miss one span.
  void expect_no_gap_but_of_the_lost(Time since) const {
    const auto length = std::chrono::floor<std::chrono::seconds>(
        std::chrono::steady_clock::now() - since);
    const std::string range = "[" + std::to_string(length.count()) + "s]";
    for (std::size_t i = 0; i < fleet_.shards(); ++i) {
      const double most = i == kLost ? 2 : 0;
      for (const json& sample : fleet_.prometheus(i).query(
               R"(changes(up{exporter!=""})" + range + ")")) {
        const std::string changes = sample.at("value").at(1);
        EXPECT_LE(std::stod(changes), most) << sample;
      }
    }
  }

  const Time begin_ = std::chrono::steady_clock::now();
  Fleet fleet_{kOptions};
  Names all_;
  Names stopped_;
};

TEST_F(FleetTest, TellsWhatIsLostAndLosesNothingElse) {
  say(std::to_string(all_.size()) + " targets are there");
  ASSERT_GE(all_.size(), 200U);
  expect_all_well();
  expect_each_target_on_one_server();
  const Time well = std::chrono::steady_clock::now();

  say("an exporter is killed");
  fleet_.exporter(kLost).kill();
  expect_told_as_lost();
  expect_notice(unseen_of_the_lost());

  say("it is started again, and one server of four is stopped");
  fleet_.exporter(kLost).start();
  fleet_.databases().cluster(kStoppedCluster).stop();
  expect_told_as_down(stopped_);
  expect_eventually("all targets are seen again", [this] {
    return values_of(firing("DbpoolTargetsUnseen"), "exporter").empty();
  });
  expect_all_clear(unseen_of_the_lost());
  EXPECT_EQ(ever("DbpoolDatabaseDown", "instance"), stopped_) << report();
  EXPECT_THAT(ever("DbpoolMostDatabasesDown", "exporter"), IsEmpty());

  say("two more are stopped");
  for (const std::size_t more : {1, 2}) fleet_.databases().cluster(more).stop();
  expect_eventually("each exporter tells that it reaches hardly any", [this] {
    return values_of(firing("DbpoolMostDatabasesDown"), "exporter").size() ==
           fleet_.shards();
  });
  for (std::size_t i = 0; i < fleet_.shards(); ++i) {
    expect_notice(most_down_of(i));
  }

  say("all are started again");
  for (const std::size_t stopped : {1, 2, 3}) {
    fleet_.databases().cluster(stopped).start();
  }
  expect_all_well();
  for (std::size_t i = 0; i < fleet_.shards(); ++i) {
    expect_all_clear(most_down_of(i));
  }
  EXPECT_THAT(ever("DbpoolTargetsUnseen", "exporter"),
              ElementsAre(fleet_.exporter(kLost).address()));
  expect_no_gap_but_of_the_lost(well);
  say("all is well");
}

}  // namespace
}  // namespace dbpool::test
