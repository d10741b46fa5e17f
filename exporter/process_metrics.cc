#include "exporter/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "exporter/families.h"

namespace dbpool::exporter {

namespace {

std::string read_all(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The fields of /proc/<pid>/stat that are used, numbered as in proc(5).
enum StatField : std::size_t {
  kUserTicks = 14,
  kSystemTicks = 15,
  kThreads = 20,
  kStartTicks = 22,
  kVirtualBytes = 23,
  kResidentPages = 24,
};
constexpr std::size_t kFirstAfterName = 3;

// The fields after the name, which may hold blanks and parentheses.
using Stat = std::array<double, kResidentPages + 1>;
std::optional<Stat> read_stat(const std::string& path) {
  const std::string text = read_all(path);
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  Stat stat{};
  std::string field;
  for (std::size_t i = kFirstAfterName; i < stat.size(); ++i) {
    if (!(fields >> field)) return std::nullopt;
    stat[i] = std::strtod(field.c_str(), nullptr);  // the state is a letter
  }
  return stat;
}

// When the machine was started, in seconds since the epoch.
std::optional<double> boot_time(const std::string& path) {
  constexpr std::string_view kKey = "\nbtime ";
  const std::string text = read_all(path);
  const std::size_t at = text.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + kKey.size(), nullptr);
}

std::optional<double> open_fds(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()),
                                                   &closedir);
  if (folder == nullptr) return std::nullopt;
  double count = 0;
  // readdir() is safe on a stream of one's own.
  while (const dirent* entry =
             readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // the folder's own
}

std::optional<double> max_fds() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

// /proc/stat lists every interrupt there is: too much to read at each scrape.
ProcessCollector::ProcessCollector(std::string proc)
    : proc_(std::move(proc)), boot_time_(boot_time(proc_ + "/stat")) {}

std::vector<::prometheus::MetricFamily> ProcessCollector::Collect() const {
  std::vector<::prometheus::MetricFamily> families;
  const auto put = [&families](const metrics::MetricInfo& info,
                               std::optional<double> value) {
    if (!value) return;
    families.push_back(metrics::make_family(info));
    metrics::add(families.back(), {}, *value);
  };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_size = static_cast<double>(sysconf(_SC_PAGESIZE));
  if (const auto stat = read_stat(proc_ + "/self/stat")) {
    put(metrics::kProcessCpuSeconds,
        ((*stat)[kUserTicks] + (*stat)[kSystemTicks]) / ticks);
    put(metrics::kProcessVirtualMemory, (*stat)[kVirtualBytes]);
    put(metrics::kProcessResidentMemory, (*stat)[kResidentPages] * page_size);
    put(metrics::kProcessThreads, (*stat)[kThreads]);
    if (boot_time_) {
      put(metrics::kProcessStartTime,
          *boot_time_ + (*stat)[kStartTicks] / ticks);
    }
  }
  put(metrics::kProcessOpenFds, open_fds(proc_ + "/self/fd"));
  put(metrics::kProcessMaxFds, max_fds());
  return families;
}

}  // namespace dbpool::exporter
