#ifndef DBPOOL_TESTS_SUPPORT_ALERTMANAGER_H_
#define DBPOOL_TESTS_SUPPORT_ALERTMANAGER_H_

#include <optional>
#include <string>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

// A real Alertmanager on a free port of 127.0.0.1, without a cluster, its
// data in a temp folder; ready when constructed. Throws std::runtime_error
// with its output when something fails.
class Alertmanager {
 public:
  // `configuration` is YAML.
  explicit Alertmanager(const std::string& configuration);

  int port() const { return port_; }
  std::string output() const { return process_->output(); }

 private:
  const TempDir dir_;
  int port_ = 0;
  std::optional<Process> process_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_ALERTMANAGER_H_
