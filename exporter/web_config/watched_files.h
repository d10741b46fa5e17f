#ifndef DBPOOL_EXPORTER_WEB_CONFIG_WATCHED_FILES_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_WATCHED_FILES_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace dbpool::exporter {

// Files read, and whether one of them has changed since. Links are followed,
// so that a mounted secret whose link is turned counts as changed.
//
// Thread-safety: none.
class WatchedFiles {
 public:
  // Reads a file of at most 1 MiB and remembers how it looked. One that
  // cannot be read is remembered as that. The error is a reason such as "No
  // such file or directory".
  tl::expected<std::string, std::string> read(const std::string& path);

  // One stat() a file.
  bool have_changed() const;

 private:
  struct Look {
    bool is_there = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;

    bool operator==(const Look&) const = default;
  };
  struct Seen {
    std::string path;
    Look look;
    std::int64_t read_ns = 0;
  };

  static Look look_at(const std::string& path);

  std::vector<Seen> seen_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_WATCHED_FILES_H_
