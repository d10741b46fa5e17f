// UniqueFd: a file descriptor that is closed by its owner.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BASE_UNIQUE_FD_H_
#define DBPOOL_POOL_SRC_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace dbpool::detail {

class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~UniqueFd() { reset(); }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  int get() const noexcept { return fd_; }
  void reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BASE_UNIQUE_FD_H_
