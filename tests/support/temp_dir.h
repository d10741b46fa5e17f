#ifndef DBPOOL_TESTS_SUPPORT_TEMP_DIR_H_
#define DBPOOL_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>

namespace dbpool::test {

// A folder of its own, removed with all that is in it at destruction. Its
// path is short, so that Unix sockets fit. Folders of test programs that died
// are removed by the next one.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Both throw std::runtime_error.
void write_file(const std::string& path, const std::string& contents);
std::string read_file(const std::string& path);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_TEMP_DIR_H_
