// What happens to the service itself, or what it asks for.
#include <signal.h>
#include <sys/resource.h>

#include "tests/faults/fault.h"

namespace dbpool::test {

namespace {

using std::chrono::seconds;

Fault stopped() {
  Fault fault{.name = "the service stopped, 30 s"};
  fault.lasts = seconds(30);
  fault.injections = 1;
  fault.make = [](Rig& rig) { rig.client().send_signal(SIGSTOP); };
  fault.cure = [](Rig& rig) { rig.client().send_signal(SIGCONT); };
  fault.may_fail = reasons_of_silence();
  return fault;
}

void limit_descriptors(pid_t pid, rlim_t most) {
  rlimit limit = {};
  ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit);
  limit.rlim_cur = most;
  ::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr);
}

Fault descriptors_exhausted() {
  Fault fault{.name = "descriptors exhausted"};
  fault.make = [](Rig& rig) {
    limit_descriptors(rig.client().pid(), 3);
    rig.terminate(kOfTheService);
  };
  fault.cure = [](Rig& rig) { limit_descriptors(rig.client().pid(), 1024); };
  fault.may_fail = reasons_of_loss();
  return fault;
}

// One of 200 MB that is read, and one that is too large.
Fault large_results() {
  Fault fault{.name = "results of 200 MB"};
  fault.lasts = seconds(4);
  fault.make = [](Rig& rig) { rig.client().tell("large"); };
  fault.cure = [](Rig&) {};
  fault.may_fail = reasons_of_silence();
  fault.may_fail.insert("result_too_large");
  return fault;
}

Fault no_answer() {
  Fault fault{.name = "statements without end"};
  fault.lasts = seconds(4);
  fault.make = [](Rig& rig) {
    for (int i = 0; i < 4; ++i) rig.client().tell("forever");
  };
  fault.cure = [](Rig&) {};
  fault.may_fail = {"timeout"};
  return fault;
}

}  // namespace

std::vector<Fault> process_faults() {
  return {stopped(), descriptors_exhausted(), large_results(), no_answer()};
}

}  // namespace dbpool::test
