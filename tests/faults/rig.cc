#include "tests/faults/rig.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/postgres_template.h"

namespace dbpool::test {

namespace {

using std::chrono::seconds;

PostgresOptions server_options() {
  PostgresOptions options;
  options.config = {"max_connections = " + std::to_string(kSlots),
                    "synchronous_commit = on",
                    "wal_level = replica",
                    "max_wal_senders = 4",
                    "log_connections = on",
                    "ssl = on"};
  options.hba = {"local replication all trust"};
  return options;
}

KeyPair server_pair(const CertificateAuthority& authority) {
  return authority.issue({.common_name = "faults",
                          .alternative_names = "IP:127.0.0.1",
                          .ends = kCertificatesLast});
}

PostgresOptions with_pair(PostgresOptions options, const KeyPair& pair) {
  options.files = {{"server.key", pair.key}, {"server.crt", pair.certificate}};
  return options;
}

// As timestamps have it, in UTC.
std::string minute_of(std::chrono::system_clock::time_point time) {
  const std::time_t whole = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  std::array<char, 32> text;
  return {text.data(),
          std::strftime(text.data(), text.size(), "%FT%H:%M", &parts)};
}

std::vector<std::string> command_of(Contender contender) {
  const std::string peers = DBPOOL_FAULTS_PEERS;
  switch (contender) {
    case Contender::kNodePostgres:
      return {"node", peers + "/faults.js"};
    case Contender::kHikariCp: {
      std::string path = peers + "/hikaricp";
      for (const char* jar :
           {"HikariCP", "postgresql", "slf4j-api", "slf4j-nop"}) {
        path += std::string(":/usr/share/java/") + jar + ".jar";
      }
      return {"java", "-Xmx512m", "-cp", path, "Faults"};
    }
    case Contender::kDbpool:
      break;
  }
  return {DBPOOL_FAULTS_CLIENT};
}

}  // namespace

std::string_view to_string(Contender contender) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"dbpool", "node-postgres",
                                                      "HikariCP"};
  return kNames[static_cast<std::size_t>(contender)];
}

Rig::Rig(const RigOptions& options) : options_(options) {
  if (options_.dns) dns_.emplace();
  if (options_.own_clock) {
    write_file(clock_file(), std::string(sizeof(std::int64_t), '\0'));
  }
  start_server();
  if (options_.standby) start_standby();
  if (options_.bouncer) {
    bouncer_.emplace(*primary_, PoolMode::kTransaction);
  }
  const int port = bouncer_ ? bouncer_->port() : primary_->port();
  if (options_.link) link_.emplace();
  way_.emplace(port, link_ ? link_->address() : "127.0.0.1");
  exporter_way_.emplace(port);
  if (standby_) {
    standby_way_.emplace(standby_->port());
    exporter_standby_way_.emplace(standby_->port());
  }
  watch_.emplace(placed({DBPOOL_EXPORTER_PROGRAM}), url_to(*exporter_way_, ""));
  if (options_.alerts) alerts_.emplace(watch_->port());
  start_client();
}

void Rig::start_server() {
  const std::string disk = dir_.path() + "/disk";
  if (options_.small_disk) {
    std::filesystem::create_directory(disk);
    disk_.emplace(disk, "32m");
    give_to_server_user(disk);
    std::filesystem::permissions(dir_.path(),
                                 std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
  }
  primary_.emplace(with_pair(server_options(), server_pair(authority_)));
  if (disk_) {
    primary_->sql("CREATE TABLESPACE small LOCATION '" + disk + "'");
  }
  // On a small disk large rows, which soon need room.
  primary_->sql(
      std::string("CREATE TABLE ledger (number bigint NOT NULL") +
      (disk_ ? ", padding text DEFAULT repeat('x', 1500)) TABLESPACE small"
             : ")"));
  primary_->sql("GRANT ALL ON ledger TO app");
}

// From now on what is acknowledged is on the standby too.
void Rig::start_standby() {
  PostgresOptions options =
      with_pair(server_options(), server_pair(authority_));
  options.standby_of = &*primary_;
  standby_.emplace(options);
  primary_->configure({"synchronous_standby_names = '*'"});
  primary_->reload();
}

void Rig::promote() {
  standby_->sql("SELECT pg_promote()");
  promoted_ = true;
}

std::string Rig::url_to(const FaultProxy& way, const std::string& more) {
  std::string hosts = (dns_ ? "db.faults.test" : way.address()) + ":" +
                      std::to_string(way.port());
  std::string query = "?sslmode=disable";
  if (options_.tls) {
    const std::string path = dir_.path() + "/ca.pem";
    write_file(path, authority_.certificate());
    query = "?sslmode=verify-full&sslrootcert=" + path;
  }
  if (standby_) {
    const FaultProxy& other =
        &way == &*way_ ? *standby_way_ : *exporter_standby_way_;
    hosts += ",127.0.0.1:" + std::to_string(other.port());
    query += "&target_session_attrs=read-write";
  }
  return "postgresql://" + std::string(kAppUser) + ":" +
         std::string(kAppPassword) + "@" + hosts + "/postgres" + query + more;
}

// The kernel has one wall clock for all.
std::vector<std::string> Rig::with_own_clock(
    const std::vector<std::string>& command) const {
  std::vector<std::string> whole = {"env", "LD_PRELOAD=" DBPOOL_FAULTS_CLOCK,
                                    "FAULTS_CLOCK_FILE=" + clock_file()};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

void Rig::step_clock(std::chrono::seconds ahead) {
  const std::int64_t count = ahead.count();
  // In place: both have it mapped.
  std::fstream file(clock_file(), std::ios::in | std::ios::out);
  file.write(reinterpret_cast<const char*>(&count), sizeof(count));
  file.flush();
  const auto shows_it = [&] {
    const auto time = std::chrono::system_clock::now() + ahead;
    return watch_->health().find(minute_of(time)) != std::string::npos;
  };
  if (!eventually(seconds(10), shows_it)) {
    throw std::runtime_error("the clock is not set: " + watch_->health());
  }
}

// Mounts of its own take root. What is in /tmp itself is opened before it goes.
std::vector<std::string> Rig::placed(const std::vector<std::string>& command) {
  if (options_.own_clock) return with_own_clock(command);
  std::string script;
  if (options_.full_tmp) {
    script =
        "exec 9<\"$0\" && mount -t tmpfs -o size=16k tmpfs /tmp && "
        "(head -c 1M </dev/zero >/tmp/full 2>/dev/null || true) && "
        "exec /proc/self/fd/9 \"$@\"";
  } else if (dns_) {
    const std::string path = dir_.path() + "/resolv.conf";
    write_file(path, "nameserver " + dns_->address() + "\n");
    script = "mount --bind " + path + " /etc/resolv.conf && exec \"$0\" \"$@\"";
  } else {
    return command;
  }
  std::vector<std::string> whole = {"unshare", "--mount", "sh", "-c", script};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

std::vector<std::string> Rig::service_command() const {
  const std::vector<std::string> command = command_of(options_.contender);
  return link_ ? link_->placed(command) : command;
}

void Rig::start_client() {
  const auto ms = [](int value) { return std::to_string(value); };
  client_.emplace(
      placed(service_command()),
      std::map<std::string, std::string>{
          {"FAULTS_URL", url_to(*way_, "&application_name=faults_client")},
          {"FAULTS_RATE", ms(options_.rate)},
          {"FAULTS_SEED", std::to_string(options_.seed)},
          {"FAULTS_PREPARED", options_.bouncer ? "0" : "100"},
          {"PGHOST", way_->address()},
          {"PGPORT", std::to_string(way_->port())},
          {"PGUSER", std::string(kAppUser)},
          {"PGPASSWORD", std::string(kAppPassword)},
          {"PGDATABASE", "postgres"}});
  const bool is_served = eventually(seconds(60), [this] {
    return client_->requests_from(100).size() > 100 && watch_->up() == 1.0;
  });
  if (!is_served) {
    throw std::runtime_error("the requests are not served\n" +
                             watch_->output());
  }
}

void Rig::set(Way way) {
  for (auto* proxy :
       {&way_, &exporter_way_, &standby_way_, &exporter_standby_way_}) {
    if (*proxy) (*proxy)->set(way);
  }
}

void Rig::each_way(void (FaultProxy::*what)()) {
  for (auto* proxy :
       {&way_, &exporter_way_, &standby_way_, &exporter_standby_way_}) {
    if (*proxy) ((**proxy).*what)();
  }
}

std::size_t Rig::connections() {
  return way_->connections() + (standby_way_ ? standby_way_->connections() : 0);
}

std::size_t Rig::exporter_connections() {
  return exporter_way_->connections() +
         (exporter_standby_way_ ? exporter_standby_way_->connections() : 0);
}

int Rig::terminate(const std::string& condition) {
  return std::stoi(server().sql_value(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
      "usename = 'app' AND " +
      condition));
}

}  // namespace dbpool::test
