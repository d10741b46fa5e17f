// Fault: what goes wrong, and what it may and may not do to the requests.
#ifndef DBPOOL_TESTS_FAULTS_FAULT_H_
#define DBPOOL_TESTS_FAULTS_FAULT_H_

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/faults/rig.h"

namespace dbpool::test {

struct Fault {
  std::string name;
  Duration lasts = std::chrono::seconds(4);
  std::function<void(Rig&)> make = {};
  std::function<void(Rig&)> cure = {};
  // Why requests may fail meanwhile, and shortly after; other reasons are a
  // lie, or a fault of the pool's own.
  std::set<std::string> may_fail = {};
  // Why some must fail, or it was no fault at all.
  std::set<std::string> must_fail = {};
  // No new session is to be had meanwhile: dbpool_up must say so.
  bool nobody_gets_in = false;
  // Beyond one back-off step, e.g. until sessions that went silent have been
  // found to be.
  Duration may_need = std::chrono::seconds(0);
  // Sessions are lost all the time and new ones are to be had: it is no
  // outage, and openings are as many as losses.
  bool keeps_losing = false;
  // What the rig must have.
  RigOptions rig = {};
  bool once = false;   // a rig does not stand it twice
  int injections = 0;  // 0: as many as are asked for
  // Why it cannot be made here, or "".
  std::function<std::string()> obstacle = {};

  // Can it be one of a sequence, on a rig that serves them all?
  bool is_plain() const {
    return !rig.tls && !rig.standby && !rig.bouncer && !once && !obstacle;
  }
};

// Why requests may fail when sessions are lost and new ones are not to be had:
// at once, or since one was opened for longer than they wait.
std::set<std::string> reasons_of_loss();
// When what is there says nothing: on frozen sessions whose leases are out it
// looks like a slow server, until statements time out.
std::set<std::string> reasons_of_silence();

// In the order of the table.
std::vector<Fault> all_faults();

// By group; each in a file of its own.
std::vector<Fault> server_faults();    // processes of the server
std::vector<Fault> network_faults();   // on the way
std::vector<Fault> refusal_faults();   // a server that says no
std::vector<Fault> failover_faults();  // another server
std::vector<Fault> process_faults();   // the service's own process
std::vector<Fault> machine_faults();   // disks, names, clocks

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_FAULT_H_
