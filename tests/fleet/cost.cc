#include "tests/fleet/cost.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "tests/bench/process_figures.h"
#include "tests/fleet/fleet.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

namespace dbpool::test {
namespace {

constexpr std::size_t kClusters = 4;
constexpr std::size_t kDatabasesOfEach = 50;
constexpr std::size_t kRounds = 10;
// Of Prometheus, in the measurement.
constexpr char kInterval[] = "5s";
constexpr double kScrapes = 24;

// What the table is computed for.
constexpr double kSecondsBetweenScrapes = 30;
constexpr double kTargetsOfAnExporter = 1000;  // the default of max_targets
constexpr double kProcessorsOfAnExporter = 0.5;
constexpr double kSeriesOfAServer = 1'000'000;

double seconds(std::chrono::duration<double> duration) {
  return duration.count();
}

struct ProcessTimes {
  pid_t parent = 0;
  double own = 0;       // seconds
  double children = 0;  // of those that have ended
};

// Of /proc/PID/stat; all zero if there is no such process any more.
ProcessTimes times_of(const std::filesystem::path& folder) {
  std::ifstream file(folder / "stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  // From the third field on: state, parent …; the 14th to 17th are times.
  std::istringstream fields(text.substr(name_end + 1));
  const std::vector<std::string> all{std::istream_iterator<std::string>(fields),
                                     {}};
  const auto ticks = [&](std::size_t field) {
    return std::stod(all.at(field));
  };
  const auto a_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {.parent = std::stoi(all.at(1)),
          .own = (ticks(11) + ticks(12)) / a_second,
          .children = (ticks(13) + ticks(14)) / a_second};
}

// Of a server and of all backends that it has had.
double cpu_seconds_of_server(pid_t postmaster) {
  const std::filesystem::path processes = "/proc";
  const ProcessTimes server = times_of(processes / std::to_string(postmaster));
  double sum = server.own + server.children;
  for (const auto& entry : std::filesystem::directory_iterator(processes)) {
    if (!std::isdigit(entry.path().filename().string().front())) continue;
    const ProcessTimes process = times_of(entry.path());
    if (process.parent == postmaster) sum += process.own;
  }
  return sum;
}

double database_cpu_seconds(Databases& databases) {
  double sum = 0;
  for (std::size_t i = 0; i < kClusters; ++i) {
    sum += cpu_seconds_of_server(databases.cluster(i).pid());
  }
  return sum;
}

// Of a folder of /proc/PID: "task" has its threads, "fd" its descriptors.
double entries_of(pid_t pid, const std::string& folder) {
  const std::filesystem::directory_iterator entries(
      "/proc/" + std::to_string(pid) + "/" + folder);
  return static_cast<double>(std::ranges::distance(entries));
}

std::string answer(const FleetExporter& exporter, const std::string& target) {
  HttpResponse response = http_get(exporter.port(), probe_path(target));
  if (response.status != 200) throw std::runtime_error(response.body);
  return std::move(response.body);
}

// What a target takes once it is kept.
void measure_kept(Databases& databases, FleetExporter& exporter,
                  FleetCost& cost) {
  const std::vector<std::string> targets = databases.targets();
  const pid_t pid = exporter.running().pid();
  answer(exporter, targets.front());
  const bench::Memory before = bench::memory_of(pid);
  const double threads_before = entries_of(pid, "task");
  const double descriptors_before = entries_of(pid, "fd");
  for (const std::string& target : targets) answer(exporter, target);
  const auto more = static_cast<double>(targets.size() - 1);
  cost.kept_kib =
      static_cast<double>(bench::memory_of(pid).own_kib - before.own_kib) /
      more;
  cost.kept_threads = (entries_of(pid, "task") - threads_before) / more;
  cost.kept_descriptors = (entries_of(pid, "fd") - descriptors_before) / more;
  // The session of a connection probe ends a moment after its answer.
  eventually(std::chrono::seconds(10), [&] {
    cost.kept_connections = static_cast<double>(databases.sessions()) /
                            static_cast<double>(targets.size());
    return cost.kept_connections <= 1;
  });
}

void measure_scrapes(Databases& databases, FleetExporter& exporter,
                     FleetCost& cost) {
  const std::vector<std::string> targets = databases.targets();
  const pid_t pid = exporter.running().pid();
  const double exporter_before = seconds(bench::cpu_time_of(pid));
  const double database_before = database_cpu_seconds(databases);
  double bytes = 0;
  double samples = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (const std::string& target : targets) {
      const std::string text = answer(exporter, target);
      bytes += static_cast<double>(text.size());
      if (round > 0) continue;
      samples += static_cast<double>(MetricsPage(text).samples().size());
    }
  }
  cost.scrapes = kRounds * targets.size();
  const auto scrapes = static_cast<double>(cost.scrapes);
  cost.exporter_cpu_ms =
      (seconds(bench::cpu_time_of(pid)) - exporter_before) / scrapes * 1e3;
  cost.database_cpu_ms =
      (database_cpu_seconds(databases) - database_before) / scrapes * 1e3;
  cost.bytes = bytes / scrapes;
  cost.samples = samples / static_cast<double>(targets.size());
}

struct PrometheusFigures {
  double resident_bytes = 0;
  double series = 0;
};

PrometheusFigures figures_of(const Prometheus& prometheus) {
  const MetricsPage page(http_get(prometheus.port(), "/metrics").body);
  return {page.value("process_resident_memory_bytes").value(),
          page.value("prometheus_tsdb_head_series").value()};
}

void measure_prometheus(const Databases& databases,
                        const FleetExporter& exporter, FleetCost& cost) {
  const Prometheus prometheus(Prometheus::Files(),
                              shard_files({.exporters = {exporter.address()},
                                           .targets = databases.targets(),
                                           .interval = kInterval}));
  const PrometheusFigures before = figures_of(prometheus);
  const std::string slowest =
      R"(min(count_over_time(up{exporter!=""}[1h])) and on () count()"
      R"(up{exporter!=""}) == )" +
      std::to_string(databases.targets().size());
  const bool is_scraped = eventually(
      std::chrono::minutes(10),
      [&] { return prometheus.query_value(slowest) >= kScrapes; },
      std::chrono::seconds(1));
  if (!is_scraped) throw std::runtime_error(prometheus.output());
  const PrometheusFigures after = figures_of(prometheus);
  const double series = after.series - before.series;
  cost.series = series / static_cast<double>(databases.targets().size());
  cost.prometheus_kib_a_series =
      (after.resident_bytes - before.resident_bytes) / series / 1024;
}

// With a blank for each three digits: 100 000.
std::string grouped(double number) {
  std::string text = std::to_string(std::llround(number));
  for (std::size_t at = text.size(); at > 3;) {
    text.insert(at -= 3, " ");
  }
  return text;
}

std::string with_digits(double number, int digits) {
  std::ostringstream text;
  text.setf(std::ios::fixed);
  text.precision(digits);
  text << number;
  return text.str();
}

// In the unit that suits it.
std::string memory(double kib) {
  if (kib < 1024 * 1024) return grouped(std::ceil(kib / 1024)) + " MiB";
  return with_digits(kib / 1024 / 1024, 1) + " GiB";
}

std::string row(const FleetCost& cost, double targets) {
  const double a_second = targets / kSecondsBetweenScrapes;
  const double processors = a_second * cost.exporter_cpu_ms / 1e3;
  const double series = targets * cost.series;
  const double servers = std::ceil(series / kSeriesOfAServer);
  double exporters = std::ceil(std::max(processors / kProcessorsOfAnExporter,
                                        targets / kTargetsOfAnExporter));
  // Each server has as many.
  exporters = std::ceil(exporters / servers) * servers;
  const std::vector<std::string> cells = {
      grouped(targets),
      grouped(exporters),
      with_digits(processors, processors < 10 ? 2 : 0),
      memory(targets * cost.kept_kib),
      grouped(targets * cost.kept_connections),
      with_digits(a_second * cost.database_cpu_ms / 1e3, 2),
      grouped(series),
      grouped(series / kSecondsBetweenScrapes),
      grouped(servers),
      memory(series * cost.prometheus_kib_a_series)};
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + cell + " |";
  return text + "\n";
}

}  // namespace

FleetCost measure_fleet() {
  Databases databases(kClusters, kDatabasesOfEach);
  FleetExporter exporter({"connect", "server"});
  FleetCost cost{.targets = databases.targets().size()};
  measure_kept(databases, exporter, cost);
  measure_scrapes(databases, exporter, cost);
  measure_prometheus(databases, exporter, cost);
  return cost;
}

std::string described(const FleetCost& cost) {
  std::ostringstream text;
  text << "| one target, measured over "
       << grouped(static_cast<double>(cost.targets)) << " | |\n"
       << "|---|---|\n"
       << "| an answer | " << grouped(cost.samples) << " samples, "
       << with_digits(cost.bytes / 1024, 1) << " KiB |\n"
       << "| a scrape: CPU of the exporter, of the database | "
       << with_digits(cost.exporter_cpu_ms, 1) << " ms, "
       << with_digits(cost.database_cpu_ms, 1) << " ms |\n"
       << "| kept by the exporter: memory, threads, descriptors | "
       << grouped(cost.kept_kib) << " KiB, "
       << with_digits(cost.kept_threads, 1) << ", "
       << with_digits(cost.kept_descriptors, 1) << " |\n"
       << "| connections to the database, and for a moment of each scrape | "
       << with_digits(cost.kept_connections, 1) << ", one more |\n"
       << "| in Prometheus: series, memory of each | " << grouped(cost.series)
       << ", " << with_digits(cost.prometheus_kib_a_series, 1) << " KiB |\n\n"
       << "| targets | exporters | their processors | their memory | "
          "connections "
          "| databases' processors | series | samples/s | Prometheus servers | "
          "their memory |\n"
          "|---|---|---|---|---|---|---|---|---|---|\n";
  for (const double targets : {10, 100, 1'000, 10'000, 100'000}) {
    text << row(cost, targets);
  }
  return text.str();
}

}  // namespace dbpool::test
