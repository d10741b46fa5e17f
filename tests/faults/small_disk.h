// SmallDisk: a file system that is soon full.
#ifndef DBPOOL_TESTS_FAULTS_SMALL_DISK_H_
#define DBPOOL_TESTS_FAULTS_SMALL_DISK_H_

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

namespace dbpool::test {

// A tmpfs over the folder `path`, seen by this thread and by the processes
// that it starts from now on, and gone with them at the latest. Takes root;
// throws std::runtime_error.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::string& size)
      : path_(std::move(path)) {
    const std::string data = "size=" + size;
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", path_.c_str(), "tmpfs", 0, data.c_str()) != 0) {
      throw std::runtime_error("mount " + path_ + ": " + std::strerror(errno));
    }
  }
  ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Leaves no room, by a file of its own; and takes that away.
  void fill() const {
    std::ofstream file(filler());
    const std::string block(std::size_t{1} << 16, 'x');
    while (file.write(block.data(), std::ssize(block)).flush()) {
    }
  }
  void relieve() const { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/filler"; }

  const std::string path_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_SMALL_DISK_H_
