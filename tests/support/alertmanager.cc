#include "tests/support/alertmanager.h"

#include <stdexcept>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"

namespace dbpool::test {

Alertmanager::Alertmanager(const std::string& configuration)
    : port_(free_port()) {
  write_file(dir_.path() + "/alertmanager.yml", configuration);
  process_.emplace(
      "prometheus-alertmanager",
      std::vector<std::string>{
          "--config.file=" + dir_.path() + "/alertmanager.yml",
          "--storage.path=" + dir_.path() + "/data",
          "--web.listen-address=127.0.0.1:" + std::to_string(port_),
          "--cluster.listen-address=", "--log.level=warn"});
  eventually(std::chrono::seconds(60),
             [this] { return is_ready(port_) || !process_->running(); });
  if (!process_->running() || !is_ready(port_)) {
    throw std::runtime_error("Alertmanager does not start:\n" + output());
  }
}

}  // namespace dbpool::test
