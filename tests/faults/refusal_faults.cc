// A server that is there and says no.
#include <chrono>
#include <exception>

#include "tests/faults/fault.h"
#include "tests/support/eventually.h"

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kEndAll[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = "
    "'app'";

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos;
       at = text.find(what, at + what.size())) {
    ++count;
  }
  return count;
}

// New sessions meet what was written.
void reload(Postgres& server) {
  const std::string told = "reloading configuration files";
  const std::size_t before = count_of(server.log(), told);
  server.reload();
  eventually(seconds(10),
             [&] { return count_of(server.log(), told) > before; });
}

// As a superuser, who may have those that are reserved too.
void take_slots(Rig& rig) {
  while (true) {
    try {
      rig.sessions.emplace_back(rig.server().url());
    } catch (const std::exception&) {
      return;
    }
  }
}

Fault slots_taken() {
  Fault fault{.name = "max_connections taken"};
  fault.lasts = seconds(4);
  fault.make = [](Rig& rig) {
    take_slots(rig);
    // What it ends is taken before the service has it back, mostly.
    for (int i = 0; i < 20; ++i) {
      rig.sessions.front().execute(kEndAll);
      take_slots(rig);
    }
  };
  fault.cure = [](Rig& rig) { rig.sessions.clear(); };
  fault.may_fail = reasons_of_loss();
  fault.may_fail.insert("server_slots");
  fault.nobody_gets_in = true;
  return fault;
}

Fault password_changed() {
  Fault fault{.name = "the password changed"};
  fault.make = [](Rig& rig) {
    rig.server().sql("ALTER ROLE app PASSWORD 'another'");
    rig.terminate();
  };
  fault.cure = [](Rig& rig) {
    rig.server().sql("ALTER ROLE app PASSWORD '" + std::string(kAppPassword) +
                     "'");
  };
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  return fault;
}

void show_certificate(Rig& rig, std::chrono::seconds ends) {
  const KeyPair pair =
      rig.authority().issue({.common_name = "faults",
                             .alternative_names = "IP:127.0.0.1",
                             .ends = ends});
  rig.server().set_file("server.key", pair.key);
  rig.server().set_file("server.crt", pair.certificate);
  reload(rig.server());
}

Fault certificate_expired() {
  Fault fault{.name = "the certificate expired"};
  fault.make = [](Rig& rig) {
    show_certificate(rig, -seconds(60));
    rig.terminate();
  };
  fault.cure = [](Rig& rig) { show_certificate(rig, kCertificatesLast); };
  fault.may_fail = reasons_of_loss();
  fault.nobody_gets_in = true;
  fault.rig.tls = true;
  return fault;
}

// Another one, as good; sessions go on, new ones see it.
Fault certificate_rotated() {
  Fault fault{.name = "the certificate rotated"};
  fault.lasts = milliseconds(500);
  fault.make = [](Rig& rig) {
    show_certificate(rig, kCertificatesLast);
    rig.terminate("state = 'idle'");
  };
  fault.cure = [](Rig&) {};
  fault.may_fail = reasons_of_loss();
  fault.rig.tls = true;
  return fault;
}

}  // namespace

std::vector<Fault> refusal_faults() {
  return {slots_taken(), password_changed(), certificate_expired(),
          certificate_rotated()};
}

}  // namespace dbpool::test
