#ifndef DBPOOL_TESTS_SUPPORT_READY_H_
#define DBPOOL_TESTS_SUPPORT_READY_H_

#include <string>

#include "tests/support/process.h"

namespace dbpool::test {

// Waits until the program says on 127.0.0.1:port that it is ready, on
// /-/ready as Prometheus' programs do. Throws std::runtime_error with `name`
// and its output when it ends, or is not ready within a minute.
void wait_until_ready(Process& process, int port, const std::string& name);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_READY_H_
