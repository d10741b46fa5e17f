// How many entries a folder has, e.g. /proc/self/fd or /proc/self/task.
#ifndef DBPOOL_TESTS_SUPPORT_ENTRIES_H_
#define DBPOOL_TESTS_SUPPORT_ENTRIES_H_

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace dbpool::test {

inline std::size_t entries_of(const char* folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder),
                    std::filesystem::directory_iterator()));
}

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_ENTRIES_H_
