#include <utility>

#include "tests/faults/fault.h"

namespace dbpool::test {

std::set<std::string> reasons_of_loss() {
  return {"connection_lost", "server_error", "backend_down",
          "timeout_backend_down", "timeout_opening"};
}

std::set<std::string> reasons_of_silence() {
  std::set<std::string> reasons = reasons_of_loss();
  reasons.insert({"timeout", "timeout_capacity"});
  return reasons;
}

std::vector<Fault> all_faults() {
  std::vector<Fault> all;
  for (auto* const group : {server_faults, network_faults, refusal_faults,
                            failover_faults, process_faults, machine_faults}) {
    for (Fault& fault : group()) all.push_back(std::move(fault));
  }
  return all;
}

}  // namespace dbpool::test
