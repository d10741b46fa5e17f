// Processes of the server that are killed, stopped and restarted.
#include <signal.h>

#include "tests/faults/fault.h"

namespace dbpool::test {

namespace {

using std::chrono::seconds;

// The backend that served the service last, so that the next request has it; 0
// if it has none, since another fault is not over.
pid_t pick_backend(Rig& rig) {
  return std::stoi(rig.server().sql_value(
      std::string("SELECT coalesce((SELECT pid FROM pg_stat_activity WHERE "
                  "usename = 'app' AND ") +
      kOfTheService + " ORDER BY state_change DESC LIMIT 1), 0)"));
}

void send(pid_t backend, int signal) {
  if (backend > 0) ::kill(backend, signal);
}

void start_if_down(Rig& rig) {
  if (!rig.server().running()) rig.server().start();
  rig.server().wait_until_ready();
}

Fault kill_backend() {
  Fault fault{.name = "a backend killed (-9)"};
  // The server restarts all its backends; it is a matter of milliseconds.
  fault.lasts = std::chrono::milliseconds(500);
  fault.make = [](Rig& rig) { send(pick_backend(rig), SIGKILL); };
  fault.cure = start_if_down;
  fault.may_fail = reasons_of_loss();
  return fault;
}

Fault kill_postmaster() {
  Fault fault{.name = "the postmaster killed (-9)"};
  fault.make = [](Rig& rig) { rig.server().kill(); };
  fault.cure = start_if_down;
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  return fault;
}

Fault restart() {
  Fault fault{.name = "an immediate restart"};
  fault.make = [](Rig& rig) { rig.server().stop(StopMode::kImmediate); };
  fault.cure = start_if_down;
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  return fault;
}

Fault stop_backend() {
  Fault fault{.name = "a backend stopped"};
  fault.lasts = seconds(5);
  fault.make = [](Rig& rig) {
    rig.stopped = pick_backend(rig);
    send(rig.stopped, SIGSTOP);
  };
  fault.cure = [](Rig& rig) { send(rig.stopped, SIGCONT); };
  fault.may_fail = reasons_of_silence();
  return fault;
}

// Who has a session keeps it.
Fault stop_postmaster() {
  Fault fault{.name = "the postmaster stopped"};
  fault.lasts = seconds(5);
  fault.make = [](Rig& rig) { rig.server().pause(); };
  fault.cure = [](Rig& rig) { rig.server().resume(); };
  fault.nobody_gets_in = true;
  return fault;
}

Fault terminate(const std::string& name, const std::string& state) {
  Fault fault{.name = name};
  fault.lasts = seconds(1);
  fault.make = [state](Rig& rig) {
    while (rig.terminate("state = '" + state + "'") == 0) {
    }
  };
  fault.cure = [](Rig&) {};
  // Who was lent one in the moment of its end.
  fault.may_fail = reasons_of_loss();
  return fault;
}

}  // namespace

std::vector<Fault> server_faults() {
  return {kill_backend(),
          kill_postmaster(),
          restart(),
          stop_backend(),
          stop_postmaster(),
          terminate("idle sessions terminated", "idle"),
          terminate("busy sessions terminated", "active")};
}

}  // namespace dbpool::test
