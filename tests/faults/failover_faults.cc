// Another server, and a pooler in between.
#include "tests/faults/fault.h"

namespace dbpool::test {

namespace {

using std::chrono::seconds;

Fault failover() {
  Fault fault{.name = "failover to the standby"};
  fault.make = [](Rig& rig) { rig.server().stop(StopMode::kImmediate); };
  fault.cure = [](Rig& rig) { rig.promote(); };
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  fault.rig.standby = true;
  fault.once = true;
  return fault;
}

Fault bouncer_restarted() {
  Fault fault{.name = "PgBouncer restarted"};
  fault.make = [](Rig& rig) { rig.bouncer().stop(); };
  fault.cure = [](Rig& rig) { rig.bouncer().start(); };
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  fault.rig.bouncer = true;
  return fault;
}

// Clients may log in, and wait.
Fault bouncer_paused() {
  Fault fault{.name = "PgBouncer paused"};
  fault.lasts = seconds(5);
  fault.make = [](Rig& rig) { rig.bouncer().command("PAUSE"); };
  fault.cure = [](Rig& rig) { rig.bouncer().command("RESUME"); };
  fault.may_fail = reasons_of_silence();
  fault.rig.bouncer = true;
  return fault;
}

}  // namespace

std::vector<Fault> failover_faults() {
  return {failover(), bouncer_restarted(), bouncer_paused()};
}

}  // namespace dbpool::test
