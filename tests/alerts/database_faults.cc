#include <chrono>
#include <utility>

#include "tests/alerts/fault.h"
#include "tests/support/certificates.h"
#include "tests/support/pg_session.h"

namespace dbpool::test {
namespace {

using std::chrono::hours;

constexpr hours kDay{24};

const std::string kUser(kPlantedUser);

// What sees the fault looks often.
const std::string kConnectOften = "--probe.connect.interval=1s";

// The database is stopped.
class StoppedDatabase : public Fault {
 public:
  StoppedDatabase() : Fault("stopped") {
    create_planted_role(own_);
    restart({.database_url = planted_url(own_),
             .args = {kConnectOften, "--workload.clients=2",
                      "--workload.think=100ms"}});
  }

  void make() override { own_.stop(StopMode::kImmediate); }
  void cure() override { own_.start(); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolDatabaseDown", "critical"}};
  }

 private:
  Postgres own_;
};

// New sessions are refused, those that are there go on.
class RefusedRole : public PacedFault {
 public:
  explicit RefusedRole(Postgres& postgres)
      : PacedFault("refused", postgres, 0), server_(postgres) {
    restart(workload({kConnectOften, "--workload.rate=5"}));
  }

  void make() override {
    server_.set_hba(
        {"host " + database() + " " + kUser + " 127.0.0.1/32 reject"});
    server_.reload();
  }
  void cure() override {
    server_.set_hba({});
    server_.reload();
  }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolDatabaseDown", "critical"}};
  }

 private:
  Postgres& server_;
};

// The probe's statement may not read its table any more.
class RefusedStatement : public PacedFault {
 public:
  explicit RefusedStatement(const Postgres& postgres)
      : PacedFault("denied", postgres, 0) {
    restart(options({"--probe.select_1.sql=SELECT seconds FROM pace"}));
  }

  void make() override {
    postgres_.sql("REVOKE SELECT ON pace FROM " + kUser, database());
  }
  void cure() override {
    postgres_.sql("GRANT SELECT ON pace TO " + kUser, database());
  }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolProbeFailing", "warning", {{"probe", "select_1"}}}};
  }
};

// Others take the database's slots: most of them, then nearly all.
class TakenSlots : public Fault {
 public:
  TakenSlots() : Fault("slots"), own_({.config = {"max_connections = 63"}}) {
    create_planted_role(own_);
    restart({.database_url = planted_url(own_),
             .args = {"--probe.server.interval=1s"},
             .env = {{"DB_POOL_MAX", "2"}, {"DB_POOL_MIN", "1"}}});
  }

  // 60 of them are not reserved.
  void make() override { take(52); }
  void make_worse() override { take(58); }
  void cure() override { others_.clear(); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolServerSlotsLow", "warning"}};
  }
  std::vector<Alert> wanted_when_worse() const override {
    return {{"DbpoolServerSlotsLow", "critical"}};
  }

 private:
  int used() const {
    return std::stoi(own_.sql_value(
        "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = "
        "'client backend'"));
  }
  void take(int wanted) {
    while (used() < wanted) others_.emplace_back(own_.tcp_url());
  }

  Postgres own_;
  std::vector<PgSession> others_;
};

// The server's certificate ends in two days, one of the CAs in ten.
class ExpiringCertificates : public Fault {
 public:
  ExpiringCertificates() : Fault("expiring"), own_(with_tls(certificate(60))) {
    create_planted_role(own_);
    trust(ca_.certificate());
  }

  void make() override {
    show(certificate(2));
    const CertificateAuthority old("Old CA", 10 * kDay);
    trust(ca_.certificate() + old.certificate());
  }
  // New sessions see the new certificate, the probe's among them.
  void cure() override {
    show(certificate(60));
    trust(ca_.certificate());
  }
  std::vector<Alert> wanted() const override {
    const std::string name = "DbpoolCertificateExpiring";
    return {{name, "critical", {{"certificate", "server"}}},
            {name, "warning", {{"certificate", "ca"}}}};
  }

 private:
  KeyPair certificate(int days) const {
    return ca_.issue({.common_name = "db",
                      .alternative_names = "IP:127.0.0.1",
                      .ends = days * kDay});
  }
  void show(const KeyPair& pair) {
    own_.set_file("server.key", pair.key);
    own_.set_file("server.crt", pair.certificate);
    own_.reload();
  }
  void trust(const std::string& certificates) {
    restart({.database_url = planted_url(own_),
             .args = {kConnectOften},
             .env = {{"DB_SSL", "true"}, {"DB_SSL_CA", base64(certificates)}}});
  }

  const CertificateAuthority ca_{"CA", 90 * kDay};
  Postgres own_;
};

}  // namespace

std::vector<std::unique_ptr<Fault>> database_faults(Postgres& postgres) {
  std::vector<std::unique_ptr<Fault>> faults;
  faults.push_back(std::make_unique<StoppedDatabase>());
  faults.push_back(std::make_unique<RefusedRole>(postgres));
  faults.push_back(std::make_unique<RefusedStatement>(postgres));
  faults.push_back(std::make_unique<TakenSlots>());
  faults.push_back(std::make_unique<ExpiringCertificates>());
  return faults;
}

}  // namespace dbpool::test
