// usage: dbpool_verdicts_table [runs of each]
//
// Makes each cause, alone and in pairs, with different seeds, and prints the
// confusion table: what was made, and what the verdict was when it was due.
// Ends with 1 when less than 95 % were right, one did not clear in time, or a
// lock or a leak was called too_small.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/verdicts/scene.h"

namespace dbpool::test {
namespace {

constexpr double kWanted = 0.95;
constexpr int kAtOnce = 4;

struct Run {
  std::vector<Fault> faults;
  std::uint32_t seed = 0;
};

const std::vector<std::vector<Fault>>& scenes() {
  static const std::vector<std::vector<Fault>> kScenes = {
      {Fault::kLock},
      {Fault::kSlow},
      {Fault::kLeak},
      {Fault::kThink},
      {Fault::kLoad},
      {Fault::kSlots},
      {Fault::kOpening},
      {Fault::kDown},
      {Fault::kFrozen},
      {Fault::kLock, Fault::kLeak},
      {Fault::kSlow, Fault::kLoad},
      {Fault::kLock, Fault::kLoad},
      {Fault::kLeak, Fault::kLoad},
      {Fault::kThink, Fault::kLock}};
  return kScenes;
}

std::string name_of(const std::vector<Fault>& faults) {
  std::string name;
  for (const Fault fault : faults) {
    if (!name.empty()) name += " + ";
    name += to_string(fault);
  }
  return name;
}

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class Table {
 public:
  void add(const Course& course) {
    const std::lock_guard lock(mutex_);
    std::string says(exporter::to_string(course.named));
    std::printf("%s: %s after %+.1f s, cleared after %.1f s (%s)\n",
                name_of(course.faults).c_str(), says.c_str(),
                seconds_of(course.named_after),
                seconds_of(course.cleared_after), course.finding.c_str());
    std::fflush(stdout);
    ++counts_[name_of(course.faults)][says];
    ++runs_;
    right_ += course.is_named() && course.calm == Cause::kNone ? 1 : 0;
    late_ += course.is_cleared() ? 0 : 1;
    const bool is_grave = std::ranges::any_of(course.faults, [](Fault fault) {
      return fault == Fault::kLock || fault == Fault::kLeak;
    });
    mistaken_ += is_grave && course.ever_too_small ? 1 : 0;
  }

  // Markdown. Does it hold what is wanted?
  bool print() const {
    std::puts("\n| made | the verdict, when it was due |\n|---|---|");
    for (const auto& faults : scenes()) {
      const auto row = counts_.find(name_of(faults));
      if (row == counts_.end()) continue;
      std::string says;
      for (const auto& [cause, count] : row->second) {
        says += (says.empty() ? "" : ", ") + cause + " " +
                std::to_string(count) + " ×";
      }
      std::printf("| %s | %s |\n", row->first.c_str(), says.c_str());
    }
    std::printf(
        "\n%d of %d right, %d not cleared within %.0f s, %d locks or "
        "leaks called too_small\n",
        right_, runs_, late_, seconds_of(kDueAfterCure), mistaken_);
    return right_ >= kWanted * runs_ && late_ == 0 && mistaken_ == 0;
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::map<std::string, int>> counts_;
  int runs_ = 0, right_ = 0, late_ = 0, mistaken_ = 0;
};

bool run_all(int runs_of_each) {
  std::vector<Run> runs;
  for (int i = 0; i < runs_of_each; ++i) {
    for (const auto& faults : scenes()) {
      runs.push_back({faults, static_cast<std::uint32_t>(100 * i + 7)});
    }
  }
  Table table;
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < runs.size(); at = next++) {
          try {
            table.add(play(runs[at].faults, runs[at].seed));
          } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            failed = true;
          }
        }
      });
    }
  }
  return table.print() && !failed;
}

}  // namespace
}  // namespace dbpool::test

int main(int count, char** arguments) {
  const int runs = count > 1 ? std::atoi(arguments[1]) : 4;
  if (runs < 1 || count > 2) {
    std::fprintf(stderr, "usage: %s [runs of each, from 1]\n", arguments[0]);
    return 2;
  }
  return dbpool::test::run_all(runs) ? 0 : 1;
}
