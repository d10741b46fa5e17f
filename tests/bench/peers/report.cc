#include "tests/bench/peers/report.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <functional>

#include "tests/bench/measures.h"

namespace dbpool::bench {
namespace {

using Measure = std::function<double(const Outcome&)>;

double rate(const Outcome& outcome) { return outcome.per_second; }
double cpu(const Outcome& outcome) { return outcome.cpu_ms_per_1000; }
double cost_ns(const Outcome& outcome) { return 1e9 / outcome.per_second; }
template <std::size_t kWhich>
double wait(const Outcome& outcome) {
  return outcome.wait_us ? (*outcome.wait_us)[kWhich] : 0;
}

std::vector<double> values(const std::vector<Outcome>& rounds,
                           const Measure& measure) {
  std::vector<double> all;
  for (const Outcome& outcome : rounds) all.push_back(measure(outcome));
  return all;
}

double median(const std::vector<Outcome>& rounds, const Measure& measure) {
  return quantile(values(rounds, measure), 0.5);
}

// The median of the ratios within each round, which slow and quick moments of
// the machine hardly change; nullopt if one did not take part.
std::optional<double> ratio(const Outcomes& outcomes, const std::string& of,
                            const Measure& of_measure, const std::string& to,
                            const Measure& to_measure) {
  if (!outcomes.contains(of) || !outcomes.contains(to)) return std::nullopt;
  const std::vector<double> above = values(outcomes.at(of), of_measure);
  const std::vector<double> below = values(outcomes.at(to), to_measure);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(above.size(), below.size()); ++i) {
    ratios.push_back(above[i] / below[i]);
  }
  return quantile(ratios, 0.5);
}

void print_ratio(std::optional<double> value) {
  if (value) {
    std::printf(" %7.2f", *value);
  } else {
    std::printf(" %7s", "-");
  }
}

void print_name(const std::string& name) { std::printf("%-36s", name.c_str()); }

void print_queries_row(const std::string& name, const Outcomes& outcomes) {
  const std::vector<Outcome>& rounds = outcomes.at(name);
  const std::vector<double> rates = values(rounds, rate);
  print_name(name);
  std::printf("%7.1f (%5.1f-%5.1f)", quantile(rates, 0.5) / 1e3,
              *std::ranges::min_element(rates) / 1e3,
              *std::ranges::max_element(rates) / 1e3);
  print_ratio(ratio(outcomes, name, rate, kRawLoopOne, rate));
  print_ratio(ratio(outcomes, name, rate, kRawLoopTwo, rate));
  std::printf(" %8.2f", median(rounds, cpu));
  print_ratio(ratio(outcomes, name, cpu, kRawLoopOne, cpu));
  if (rounds.front().wait_us) {
    std::printf(" %7.0f %7.0f %8.0f", median(rounds, wait<0>),
                median(rounds, wait<1>), median(rounds, wait<2>));
  } else {
    std::printf(" %7s %7s %8s", "-", "-", "-");
  }
  if (rounds.front().peak_memory_kib) {
    std::printf(" %7.1f", median(rounds, [](const Outcome& outcome) {
                  return outcome.peak_memory_kib.value_or(0) / 1024;
                }));
  }
  std::printf("\n");
}

void print_acquires_row(const std::string& name, const Outcomes& outcomes) {
  const std::vector<double> costs = values(outcomes.at(name), cost_ns);
  print_name(name);
  std::printf("%7.0f (%5.0f-%5.0f)", quantile(costs, 0.5),
              *std::ranges::min_element(costs),
              *std::ranges::max_element(costs));
  print_ratio(ratio(outcomes, name, cost_ns, kMutexPool, cost_ns));
  std::printf("\n");
}

void print_head(Course course) {
  switch (course) {
    case Course::kUnix:
    case Course::kTcp:
      std::printf(
          "\n%d clients on %d connections, SELECT 1, over %s\n"
          "%-36s%-21s %7s %7s %8s %7s %7s %7s %8s %7s\n",
          kClients, kConnections,
          course == Course::kTcp ? "TCP" : "a Unix socket",
          "medians (least-most)", "1000 queries/s", "/raw 1", "/raw 2",
          "CPU ms", "/raw 1", "wait 50", "99 %", "max µs", "MiB");
      return;
    case Course::kAcquireOne:
    case Course::kAcquireMany:
      std::printf(
          "\nacquire and release without a query, %d thread(s), %d "
          "connections\n"
          "%-36s%-21s %7s\n",
          course == Course::kAcquireOne ? 1 : kThreadsOfMany, kConnections,
          "medians (least-most)", "ns for one", "/mutex");
  }
}

struct Promise {
  const char* text;
  Course course;
  const char* of;
  Measure of_measure;
  const char* to;
  Measure to_measure;
  double bound;
  bool at_least = false;  // else at most
};

std::vector<Promise> promises() {
  std::vector<Promise> all;
  for (const Course course : {Course::kUnix, Course::kTcp}) {
    all.push_back({"async, 1 thread : raw loop, queries/s", course, kAsyncOne,
                   rate, kRawLoopOne, rate, 0.97, true});
    all.push_back({"async, 1 thread : raw loop, CPU a query", course, kAsyncOne,
                   cpu, kRawLoopOne, cpu, 1.10});
    all.push_back({"pipelined, 1 thread : raw loop, queries/s", course,
                   kPipelinedOne, rate, kRawLoopOne, rate, 3.5, true});
    all.push_back({"blocking : mutex pool, queries/s", course, kBlocking, rate,
                   kMutexPool, rate, 1.0, true});
    all.push_back({"blocking : SOCI, queries/s", course, kBlocking, rate, kSoci,
                   rate, 1.0, true});
    all.push_back({"async, 1 thread: wait, 99 % : median", course, kAsyncOne,
                   wait<1>, kAsyncOne, wait<0>, 1.5});
    all.push_back({"blocking: wait, 99 % : median", course, kBlocking, wait<1>,
                   kBlocking, wait<0>, 1.5});
  }
  all.push_back({"async, 2 threads : raw loop, queries/s", Course::kTcp,
                 kAsyncTwo, rate, kRawLoopTwo, rate, 1.0, true});
  all.push_back({"acquire + release : mutex pool, 1 thread",
                 Course::kAcquireOne, kBlocking, cost_ns, kMutexPool, cost_ns,
                 3});
  all.push_back({"acquire + release : HikariCP, 1 thread", Course::kAcquireOne,
                 kBlocking, cost_ns, kHikariCp, cost_ns, 1});
  all.push_back({"acquire + release : mutex pool, 32 threads",
                 Course::kAcquireMany, kBlocking, cost_ns, kMutexPool, cost_ns,
                 2});
  return all;
}

}  // namespace

void print_tables(const std::vector<Entry>& entries, const Results& results) {
  std::optional<Course> last;
  for (const Entry& entry : entries) {
    if (entry.course != last) print_head(entry.course);
    last = entry.course;
    const Outcomes& outcomes = results.at(entry.course);
    const bool queries =
        entry.course == Course::kUnix || entry.course == Course::kTcp;
    (queries ? print_queries_row : print_acquires_row)(entry.name, outcomes);
  }
}

bool print_promises(const Results& results) {
  constexpr double kNoise = 2;
  bool good = true;
  std::printf("\n%-44s %-7s %8s\n", "promised ratios", "", "measured");
  for (const Promise& promise : promises()) {
    const auto outcomes = results.find(promise.course);
    if (outcomes == results.end()) continue;
    const std::optional<double> measured =
        ratio(outcomes->second, promise.of, promise.of_measure, promise.to,
              promise.to_measure);
    if (!measured) continue;
    // By how much it is missed; at most 1 when it is kept.
    const double miss = promise.at_least ? promise.bound / *measured
                                         : *measured / promise.bound;
    const char* const verdict = miss <= 1        ? "kept"
                                : miss <= kNoise ? "missed"
                                                 : "MISSED BY FAR";
    good = good && miss <= kNoise;
    std::printf("%-44s %s %.2f %8.2f  %s%s\n", promise.text,
                promise.at_least ? ">=" : "<=", promise.bound, *measured,
                verdict,
                promise.course == Course::kUnix  ? ", Unix socket"
                : promise.course == Course::kTcp ? ", TCP"
                                                 : "");
  }
  return good;
}

}  // namespace dbpool::bench
