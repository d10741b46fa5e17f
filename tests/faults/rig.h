// Rig: a server, the ways to it, a service with a pool and an exporter.
#ifndef DBPOOL_TESTS_FAULTS_RIG_H_
#define DBPOOL_TESTS_FAULTS_RIG_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/faults/alert_watch.h"
#include "tests/faults/client.h"
#include "tests/faults/dns_server.h"
#include "tests/faults/fault_proxy.h"
#include "tests/faults/network_link.h"
#include "tests/faults/small_disk.h"
#include "tests/faults/watch.h"
#include "tests/support/certificates.h"
#include "tests/support/pg_session.h"
#include "tests/support/pgbouncer.h"
#include "tests/support/postgres.h"

namespace dbpool::test {

// Slots of the server.
inline constexpr int kSlots = 60;

// Longer than any alert looks ahead.
inline constexpr std::chrono::seconds kCertificatesLast =
    std::chrono::hours(24 * 90);

// The service's sessions, by the names that its drivers give them.
inline constexpr char kOfTheService[] =
    "application_name IN ('faults_client', '', 'PostgreSQL JDBC Driver')";

// Whose pool is put to the test.
enum class Contender : std::uint8_t { kDbpool, kNodePostgres, kHikariCp };
std::string_view to_string(Contender contender) noexcept;

// What a fault needs beyond a server.
struct RigOptions {
  bool tls = false;         // verify-full, by a CA of the rig's
  bool standby = false;     // synchronous; both hosts in the URL, read-write
  bool bouncer = false;     // in transaction mode, between proxy and server
  bool small_disk = false;  // the ledger is on one of the server's
  bool full_tmp = false;    // of the service and the exporter
  bool dns = false;         // they know the server by name
  bool link = false;        // the service has a network of its own
  bool own_clock = false;   // service and exporter have a wall clock of theirs
  bool alerts = false;      // a Prometheus with the rules scrapes the exporter
  Contender contender = Contender::kDbpool;
  int rate = 200;  // requests offered a second
  std::uint32_t seed = 1;
};

// Not thread-safe.
class Rig {
 public:
  // All runs, and the first requests have been served. Throws
  // std::runtime_error when they are not.
  explicit Rig(const RigOptions& options);

  const RigOptions& options() const { return options_; }
  // The one that is written to.
  Postgres& server() { return promoted_ ? *standby_ : *primary_; }
  Postgres& standby() { return *standby_; }
  void promote();
  PgBouncer& bouncer() { return *bouncer_; }
  DnsServer& dns() { return *dns_; }
  const SmallDisk& disk() const { return *disk_; }
  NetworkLink& link() { return *link_; }
  const CertificateAuthority& authority() const { return authority_; }
  // The service's way to the server, and the exporter's.
  FaultProxy& way() { return *way_; }
  void set(Way way);
  void each_way(void (FaultProxy::*what)());
  // Connections of the service, and of the exporter, that are there now.
  std::size_t connections();
  std::size_t exporter_connections();
  Client& client() { return *client_; }
  Watch& watch() { return *watch_; }
  // Null if they are not watched.
  const AlertWatch* alerts() const { return alerts_ ? &*alerts_ : nullptr; }

  // Sets their wall clock so far from the machine's, and sees it set.
  void step_clock(std::chrono::seconds ahead);

  // Ends the sessions of the app role that `condition` holds for; how many
  // there were.
  int terminate(const std::string& condition = "true");

  // For faults to keep something in.
  std::vector<PgSession> sessions;
  pid_t stopped = 0;

 private:
  std::string url_to(const FaultProxy& way, const std::string& more);
  void start_server();
  void start_standby();
  // `command` where this rig's service and exporter are to run.
  std::vector<std::string> placed(const std::vector<std::string>& command);
  std::vector<std::string> with_own_clock(
      const std::vector<std::string>& command) const;
  std::string clock_file() const { return dir_.path() + "/clock"; }
  std::vector<std::string> service_command() const;
  void start_client();

  const RigOptions options_;
  const CertificateAuthority authority_{"faults CA", kCertificatesLast};
  const TempDir dir_;
  std::optional<DnsServer> dns_;
  std::optional<SmallDisk> disk_;
  std::optional<NetworkLink> link_;
  std::optional<Postgres> primary_;
  std::optional<Postgres> standby_;
  bool promoted_ = false;
  std::optional<PgBouncer> bouncer_;
  std::optional<FaultProxy> way_, exporter_way_;
  std::optional<FaultProxy> standby_way_, exporter_standby_way_;
  std::optional<Watch> watch_;
  std::optional<AlertWatch> alerts_;
  std::optional<Client> client_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_RIG_H_
