#ifndef DBPOOL_TESTS_SUPPORT_SCOPED_ENV_H_
#define DBPOOL_TESTS_SUPPORT_SCOPED_ENV_H_

#include <stdlib.h>

#include <optional>
#include <string>

namespace dbpool::test {

// Sets an environment variable for the time of a test (nullptr: unsets it).
// Not while other threads read the environment.
class ScopedEnv {
 public:
  ScopedEnv(const char* name, const char* value) : name_(name) {
    const char* const before = ::getenv(name);
    if (before != nullptr) before_ = before;
    set(value);
  }
  ~ScopedEnv() { set(before_ ? before_->c_str() : nullptr); }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;

 private:
  void set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }

  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_SCOPED_ENV_H_
