#include "tests/faults/figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kInARow = 20;
// An outage that probe, scrape and the rule's `for` have had the time for.
constexpr Duration kSeenByAlerts = milliseconds(3800);
// How long an alert may outlast its cause: probe, scrape, and the windows of
// rules that look at each other.
constexpr Duration kAlertsBehind = seconds(4);
constexpr char kDatabaseDown[] = "DbpoolDatabaseDown";

double ms_of(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// "what: 3, at most 2".
std::string compared(const std::string& what, double value, double most,
                     const std::string& unit) {
  std::array<char, 160> text;
  std::snprintf(text.data(), text.size(), "%s: %.4g %s, at most %.4g",
                what.c_str(), value, unit.c_str(), most);
  return text.data();
}

// The part of the workload that goes on all the time.
bool is_regular(const Request& request) {
  return request.kind == "insert" || request.kind == "query";
}

class Judge {
 public:
  Judge(Figures& figures, const Record& record) : f_(figures), r_(record) {}

  void count_requests(const std::set<std::string>& may_fail,
                      const std::set<std::string>& must_fail);
  void check_ledger();
  void check_recoveries();
  void check_overrun();
  void check_openings();
  void check_scrapes();
  void check_up();
  void check_alert(const FiredAlert& alert);
  void check_alerts(const std::vector<FiredAlert>& alerts);
  void check_levels(const std::string& whose, const Level& before,
                    const Level& after);
  void check_end();

 private:
  void broken(const std::string& text) { f_.broken.push_back(text); }
  void at_most(const std::string& what, double value, double most,
               const std::string& unit) {
    if (value > most) broken(compared(what, value, most, unit));
  }
  TimePoint end_of(std::size_t injection) const;
  Duration allowed(const Injection& injection) const {
    return kBackoffStep + kOpeningTime + f_.lag + injection.may_need;
  }
  bool is_late(const Request& request) const;
  std::size_t openings_within(TimePoint from, TimePoint to) const;

  Figures& f_;
  const Record& r_;
};

void Judge::count_requests(const std::set<std::string>& may_fail,
                           const std::set<std::string>& must_fail) {
  for (const Request& request : r_.told.requests) {
    ++f_.offered;
    if (request.is_ok()) {
      ++f_.acknowledged;
    } else if (request.result == "crossed") {
      ++f_.crossed;
    } else {
      ++f_.failed[request.result];
      if (is_regular(request) && is_late(request)) ++f_.late;
    }
  }
  at_most("crossed", static_cast<double>(f_.crossed), 0, "requests");
  at_most("failed after the recovery was due", static_cast<double>(f_.late), 0,
          "requests");
  for (const auto& [reason, count] : f_.failed) {
    if (!may_fail.contains(reason)) {
      broken(std::to_string(count) + " requests failed with " + reason);
    }
  }
  for (const std::string& reason : must_fail) {
    if (!f_.failed.contains(reason)) broken("no request failed with " + reason);
  }
}

TimePoint Judge::end_of(std::size_t injection) const {
  return injection + 1 < r_.injections.size()
             ? r_.injections[injection + 1].made
             : TimePoint::max();
}

// Begun before any injection, or after the last one's recovery was due.
bool Judge::is_late(const Request& request) const {
  const Injection* last = nullptr;
  for (const Injection& injection : r_.injections) {
    // A request that was under way then is the fault's as well.
    if (injection.made <= request.end) last = &injection;
  }
  return last == nullptr || request.start > last->cured + allowed(*last);
}

void Judge::check_ledger() {
  std::map<std::uint64_t, int> rest = r_.ledger;
  for (const Request& request : r_.told.requests) {
    if (request.kind != "insert") continue;
    const auto row = rest.find(request.number);
    const bool is_there = row != rest.end();
    if (request.is_ok() && !is_there) ++f_.lost;
    if (is_there) {
      if (row->second > 1) ++f_.twice;
      if (request.outcome == "failed" || request.outcome == "not_sent") {
        ++f_.belied;
      }
      rest.erase(row);
    }
  }
  f_.belied += rest.size();  // nobody's
  at_most("lost", static_cast<double>(f_.lost), 0, "rows");
  at_most("twice", static_cast<double>(f_.twice), 0, "rows");
  at_most("there though not acknowledged nor in doubt",
          static_cast<double>(f_.belied), 0, "rows");
}

void Judge::check_recoveries() {
  for (std::size_t i = 0; i < r_.injections.size(); ++i) {
    const Injection& injection = r_.injections[i];
    const auto took = recovery(r_.told.requests, injection.cured, end_of(i));
    f_.is_served = took.has_value();
    if (!took) {
      // The next one may have come first.
      if (end_of(i) - allowed(injection) > injection.cured) {
        broken("it did not recover from " + injection.fault);
      }
      continue;
    }
    f_.recoveries.push_back(*took);
    at_most("recovery", ms_of(*took), ms_of(allowed(injection)), "ms");
  }
}

void Judge::check_overrun() {
  std::vector<Duration> over;
  for (const Request& request : r_.told.requests) {
    const Duration waited = request.got - request.start;
    if (waited > kAcquireTimeout) over.push_back(waited - kAcquireTimeout);
  }
  if (over.empty()) return;
  f_.overrun = quantile(std::move(over), 0.99);
  at_most("acquires past their deadline, p99", ms_of(*f_.overrun),
          ms_of(kPrompt + f_.lag), "ms");
}

// As the way to the server saw them and, since it sees none while nobody
// listens, as the pool counts them.
std::size_t Judge::openings_within(TimePoint from, TimePoint to) const {
  std::size_t most = 0;
  for (const TimePoint first : r_.openings) {
    if (first < from || first >= to) continue;
    const TimePoint end = std::min(first + seconds(1), to);
    most = std::max(most, static_cast<std::size_t>(std::ranges::count_if(
                              r_.openings, [&](TimePoint at) {
                                return at >= first && at < end;
                              })));
  }
  const auto& samples = r_.told.pool;
  for (std::size_t i = 0, j = 0; i < samples.size(); ++i) {
    if (samples[i].at < from) continue;
    j = std::max(j, i);
    while (j < samples.size() && samples[j].at < to &&
           samples[j].at - samples[i].at <= seconds(1)) {
      most = std::max<std::size_t>(most, samples[j].opened + samples[j].failed -
                                             samples[i].opened -
                                             samples[i].failed);
      ++j;
    }
  }
  return most;
}

void Judge::check_openings() {
  std::size_t in_outages = 0;
  for (const Injection& injection : r_.injections) {
    const std::size_t most = openings_within(injection.made, injection.cured);
    const std::size_t lost_twice = injection.follows_at_once ? kConnections : 0;
    if (!injection.keeps_losing) {
      in_outages = std::max(in_outages, most - std::min(most, lost_twice));
    }
    f_.openings = std::max(f_.openings, most);
  }
  at_most("openings in a second", static_cast<double>(in_outages),
          static_cast<double>(kMostOpenings), "");
}

void Judge::check_scrapes() {
  std::vector<Duration> times;
  for (const Scrape& scrape : r_.scrapes) {
    times.push_back(scrape.took);
    if (!scrape.answered) broken("a scrape was not answered");
  }
  if (times.empty()) return broken("there was no scrape");
  f_.scrape_median = quantile(times, 0.5);
  f_.scrape_max = quantile(times, 1);
  at_most("a scrape", ms_of(f_.scrape_max), ms_of(kPrompt + f_.lag), "ms");
}

// Once probe and scrape have had the time that they take.
void Judge::check_up() {
  for (const Injection& injection : r_.injections) {
    if (!injection.nobody_gets_in ||
        injection.cured - injection.made < milliseconds(2800)) {
      continue;
    }
    const Scrape* last = nullptr;
    for (const Scrape& scrape : r_.scrapes) {
      if (scrape.at < injection.cured) last = &scrape;
    }
    if (last == nullptr || last->up != 0.0) {
      broken("dbpool_up was not 0 in " + injection.fault);
    }
  }
  if (r_.scrapes.empty() || r_.scrapes.back().up != 1.0) {
    broken("dbpool_up is not 1 at the end");
  }
}

// Alerts fire only while there is something to tell.
void Judge::check_alert(const FiredAlert& alert) {
  ++f_.alerts[alert.name];
  if (r_.injections.empty() || alert.from < r_.injections.front().made) {
    broken(alert.name + " fired before anything was wrong");
  }
  if (alert.name == "DbpoolExporterDown") {
    broken(alert.name + " fired, though each scrape was answered");
  }
  if (alert.name != kDatabaseDown) return;
  const auto is_true = [&](const Injection& injection) {
    return injection.nobody_gets_in && alert.from >= injection.made &&
           alert.to <= injection.cured + allowed(injection) + kAlertsBehind;
  };
  if (std::ranges::none_of(r_.injections, is_true)) {
    broken(alert.name + " fired, though sessions were to be had");
  }
}

// … and they do fire, and end.
void Judge::check_alerts(const std::vector<FiredAlert>& alerts) {
  for (const FiredAlert& alert : alerts) check_alert(alert);
  for (const Injection& injection : r_.injections) {
    const bool is_outage =
        injection.nobody_gets_in &&
        injection.cured - injection.made >= kSeenByAlerts + f_.lag;
    const auto tells = [&](const FiredAlert& alert) {
      return alert.name == kDatabaseDown && alert.from >= injection.made &&
             alert.from <= injection.cured + seconds(1);
    };
    if (is_outage && std::ranges::none_of(alerts, tells)) {
      broken(std::string(kDatabaseDown) + " did not fire in " +
             injection.fault);
    }
  }
  for (const std::string& name : r_.still_firing) {
    broken(name + " fires in the end");
  }
}

void Judge::check_levels(const std::string& whose, const Level& before,
                         const Level& after) {
  at_most(whose + " memory grew by",
          static_cast<double>(after.memory - before.memory) / 1048576,
          static_cast<double>(kMostGrowth) / 1048576, "MiB");
  at_most(whose + " descriptors grew by",
          after.descriptors - before.descriptors, kMostDescriptors, "");
}

void Judge::check_end() {
  if (r_.told.end != "clean") broken("the pool did not close in the end");
}

}  // namespace

Duration quantile(std::vector<Duration> values, double share) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const double last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::ceil(share * last))];
}

std::optional<Duration> recovery(const std::vector<Request>& requests,
                                 TimePoint cured, TimePoint end) {
  std::vector<std::pair<TimePoint, bool>> after;
  for (const Request& request : requests) {
    if (!is_regular(request) || request.start < cured || request.start >= end) {
      continue;
    }
    after.emplace_back(request.start, request.is_ok());
  }
  std::ranges::sort(after);
  std::size_t good = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    good = after[i].second ? good + 1 : 0;
    if (good == kInARow) return after[i + 1 - kInARow].first - cured;
  }
  return std::nullopt;
}

Figures figures_of(const std::string& name, const Record& record,
                   const std::set<std::string>& may_fail,
                   const std::set<std::string>& must_fail) {
  Figures figures;
  figures.name = name;
  figures.injected = record.injections.size();
  figures.lag = quantile(record.told.lags, 1);
  Judge judge(figures, record);
  judge.count_requests(may_fail, must_fail);
  judge.check_ledger();
  judge.check_recoveries();
  judge.check_overrun();
  judge.check_openings();
  judge.check_scrapes();
  judge.check_up();
  if (record.alerts) judge.check_alerts(*record.alerts);
  judge.check_levels("the service's", record.before, record.after);
  judge.check_levels("the exporter's", record.exporter_before,
                     record.exporter_after);
  judge.check_end();
  return figures;
}

}  // namespace dbpool::test
