// ConnectionString: where and as whom to connect; connect(): one connection
// without a pool.
//
// Thread-safety: a ConnectionString is a plain value; connect() is safe from
// any number of threads.
#ifndef DBPOOL_CONNECT_H_
#define DBPOOL_CONNECT_H_

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connection.h"
#include "dbpool/error.h"
#include "dbpool/events.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "dbpool/tls.h"

namespace dbpool {

// What is wrong with a file that sslrootcert, sslcert or sslkey names.
struct TlsFileProblem {
  std::string keyword;
  std::string path;
  // e.g. "No such file or directory; expected …". Holds nothing of the file.
  std::string text;
};

// A parsed libpq URI or key=value string, several hosts included. Holds the
// password; nothing it prints does.
class ConnectionString {
 public:
  struct Host {
    std::string name;     // as given: name, address, or socket folder
    std::string address;  // hostaddr, or empty
    std::string port;     // "5432" if none was given
    bool is_socket() const noexcept {
      return address.empty() &&
             (name.starts_with('/') || name.starts_with('@'));
    }
  };

  // Parses and checks: syntax, known keywords, number of hosts against
  // ports, port ranges. An error (kUsage) never holds the text itself, only
  // what is wrong with it and what is accepted. Environment variables
  // (PGHOST …), .pgpass and service files apply as in libpq, when connecting.
  static Expected<ConnectionString> parse(std::string_view text);

  // Checks what environment and service file add, as it stands now: that the
  // service is there, that values are well-formed, and that the names of user,
  // database and host are names: no connection string, and no name:something.
  // kUsage; holds neither names nor values.
  Expected<void> check_completed() const;
  // Why libpq will not use the password file (.pgpass) that it would need, or
  // nullopt. The library then leaves it out, so that libpq does not say so on
  // standard error at each connection.
  std::optional<std::string> passfile_problem() const;

  // Whether the files that sslrootcert, sslcert and sslkey name (here, in the
  // environment or in the service file) can be read, are PEM and fit together,
  // as they are now; nullopt: yes, or none is named. libpq would find out at
  // each connection, and go on without a certificate that is not there.
  std::optional<TlsFileProblem> tls_file_problem() const;

  // The hosts in the order in which they are tried; never empty.
  std::vector<Host> hosts() const;
  // What was given or libpq's default, for labels and logs: what may be a
  // secret in the place of a name is "***".
  std::string host() const;  // joined with ',' when there are several
  std::string port() const;
  std::string database() const;
  std::string user() const;

  // One keyword as given, or nullopt. Unknown keywords: nullopt.
  std::optional<std::string> get(std::string_view keyword) const;
  // The same as libpq completes it when connecting: what is given, else of the
  // service file, of the environment or libpq's default; empty: none. Never a
  // password.
  std::string completed(std::string_view keyword) const;
  // Sets or replaces one; kUsage for a keyword that libpq does not know.
  Expected<void> set(std::string_view keyword, std::string_view value);

  // Takes one away; nothing if it was not given.
  void unset(std::string_view keyword);

  // TLS as `options` say, over what was given before: sets sslmode and
  // sslrootcert, and sslcert and sslkey if a certificate is given. kUsage for
  // what TlsMaterial::create() refuses, the message naming the option.
  // Unix sockets stay as they are: libpq knows no TLS there.
  Expected<void> set_tls(const TlsOptions& options);
  // Sets sslrootcert, sslcert and sslkey to those that `material` has, and
  // shares it. Leaves sslmode alone.
  void use(std::shared_ptr<const TlsMaterial> material);
  // What use() or set_tls() gave last; null: nothing.
  const std::shared_ptr<const TlsMaterial>& tls_material() const noexcept {
    return tls_material_;
  }

  // redact(text), and without this target's password and sslpassword wherever
  // they stand (of less than four characters: wherever they stand in quotes).
  // The password is the one given or PGPASSWORD's; one of .pgpass or a service
  // file is not known here.
  std::string redact(std::string_view text) const;

  // e.g. "postgresql://app@db.example:5432/orders": no password, no options.
  std::string description() const;

  const std::map<std::string, std::string, std::less<>>& values()
      const noexcept {
    return values_;
  }

  // The same keywords with the same values, and TLS material of the same
  // contents, wherever that is kept.
  friend bool operator==(const ConnectionString& a, const ConnectionString& b);

  // What was learnt of the target when connecting: that start-up options
  // which nobody gave here are refused. For the library's own use; shared by
  // copies, until one is changed. Thread-safe.
  bool refuses_own_options() const noexcept { return *refuses_own_options_; }
  void note_refused_options() const noexcept { *refuses_own_options_ = true; }

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::shared_ptr<const TlsMaterial> tls_material_;
  std::shared_ptr<std::atomic<bool>> refuses_own_options_ =
      std::make_shared<std::atomic<bool>>(false);
};

struct ConnectOptions {
  // Deadline of the whole opening, over all hosts and addresses. > 0.
  Duration timeout = std::chrono::seconds(5);
  // Defaults for statements on it, as in PoolOptions.
  std::optional<Duration> statement_timeout = std::chrono::seconds(30);
  std::optional<Duration> server_statement_timeout = {};  // > 0, at most 24 d
  Duration cancel_grace = std::chrono::seconds(2);
  std::uint32_t max_prepared_statements = 100;
  // Once it is asked to stop the opening is abandoned, with kCancelled.
  std::stop_token stop = {};
  // Told of each statement, of nothing else; shared. May be null.
  std::shared_ptr<EventSink> sink = {};
  // The `pool` of those events.
  std::string pool_name = {};
};

// How long each phase of an opening took (resolve, tcp, tls, auth); a phase
// that did not occur is nullopt.
using PhaseTimes = std::array<std::optional<Duration>, kConnectPhaseCount>;

struct Connected {
  std::unique_ptr<Connection> connection;
  Duration total{0};
  PhaseTimes phases = {};
};

// Opens one connection and blocks the calling thread until it is usable, the
// timeout passed, or every host failed. Never blocks in DNS beyond the
// timeout. Errors: kConnect with connect_failure and a message that tells
// host, phase and what to do; kUsage; kCancelled.
Expected<Connected> connect(const ConnectionString& target,
                            const ConnectOptions& options = {});

}  // namespace dbpool

#endif  // DBPOOL_CONNECT_H_
