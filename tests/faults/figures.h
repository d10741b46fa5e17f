// Figures: what a course of injections of one fault came to.
#ifndef DBPOOL_TESTS_FAULTS_FIGURES_H_
#define DBPOOL_TESTS_FAULTS_FIGURES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/faults/alert_watch.h"
#include "tests/faults/client.h"
#include "tests/faults/fault.h"
#include "tests/faults/watch.h"

namespace dbpool::test {

// What was promised (design.md), and what a measurement may be off by.
inline constexpr Duration kBackoffStep = std::chrono::seconds(2);
// One opening on a busy machine, and the run of requests that shows it.
inline constexpr Duration kOpeningTime = std::chrono::milliseconds(300);
inline constexpr Duration kPrompt = std::chrono::milliseconds(50);
// In one second a pool may open all its connections, and as many again as it
// tries at once, since some of these fail.
inline constexpr std::size_t kConnections = 10;
inline constexpr std::size_t kMostOpenings = kConnections + 4;
inline constexpr Duration kAcquireTimeout = std::chrono::seconds(1);
inline constexpr std::int64_t kMostGrowth = 24 << 20;  // bytes
// Cancels to a peer that accepts and stays silent for ever hang, and nothing
// ends them: eight at most (canceller.h).
inline constexpr int kMostDescriptors = 8 + 4;

// When one injection was made, and when cured.
struct Injection {
  TimePoint made, cured;
  std::string fault;
  Duration may_need{0};
  bool nobody_gets_in = false;
  bool keeps_losing = false;
  // No recovery was awaited before it: what it loses may have been opened in
  // the same second.
  bool follows_at_once = false;
};

struct Level {
  std::int64_t memory = 0;
  int descriptors = 0;  // those of connections left out
};

// All that was recorded.
struct Record {
  std::vector<Injection> injections;
  Told told;
  std::vector<TimePoint> openings;
  std::vector<Scrape> scrapes;
  std::optional<std::vector<FiredAlert>> alerts;  // if they were watched
  std::vector<std::string> still_firing;          // in the end
  std::map<std::uint64_t, int> ledger;            // rows by number
  Level before, after;                            // of the service
  Level exporter_before, exporter_after;
};

struct Figures {
  std::string name;
  std::size_t injected = 0;
  std::uint64_t offered = 0;
  std::uint64_t acknowledged = 0;
  std::map<std::string, std::size_t> failed;  // by reason
  std::uint64_t lost = 0;                     // acknowledged, and not there
  std::uint64_t crossed = 0;                  // another's row
  std::uint64_t twice = 0;                    // there more than once
  std::uint64_t belied = 0;          // there, though it was said not to be
  std::uint64_t late = 0;            // failed after it had to be served again
  std::vector<Duration> recoveries;  // one for each that recovered
  bool is_served = false;            // after the last of them
  std::optional<Duration> overrun;   // p99 of acquires past their deadline
  Duration lag{0};                   // the most
  std::size_t openings = 0;          // most in a second of an outage
  Duration scrape_median{0}, scrape_max{0};
  std::map<std::string, std::size_t> alerts;  // how often each fired
  std::vector<std::string> broken;            // promises

  bool is_good() const { return broken.empty(); }
};

// From when on the requests that began after `cured`, and before `end`, were
// served: twenty in a row.
std::optional<Duration> recovery(const std::vector<Request>& requests,
                                 TimePoint cured, TimePoint end);

// `may_fail`: the reasons that the faults allow, `must_fail`: those without
// which there was no fault.
Figures figures_of(const std::string& name, const Record& record,
                   const std::set<std::string>& may_fail,
                   const std::set<std::string>& must_fail = {});

Duration quantile(std::vector<Duration> values, double share);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_FIGURES_H_
