// Disks that are full, names that are not resolved, a clock that is set.
#include <unistd.h>

#include "tests/faults/fault.h"

namespace dbpool::test {

namespace {

using std::chrono::seconds;

std::string root_needed() {
  return ::geteuid() == 0 ? "" : "it takes root to mount";
}

// Of the server, where the rows are.
Fault disk_full() {
  Fault fault{.name = "the server's disk full"};
  fault.lasts = seconds(5);
  fault.make = [](Rig& rig) { rig.disk().fill(); };
  fault.cure = [](Rig& rig) { rig.disk().relieve(); };
  fault.may_fail = {"server_error"};
  fault.must_fail = fault.may_fail;
  fault.rig.small_disk = true;
  fault.obstacle = root_needed;
  return fault;
}

// There from the beginning; sessions have to be opened all the same.
Fault tmp_full() {
  Fault fault{.name = "/tmp full"};
  fault.lasts = seconds(1);
  fault.make = [](Rig& rig) { rig.terminate(); };
  fault.cure = [](Rig&) {};
  fault.may_fail = reasons_of_loss();
  fault.rig.full_tmp = true;
  fault.obstacle = root_needed;
  return fault;
}

Fault dns(const std::string& name, Dns how) {
  Fault fault{.name = name};
  fault.lasts = seconds(4);
  fault.make = [how](Rig& rig) {
    rig.dns().set(how);
    rig.terminate();
  };
  fault.cure = [](Rig& rig) { rig.dns().set(Dns::kRight); };
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  fault.rig.dns = true;
  fault.obstacle = root_needed;
  return fault;
}

// An hour forth, and back: nothing that is awaited goes by the wall clock.
Fault clock_stepped() {
  Fault fault{.name = "the clock stepped"};
  fault.make = [](Rig& rig) { rig.step_clock(std::chrono::hours(1)); };
  fault.cure = [](Rig& rig) { rig.step_clock(std::chrono::hours(0)); };
  fault.rig.own_clock = true;
  return fault;
}

}  // namespace

std::vector<Fault> machine_faults() {
  return {disk_full(), tmp_full(), dns("DNS hangs", Dns::kSilent),
          dns("DNS answers wrongly", Dns::kWrong), clock_stepped()};
}

}  // namespace dbpool::test
