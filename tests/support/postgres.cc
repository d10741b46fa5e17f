#include "tests/support/postgres.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/postgres_template.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {
namespace {

// Only for liveness; a start takes well under a second.
constexpr std::chrono::seconds kPatience(60);

constexpr char kDefaultConfig[] =
    "listen_addresses = '127.0.0.1'\n"
    "max_connections = 100\n"
    "shared_buffers = 16MB\n"
    "fsync = off\n"
    "synchronous_commit = off\n"
    "full_page_writes = off\n"
    "wal_level = minimal\n"
    "max_wal_senders = 0\n"
    "autovacuum = off\n"
    "jit = off\n"
    // In the data folder: one that is killed leaves nothing elsewhere.
    "dynamic_shared_memory_type = mmap\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n"
    "log_line_prefix = '%m [%p] %q%u@%d '\n";

constexpr char kDefaultHba[] =
    "local all all trust\n"
    "host all all 127.0.0.1/32 scram-sha-256\n";

using PgConnection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using PgResult = std::unique_ptr<PGresult, decltype(&PQclear)>;

SqlRows rows_of(const PGresult* result) {
  SqlRows rows;
  for (int row = 0; row < PQntuples(result); ++row) {
    rows.emplace_back();
    for (int column = 0; column < PQnfields(result); ++column) {
      rows.back().emplace_back(PQgetvalue(result, row, column));
    }
  }
  return rows;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

int signal_of(StopMode mode) {
  switch (mode) {
    case StopMode::kSmart:
      return SIGTERM;
    case StopMode::kFast:
      return SIGINT;
    case StopMode::kImmediate:
      break;
  }
  return SIGQUIT;
}

}  // namespace

PostgresOptions with_tls(const KeyPair& own) {
  return {.config = {"ssl = on"},
          .files = {{"server.key", own.key}, {"server.crt", own.certificate}}};
}

Postgres::Postgres(PostgresOptions options)
    : options_(std::move(options)), port_(free_port()) {
  std::filesystem::permissions(dir_.path(),
                               std::filesystem::perms::owner_all |
                                   std::filesystem::perms::others_exec |
                                   std::filesystem::perms::group_exec);
  give_to_server(dir_.path());
  if (options_.standby_of != nullptr) {
    copy_from(*options_.standby_of);
  } else {
    copy_template(data_dir());
  }
  write_configuration();
  if (options_.start) start();
}

Postgres::~Postgres() {
  if (!running()) return;
  // Immediate: nothing in the folder is wanted any more. The Child kills it
  // when that does not help.
  child_->send_signal(SIGQUIT);
  child_->send_signal(SIGCONT);
  child_->wait(std::chrono::seconds(10));
}

void Postgres::give_to_server(const std::string& path) const {
  give_to_server_user(path);
}

// With what makes it a standby (standby.signal, postgresql.auto.conf).
void Postgres::copy_from(const Postgres& primary) const {
  ChildOptions options;
  options.program = "pg_basebackup";
  options.args = {"--pgdata=" + data_dir(), "--dbname=" + primary.url(),
                  "--write-recovery-conf", "--checkpoint=fast", "--no-sync"};
  options.env = {{"LC_ALL", "C.UTF-8"}};
  options.working_dir = dir_.path();
  const ServerUser user = server_user();
  options.uid = user.uid;
  options.gid = user.gid;
  run_to_end(options);
}

void Postgres::write_configuration() {
  write_file(data_dir() + "/postgresql.conf",
             kDefaultConfig + joined(options_.config));
  for (const auto& [name, contents] : options_.files) set_file(name, contents);
  set_hba(options_.hba);
}

void Postgres::set_file(const std::string& name, const std::string& contents) {
  const std::string path = data_dir() + "/" + name;
  write_file(path, contents);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read |
                                         std::filesystem::perms::owner_write);
  give_to_server(path);
}

void Postgres::set_hba(const std::vector<std::string>& lines) {
  write_file(data_dir() + "/pg_hba.conf", joined(lines) + kDefaultHba);
}

void Postgres::configure(const std::vector<std::string>& lines) {
  const std::string path = data_dir() + "/postgresql.conf";
  write_file(path, read_file(path) + joined(lines));
}

std::string Postgres::url(const std::string& database,
                          const std::string& user) const {
  return "postgresql://" + user + "@/" + database + "?host=" + socket_dir() +
         "&port=" + std::to_string(port_);
}

std::string Postgres::tcp_url(const std::string& database) const {
  return "postgresql://" + std::string(kAppUser) + ":" +
         std::string(kAppPassword) + "@127.0.0.1:" + std::to_string(port_) +
         "/" + database;
}

void Postgres::launch() {
  if (running()) fail("it runs already");
  const std::string log_path = dir_.path() + "/log";
  const UniqueFd log(::open(log_path.c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  ChildOptions options;
  options.program = "postgres";
  options.args = {"-D",         data_dir(), "-k",
                  socket_dir(), "-p",       std::to_string(port_)};
  options.env = {{"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}};
  options.working_dir = dir_.path();
  options.stdout_fd = log.get();
  options.stderr_fd = log.get();
  const ServerUser user = server_user();
  options.uid = user.uid;
  options.gid = user.gid;
  child_.emplace(options);
}

bool Postgres::start_once(std::chrono::milliseconds deadline) {
  launch();
  return wait_until_ready(deadline);
}

void Postgres::start() {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!start_once(kPatience)) {
    if (running() || std::chrono::steady_clock::now() > end) {
      fail("it does not start");
    }
    // After kill() the backends of before must end first. And somebody else
    // may have taken the port since it was found free; it must not change
    // once clients know it.
    const std::string text = log();
    const bool again = text.find("could not bind") != text.npos ||
                       text.find("pre-existing shared memory") != text.npos;
    if (!again) fail("it ended at its start");
    if (!was_up_) port_ = free_port();
    std::filesystem::remove(dir_.path() + "/log");
  }
  was_up_ = true;
}

bool Postgres::wait_until_ready(std::chrono::milliseconds deadline) {
  bool ready = false;
  eventually(deadline, [&] {
    // A paused server takes the connection and then says nothing.
    ready = PQping((url() + "&connect_timeout=2").c_str()) == PQPING_OK;
    return ready || !running();
  });
  return ready;
}

void Postgres::signal_and_wait(int number, std::chrono::milliseconds deadline) {
  if (!running()) return;
  child_->send_signal(number);
  if (!child_->wait(deadline)) fail("it does not stop");
}

void Postgres::stop(StopMode mode) {
  signal_and_wait(signal_of(mode), kPatience);
}

void Postgres::restart(StopMode mode) {
  stop(mode);
  start();
}

void Postgres::kill() { signal_and_wait(SIGKILL, kPatience); }

void Postgres::pause() { child_->send_signal(SIGSTOP); }

void Postgres::resume() { child_->send_signal(SIGCONT); }

void Postgres::reload() { sql("SELECT pg_reload_conf()"); }

SqlRows Postgres::sql(const std::string& text,
                      const std::string& database) const {
  const std::string target = url(database) + "&connect_timeout=60";
  const PgConnection connection(PQconnectdb(target.c_str()), PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    fail(PQerrorMessage(connection.get()));
  }
  const PgResult result(PQexec(connection.get(), text.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(PQresultErrorMessage(result.get()) + text);
  }
  return rows_of(result.get());
}

std::string Postgres::sql_value(const std::string& text,
                                const std::string& database) const {
  const SqlRows rows = sql(text, database);
  if (rows.size() != 1 || rows[0].size() != 1) {
    throw std::runtime_error("not one value: " + text);
  }
  return rows[0][0];
}

std::string Postgres::create_database(const std::string& prefix) {
  const std::string name = prefix + "_" + std::to_string(++databases_);
  sql("CREATE DATABASE " + name + " OWNER " + std::string(kAppUser));
  return name;
}

std::string Postgres::log() const {
  const std::string path = dir_.path() + "/log";
  return std::filesystem::exists(path) ? read_file(path) : "";
}

void Postgres::fail(const std::string& what) const {
  throw std::runtime_error("the test's PostgreSQL: " + what + "\nits log:\n" +
                           log());
}

Postgres& shared_postgres() {
  static Postgres postgres;
  return postgres;
}

}  // namespace dbpool::test
