// usage: dbpool_faults_table [--injections=N] [--only=REGEX] [--contender=NAME]
//          [--seed=N] [--minutes=N]
//
// Makes each fault under load, N times (3), and prints what became of the
// requests; or, with --minutes, a sequence that the seed chooses, for that
// long. Ends with 1 when a promise was broken.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/faults/course.h"

namespace dbpool::test {
namespace {

struct Arguments {
  PlayOptions play;
  std::regex only{""};
  int minutes = 0;  // 0: the table
};

std::optional<int> count_of(const std::string& text) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 1 || value > 100'000) return {};
  return static_cast<int>(value);
}

std::optional<Contender> contender_of(const std::string& name) {
  for (const Contender contender :
       {Contender::kDbpool, Contender::kNodePostgres, Contender::kHikariCp}) {
    if (to_string(contender) == name) return contender;
  }
  return std::nullopt;
}

bool take(Arguments& arguments, const std::string& name,
          const std::string& value) {
  const std::optional<int> count = count_of(value);
  if (name == "--only") {
    arguments.only = std::regex(value);
  } else if (name == "--contender" && contender_of(value)) {
    arguments.play.contender = *contender_of(value);
  } else if (name == "--injections" && count) {
    arguments.play.injections = *count;
  } else if (name == "--seed" && count) {
    arguments.play.seed = static_cast<std::uint32_t>(*count);
  } else if (name == "--minutes" && count) {
    arguments.minutes = *count;
  } else {
    return false;
  }
  return true;
}

std::optional<Arguments> parse(int count, char** words) {
  Arguments arguments;
  arguments.play.alerts = true;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const std::size_t at = word.find('=');
    try {
      if (at == word.npos ||
          !take(arguments, word.substr(0, at), word.substr(at + 1))) {
        return std::nullopt;
      }
    } catch (const std::regex_error&) {
      return std::nullopt;
    }
  }
  return arguments;
}

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string words_of(const std::map<std::string, std::size_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) {
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  }
  return text.empty() ? "–" : text;
}

std::string recovery_of(const Figures& figures) {
  if (figures.recoveries.size() < figures.injected) return "never";
  char text[64];
  std::snprintf(text, sizeof(text), "%.2f / %.2f s",
                seconds_of(quantile(figures.recoveries, 0.5)),
                seconds_of(quantile(figures.recoveries, 0.99)));
  return text;
}

std::string overrun_of(const Figures& figures) {
  if (!figures.overrun) return "–";
  char text[64];
  std::snprintf(text, sizeof(text), "%.1f (%.1f)",
                seconds_of(*figures.overrun) * 1000,
                seconds_of(figures.lag) * 1000);
  return text;
}

constexpr char kHead[] =
    "| fault | injected | offered | acknowledged | failed | lost | crossed | "
    "recovery p50 / p99 | overrun (lag), ms | openings/s | scrape p50, max, "
    "ms | alerts that fired "
    "|\n|---|---|---|---|---|---|---|---|---|---|---|---|";

void print(const Figures& f) {
  std::printf(
      "| %s | %zu | %llu | %llu | %s | %llu | %llu | %s | %s | %zu | %.1f, "
      "%.1f | %s |\n",
      f.name.c_str(), f.injected, static_cast<unsigned long long>(f.offered),
      static_cast<unsigned long long>(f.acknowledged),
      words_of(f.failed).c_str(), static_cast<unsigned long long>(f.lost),
      static_cast<unsigned long long>(f.crossed), recovery_of(f).c_str(),
      overrun_of(f).c_str(), f.openings, seconds_of(f.scrape_median) * 1000,
      seconds_of(f.scrape_max) * 1000, words_of(f.alerts).c_str());
  std::fflush(stdout);
}

// Why it is not made, or "".
std::string obstacle_to(const Fault& fault, Contender contender) {
  if (contender != Contender::kDbpool && (fault.rig.tls || fault.rig.standby)) {
    return "its driver takes no such URL here";
  }
  return fault.obstacle ? fault.obstacle() : "";
}

// Nothing if a peer cannot take part.
std::optional<Figures> try_to_play(const Fault& fault,
                                   const PlayOptions& options) {
  try {
    return play(fault, options);
  } catch (const std::exception& error) {
    if (options.contender == Contender::kDbpool) throw;
    const std::string why = error.what();
    std::printf("| %s | – | not made: %s |\n", fault.name.c_str(),
                why.substr(0, why.find('\n')).c_str());
    return std::nullopt;
  }
}

// Faults that are not made are named with the reason, and no failure.
std::vector<Figures> run_all(const Arguments& arguments) {
  std::vector<Figures> all;
  for (const Fault& fault : all_faults()) {
    if (!std::regex_search(fault.name, arguments.only)) continue;
    const std::string obstacle = obstacle_to(fault, arguments.play.contender);
    if (!obstacle.empty()) {
      std::printf("| %s | – | not made: %s |\n", fault.name.c_str(),
                  obstacle.c_str());
      continue;
    }
    const auto figures = try_to_play(fault, arguments.play);
    if (!figures) continue;
    all.push_back(*figures);
    print(all.back());
  }
  return all;
}

// Peers are shown, not judged.
int verdict_of(const std::vector<Figures>& all, Contender contender) {
  bool is_good = true;
  for (const Figures& figures : all) {
    for (const std::string& promise : figures.broken) {
      std::printf("\n%s: %s", figures.name.c_str(), promise.c_str());
      is_good = false;
    }
  }
  if (is_good) std::puts("\nAll promises were kept.");
  std::puts("");
  return is_good || contender != Contender::kDbpool ? 0 : 1;
}

int run(const Arguments& arguments) {
  std::printf("%s\n\n%s\n",
              std::string(to_string(arguments.play.contender)).c_str(), kHead);
  std::vector<Figures> all;
  if (arguments.minutes > 0) {
    all.push_back(play_at_random(
        all_faults(), std::chrono::minutes(arguments.minutes), arguments.play));
    print(all.back());
  } else {
    all = run_all(arguments);
  }
  return verdict_of(all, arguments.play.contender);
}

}  // namespace
}  // namespace dbpool::test

int main(int count, char** words) {
  const auto arguments = dbpool::test::parse(count, words);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: %s [--injections=N] [--only=REGEX] "
                 "[--contender=dbpool|node-postgres|HikariCP] [--seed=N] "
                 "[--minutes=N], N from 1\n",
                 words[0]);
    return 2;
  }
  try {
    return dbpool::test::run(*arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
