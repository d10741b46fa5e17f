#include "tests/faults/alert_watch.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "tests/alerts/rules.h"

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr char kFiring[] =
    R"(ALERTS{alertstate="firing",alertname!="DbpoolWatchdog"})";
// What a range query gives at most is 11 000 points.
constexpr seconds kMostRange = std::chrono::hours(3);

std::string name_of(const nlohmann::json& series) {
  return series.at("metric").at("alertname").get<std::string>();
}

// The wall clock's seconds in the harness's time.
TimePoint time_of(double unix_seconds) {
  const double ago = std::chrono::duration<double>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count() -
                     unix_seconds;
  return Clock::now() - std::chrono::duration_cast<Duration>(
                            std::chrono::duration<double>(ago));
}

}  // namespace

AlertWatch::AlertWatch(int exporter_port)
    : prometheus_(
          {{.job = "dbpool", .port = exporter_port, .interval = "250ms"}},
          {.rules = generated_rules(kAlertScale),
           .evaluation_interval = "250ms"}) {
  if (!prometheus_.wait_until_scraped(seconds(60))) {
    throw std::runtime_error("Prometheus does not scrape the exporter\n" +
                             prometheus_.output());
  }
}

std::vector<FiredAlert> AlertWatch::fired() const {
  const auto length =
      std::min(std::chrono::ceil<seconds>(Clock::now() - since_), kMostRange);
  std::vector<FiredAlert> fired;
  for (const auto& series : prometheus_.query_range(kFiring, length)) {
    std::optional<FiredAlert> current;
    for (const auto& point : series.at("values")) {
      const TimePoint at = time_of(point.at(0).get<double>());
      if (current && at - current->to > milliseconds(1500)) {
        fired.push_back(*current);
        current.reset();
      }
      if (!current) current = FiredAlert{name_of(series), at, at};
      current->to = at;
    }
    if (current) fired.push_back(*current);
  }
  return fired;
}

std::vector<std::string> AlertWatch::firing() const {
  std::vector<std::string> names;
  for (const auto& series : prometheus_.query(kFiring)) {
    names.push_back(name_of(series));
  }
  return names;
}

}  // namespace dbpool::test
