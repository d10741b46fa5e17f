#include "tests/faults/course.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/process.h"

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// Only what does not recover takes longer.
constexpr milliseconds kPatience = seconds(30);

class Course {
 public:
  explicit Course(const RigOptions& options) : rig_(options) {
    record_.before = level_of(rig_.client().pid(), rig_.connections());
    record_.exporter_before =
        level_of(rig_.watch().pid(), rig_.exporter_connections());
  }

  void inject(const Fault& fault, Duration lasts, bool follows_at_once = false);
  void await_recovery();
  // Ends it all.
  Record finish();

 private:
  static Level level_of(pid_t pid, std::size_t connections);
  // Once it is what it was, or the last one seen.
  Level await_level(pid_t pid, std::size_t (Rig::*connections)(),
                    const Level& before);
  void read_ledger();
  void record_alerts();

  Rig rig_;
  Record record_;
};

// The sockets of sessions come and go with the load.
Level Course::level_of(pid_t pid, std::size_t connections) {
  return {.memory = static_cast<std::int64_t>(memory_of(pid)),
          .descriptors = static_cast<int>(descriptors_of(pid)) -
                         static_cast<int>(connections)};
}

void Course::inject(const Fault& fault, Duration lasts, bool follows_at_once) {
  Injection injection;
  injection.fault = fault.name;
  injection.may_need = fault.may_need;
  injection.nobody_gets_in = fault.nobody_gets_in;
  injection.keeps_losing = fault.keeps_losing;
  injection.follows_at_once = follows_at_once;
  injection.made = Clock::now();
  fault.make(rig_);
  std::this_thread::sleep_until(injection.made + lasts);
  fault.cure(rig_);
  injection.cured = Clock::now();
  record_.injections.push_back(injection);
}

void Course::await_recovery() {
  const TimePoint cured = record_.injections.back().cured;
  const std::size_t first = rig_.client().requests_from(0).size();
  const bool has_recovered = eventually(
      kPatience,
      [&] {
        return recovery(
                   rig_.client().requests_from(first > 500 ? first - 500 : 0),
                   cured, TimePoint::max()) &&
               rig_.watch().up() == 1.0;
      },
      milliseconds(50));
  if (!has_recovered) std::fprintf(stderr, "no recovery in time\n");
  // What is to be seen of late failures.
  std::this_thread::sleep_for(milliseconds(1500));
}

void Course::read_ledger() {
  for (const auto& row : rig_.server().sql(
           "SELECT number, count(*) FROM ledger GROUP BY number")) {
    record_.ledger.emplace(std::stoull(row[0]), std::stoi(row[1]));
  }
}

void Course::record_alerts() {
  if (rig_.alerts() == nullptr) return;
  (void)eventually(
      kPatience,
      [&] {
        record_.still_firing = rig_.alerts()->firing();
        return record_.still_firing.empty();
      },
      milliseconds(200));
  record_.alerts = rig_.alerts()->fired();
}

// What a large result took is given back a second after its connection was
// closed; what was under way when the last fault was cured ends soon after.
Level Course::await_level(pid_t pid, std::size_t (Rig::*connections)(),
                          const Level& before) {
  Level level;
  (void)eventually(
      kPatience,
      [&] {
        level = level_of(pid, (rig_.*connections)());
        return level.memory <= before.memory + kMostGrowth &&
               level.descriptors <= before.descriptors + kMostDescriptors;
      },
      milliseconds(200));
  return level;
}

Record Course::finish() {
  record_.after =
      await_level(rig_.client().pid(), &Rig::connections, record_.before);
  record_alerts();
  record_.exporter_after = await_level(
      rig_.watch().pid(), &Rig::exporter_connections, record_.exporter_before);
  rig_.client().finish();
  record_.told = rig_.client().told();
  record_.openings = rig_.way().openings();
  record_.scrapes = rig_.watch().scrapes();
  read_ledger();
  return std::move(record_);
}

RigOptions rig_options(RigOptions options, const PlayOptions& play) {
  options.contender = play.contender;
  options.seed = play.seed;
  options.alerts = play.alerts;
  return options;
}

}  // namespace

Figures play(const Fault& fault, const PlayOptions& options) {
  const int wanted =
      fault.injections > 0 ? fault.injections : options.injections;
  Course course(rig_options(fault.rig, options));
  for (int i = 0; i < (fault.once ? 1 : wanted); ++i) {
    course.inject(fault, fault.lasts);
    course.await_recovery();
  }
  return figures_of(fault.name, course.finish(), fault.may_fail,
                    fault.must_fail);
}

Figures play_at_random(const std::vector<Fault>& faults,
                       std::chrono::seconds length,
                       const PlayOptions& options) {
  std::vector<Fault> plain;
  std::set<std::string> may_fail;
  for (const Fault& fault : faults) {
    if (!fault.is_plain()) continue;
    plain.push_back(fault);
    may_fail.insert(fault.may_fail.begin(), fault.may_fail.end());
  }
  std::mt19937 random(options.seed);
  Course course(rig_options({.own_clock = true}, options));
  const TimePoint end = Clock::now() + length;
  bool has_recovered = true;
  while (Clock::now() < end) {
    const Fault& fault = plain[random() % plain.size()];
    const milliseconds lasts(200 + random() % 5000);
    const bool waits = random() % 4 != 0;
    std::fprintf(stderr, "%s, %lld ms\n", fault.name.c_str(),
                 static_cast<long long>(lasts.count()));
    course.inject(fault, lasts, !has_recovered);
    has_recovered = waits;
    if (waits) course.await_recovery();
  }
  course.await_recovery();
  return figures_of("at random", course.finish(), may_fail);
}

}  // namespace dbpool::test
