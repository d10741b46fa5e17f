#include "tests/support/ready.h"

#include <chrono>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/http_client.h"

namespace dbpool::test {
namespace {

bool is_ready(int port) {
  try {
    return http_get(port, "/-/ready").status == 200;
  } catch (const std::runtime_error&) {
    return false;  // it does not listen yet
  }
}

}  // namespace

void wait_until_ready(Process& process, int port, const std::string& name) {
  eventually(std::chrono::seconds(60),
             [&] { return is_ready(port) || !process.running(); });
  if (!process.running() || !is_ready(port)) {
    throw std::runtime_error(name + " does not start:\n" + process.output());
  }
}

}  // namespace dbpool::test
