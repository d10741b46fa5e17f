#include "exporter/metrics/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

namespace dbpool::exporter {

namespace {

std::string read_all(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// When the machine was started, in seconds since the epoch.
std::optional<double> boot_time(const std::string& path) {
  constexpr std::string_view kKey = "\nbtime ";
  const std::string text = read_all(path);
  const std::size_t at = text.find(kKey);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + kKey.size(), nullptr);
}

double ticks_a_second() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

// When this process was, in ticks after the machine: field 22 of stat, of
// which the second is a name that may hold blanks and parentheses; proc(5).
std::optional<double> start_ticks(const std::string& path) {
  constexpr int kAfterName = 22 - 2;
  const std::string text = read_all(path);
  std::size_t at = text.rfind(')');
  for (int field = 0; at != std::string::npos && field < kAfterName; ++field) {
    at = text.find(' ', at + 1);
  }
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at, nullptr);
}

std::optional<double> start_time(const std::string& proc) {
  const auto boot = boot_time(proc + "/stat");
  const auto ticks = start_ticks(proc + "/self/stat");
  if (!boot || !ticks) return std::nullopt;
  return *boot + *ticks / ticks_a_second();
}

std::optional<double> cpu_seconds() {
  timespec used{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return std::nullopt;
  return static_cast<double>(used.tv_sec) +
         static_cast<double>(used.tv_nsec) / 1e9;
}

struct Memory {
  double virtual_bytes;
  double resident_bytes;
};

// The first two fields of statm: pages in all, and pages that are resident.
std::optional<Memory> memory(int statm) {
  std::array<char, 128> text{};  // zeros at its end, since one less is read
  if (pread(statm, text.data(), text.size() - 1, 0) <= 0) return std::nullopt;
  char* end = nullptr;
  const double all = std::strtod(text.data(), &end);
  const double resident = std::strtod(end, &end);
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return Memory{all * page, resident * page};
}

// A folder has a link from itself, one from its parent, and one from each
// folder in it.
std::optional<double> folders_in(int folder) {
  struct stat facts {};
  if (fstat(folder, &facts) != 0) return std::nullopt;
  return static_cast<double>(facts.st_nlink) - 2;
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

int open_folder(const std::string& path) {
  return open(path.c_str(), O_PATH | O_CLOEXEC);
}

}  // namespace

ProcessMetrics::ProcessMetrics(const std::string& proc)
    : fd_path_(proc + "/self/fd"),
      fd_folder_(open_folder(fd_path_)),
      task_folder_(open_folder(proc + "/self/task")),
      statm_(open((proc + "/self/statm").c_str(), O_RDONLY | O_CLOEXEC)),
      start_time_(start_time(proc)) {}

ProcessMetrics::~ProcessMetrics() {
  for (const int fd : {fd_folder_, task_folder_, statm_}) {
    if (fd >= 0) close(fd);
  }
}

void ProcessMetrics::tell(metrics::Sink& sink) const {
  const auto put = [&sink](const metrics::MetricInfo& info,
                           std::optional<double> value) {
    if (value) sink.add(info, {}, *value);
  };
  put(metrics::kProcessCpuSeconds, cpu_seconds());
  if (const auto used = memory(statm_)) {
    put(metrics::kProcessVirtualMemory, used->virtual_bytes);
    put(metrics::kProcessResidentMemory, used->resident_bytes);
  }
  put(metrics::kProcessThreads, folders_in(task_folder_));
  put(metrics::kProcessStartTime, start_time_);
  put(metrics::kProcessOpenFds, open_fds(fd_folder_, fd_path_));
  put(metrics::kProcessMaxFds, max_fds());
}

}  // namespace dbpool::exporter
