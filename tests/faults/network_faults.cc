// What becomes of the way to the server.
#include <unistd.h>

#include "tests/faults/fault.h"

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Sessions that went silent are found to be when a statement on them has
// timed out, and its cancel had its grace; two seconds each.
constexpr Duration kSilence = seconds(4);

Fault on_the_way(const std::string& name, Way way, Duration lasts) {
  Fault fault{.name = name};
  fault.lasts = lasts;
  fault.make = [way](Rig& rig) { rig.set(way); };
  fault.cure = [](Rig& rig) { rig.set(Way::kPass); };
  fault.may_fail = reasons_of_silence();
  return fault;
}

Fault hole(const std::string& name, Way way) {
  Fault fault = on_the_way(name, way, seconds(6));
  fault.nobody_gets_in = true;
  return fault;
}

Fault hole_in_tls() {
  Fault fault = hole("a black hole in TLS", Way::kHoleInTls);
  fault.rig.tls = true;
  return fault;
}

// Who is there becomes silent with his next rows.
Fault hole_in_result() {
  Fault fault =
      on_the_way("a black hole amid a result", Way::kHoleInResult, seconds(3));
  fault.may_need = kSilence;
  return fault;
}

Fault reset() {
  Fault fault{.name = "connections reset"};
  fault.lasts = milliseconds(500);
  fault.make = [](Rig& rig) { rig.each_way(&FaultProxy::reset_all); };
  fault.cure = [](Rig&) {};
  fault.may_fail = reasons_of_loss();
  return fault;
}

Fault refused() {
  Fault fault{.name = "connections refused"};
  fault.make = [](Rig& rig) { rig.each_way(&FaultProxy::refuse); };
  fault.cure = [](Rig& rig) { rig.each_way(&FaultProxy::listen); };
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  return fault;
}

Fault cut() {
  Fault fault = on_the_way("cut amid a result", Way::kCut, seconds(2));
  fault.keeps_losing = true;
  fault.may_fail = reasons_of_silence();
  return fault;
}

Fault trickle() {
  Fault fault = on_the_way("one byte a second", Way::kTrickle, seconds(6));
  fault.nobody_gets_in = true;
  return fault;
}

Fault link_down(const std::string& name, Duration lasts, int injections) {
  Fault fault = on_the_way(name, Way::kDown, lasts);
  fault.nobody_gets_in = true;
  fault.injections = injections;
  return fault;
}

// The cable is pulled: not even the kernels hear of each other. The exporter's
// way stands still.
Fault cable_pulled() {
  Fault fault{.name = "cable pulled"};
  fault.lasts = seconds(8);
  fault.make = [](Rig& rig) {
    rig.link().set_down();
    rig.set(Way::kDown);
  };
  fault.cure = [](Rig& rig) {
    rig.set(Way::kPass);
    rig.link().set_up();
  };
  fault.may_fail = reasons_of_silence();
  fault.nobody_gets_in = true;
  fault.rig.link = true;
  fault.obstacle = [] {
    return std::string(::geteuid() == 0 ? "" : "it takes root for a network");
  };
  return fault;
}

}  // namespace

std::vector<Fault> network_faults() {
  return {reset(),
          refused(),
          cut(),
          hole("a black hole after TCP", Way::kHoleInTcp),
          hole_in_tls(),
          hole("a black hole in the log-in", Way::kHoleInAuth),
          hole_in_result(),
          trickle(),
          link_down("link down, 1 s", seconds(1), 0),
          link_down("link down, 30 s", seconds(30), 1),
          cable_pulled()};
}

}  // namespace dbpool::test
