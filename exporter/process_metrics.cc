#include "exporter/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "exporter/families.h"

namespace dbpool::exporter {

namespace {

// The start of a file that /proc makes when it is read.
using Text = std::array<char, 1024>;
std::string_view read_start(int fd, Text& text) {
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
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
std::optional<Stat> parse_stat(std::string_view text) {
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  Stat stat{};
  for (std::size_t i = kFirstAfterName; i < stat.size(); ++i) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begin);
    // The state is a letter, and stays 0.
    std::from_chars(text.data(), text.data() + text.size(), stat[i]);
    text.remove_prefix(std::min(text.find(' '), text.size()));
  }
  return stat;
}

// When the machine was started, in seconds since the epoch.
std::optional<double> boot_time(const std::string& path) {
  constexpr std::string_view kKey = "\nbtime ";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = text.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + kKey.size(), nullptr);
}

std::optional<double> list_fds(const std::string& path) {
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

// Linux tells the number as the folder's size since 6.2; before, that is 0.
std::optional<double> open_fds(int folder, const std::string& path) {
  struct stat facts {};
  if (fstat(folder, &facts) != 0) return std::nullopt;
  if (facts.st_size > 0) return static_cast<double>(facts.st_size);
  return list_fds(path);
}

std::optional<double> max_fds() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

// /proc/stat lists every interrupt there is: too much to read at each scrape.
ProcessCollector::ProcessCollector(const std::string& proc)
    : fd_path_(proc + "/self/fd"),
      fd_folder_(open(fd_path_.c_str(), O_PATH | O_CLOEXEC)),
      stat_(open((proc + "/self/stat").c_str(), O_RDONLY | O_CLOEXEC)),
      boot_time_(boot_time(proc + "/stat")) {}

ProcessCollector::~ProcessCollector() {
  for (const int fd : {fd_folder_, stat_}) {
    if (fd >= 0) close(fd);
  }
}

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
  Text text;
  if (const auto stat = parse_stat(read_start(stat_, text))) {
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
  put(metrics::kProcessOpenFds, open_fds(fd_folder_, fd_path_));
  put(metrics::kProcessMaxFds, max_fds());
  return families;
}

}  // namespace dbpool::exporter
