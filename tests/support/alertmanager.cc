#include "tests/support/alertmanager.h"

#include <vector>

#include "tests/support/net.h"
#include "tests/support/ready.h"

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
  wait_until_ready(*process_, port_, "Alertmanager");
}

}  // namespace dbpool::test
