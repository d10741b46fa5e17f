#include <utility>

#include "tests/faults/fault.h"

namespace dbpool::test {

std::vector<Fault> all_faults() {
  std::vector<Fault> all;
  for (auto* const group : {server_faults, network_faults, refusal_faults,
                            failover_faults, process_faults, machine_faults}) {
    for (Fault& fault : group()) all.push_back(std::move(fault));
  }
  return all;
}

}  // namespace dbpool::test
