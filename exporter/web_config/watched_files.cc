#include "exporter/web_config/watched_files.h"

#include <algorithm>
#include <chrono>

#include "exporter/base/bounded_file.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kLargest = 1 << 20;

// A kernel stamps times with its tick: two writes within one look the same.
constexpr std::int64_t kTickNs = 20'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

tl::expected<std::string, std::string> contents(const std::string& path) {
  auto text = read_start_of(path, kLargest + 1, Pipes::kRefuse);
  if (text && text->size() > kLargest) {
    return tl::make_unexpected(std::string("larger than 1 MiB"));
  }
  return text;
}

}  // namespace

tl::expected<std::string, std::string> WatchedFiles::read(
    const std::string& path) {
  // Looked at before it is read: what changes in between counts as a change.
  seen_.push_back({path, look_at(path), now_ns()});
  return contents(path);
}

bool WatchedFiles::have_changed() const {
  return std::ranges::any_of(seen_, [](const Seen& seen) {
    if (look_at(seen.path) != seen.look) return true;
    // Written so shortly before it was read that a second write may hide
    // behind the same time: once that time is over, it is read once more.
    const std::int64_t age = seen.read_ns - seen.look.changed_ns;
    return seen.look.is_there && age >= 0 && age < kTickNs &&
           now_ns() - seen.read_ns >= kTickNs;
  });
}

WatchedFiles::Look WatchedFiles::look_at(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {true,
          found.st_dev,
          found.st_ino,
          found.st_size,
          nanoseconds(found.st_mtim),
          nanoseconds(found.st_ctim)};
}

}  // namespace dbpool::exporter
