// What a server may say: opening a session, statements, checking and cleaning,
// all against a server that says what the input says.
//
// The first byte is a set of bits, see Mode. What follows is a script of
// records: a kind, a length, and as many bytes. The kind is that of a message,
// framed here with its right length, or one of those below; its highest bit
// lets the client go on before the next record. The end of the script is the
// end of the connection. Time is what the script makes of it.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "dbpool/connect.h"
#include "pool/src/opening/opening.h"
#include "pool/src/session/checking.h"
#include "pool/src/session/cleaning.h"
#include "pool/src/session/exchange.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/unique_fd.h"

namespace dbpool::fuzz {
namespace {

using detail::StepMachine;
using detail::Wait;
using test::UniqueFd;

enum Mode : unsigned {
  kLogIn = 1,   // a login that succeeds stands before the script
  kBinary = 2,  // results in binary
  kUnprepared = 4,
  kAbandon = 8,    // the second statement is left in its middle
  kTakeLong = 16,  // results may be large
};

enum Record : unsigned char {
  kRaw = 0,         // bytes as they are
  kTimePasses = 1,  // until the client gives up what it waits for
  kMany = 3,        // the bytes 64 times
  kKind = 0x7f,
  kGoOn = 0x80,
};

std::string message(char kind, std::string_view body) {
  const std::size_t size = body.size() + 4;
  std::string bytes(1, kind);
  for (const int shift : {24, 16, 8, 0}) {
    bytes += static_cast<char>(size >> shift & 0xFFU);
  }
  return bytes.append(body);
}

std::string login() {
  using namespace std::string_literals;
  return message('R', "\0\0\0\0"s) + message('S', "client_encoding\0UTF8\0"s) +
         message('S', "server_version\00015.1\0"s) +
         message('S', "standard_conforming_strings\0on\0"s) +
         message('K', "\0\0\0\1\0\0\0\2"s) + message('Z', "I");
}

// A listener in the abstract namespace, as libpq finds it by its host and
// port.
class Listener {
 public:
  Listener() : host_("@dbpool-fuzz-" + std::to_string(::getpid())) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = host_.substr(1) + "/.s.PGSQL.5432";
    std::memcpy(address.sun_path + 1, path.data(), path.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                             1 + path.size());
    fd_ = UniqueFd(
        ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(fd_.get(), 100) != 0) {
      std::perror("listen");
      std::exit(1);
    }
  }

  const std::string& host() const { return host_; }
  UniqueFd accept() const {
    return UniqueFd(
        ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }

 private:
  const std::string host_;
  UniqueFd fd_;
};

const Listener& listener() {
  static const Listener instance;
  return instance;
}

// The server's side of one session, and the clock of both.
class Server {
 public:
  Server(std::string_view script, bool logs_in) : script_(script) {
    if (logs_in) unsent_ = login();
  }

  TimePoint now() const { return now_; }

  // Drives `machine` to its end, at most `steps` steps far.
  void drive(StepMachine& machine, int steps = 10000) {
    bool ready = false;
    while (steps-- > 0) {
      const auto wait = machine.step(now_, ready);
      if (!wait) return;
      ready = serve(*wait);
    }
  }

 private:
  // True when what `wait` waits for has happened.
  bool serve(const Wait& wait) {
    take_connections();
    if (client_) hear();
    if (wait.writable) return true;
    if (is_ready(wait, 0)) return true;
    if (has_ended_ || !client_) return wait_for_others(wait);
    say(wait);
    return is_ready(wait, 0);
  }

  static bool is_ready(const Wait& wait, int timeout_ms) {
    pollfd polled{.fd = wait.fd, .events = POLLIN, .revents = 0};
    return wait.fd >= 0 && ::poll(&polled, 1, timeout_ms) > 0;
  }

  // A cancel is under way on a thread of its own; or time alone can help.
  bool wait_for_others(const Wait& wait) {
    if (is_ready(wait, 1)) return true;
    if (++idle_ % 50 == 0) pass_time(wait);
    return false;
  }

  // Time goes on for ever, but its end is not now.
  void pass_time(const Wait& wait) {
    now_ = std::min(wait.until, now_ + std::chrono::hours(1));
  }

  // The first connection is the session; cancels are heard and dropped.
  void take_connections() {
    while (UniqueFd next = listener().accept()) {
      if (!client_ && !has_ended_) client_ = std::move(next);
    }
  }

  void hear() {
    std::array<char, 4096> bytes;
    ssize_t got = 1;
    while (got > 0) {
      got = ::recv(client_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    }
    if (got == 0) client_.reset();  // it tries again, perhaps
  }

  // Goes on in the script until the client is to go on, or there is no more.
  void say(const Wait& wait) {
    bool goes_on = false;
    while (!goes_on && unsent_.size() < (std::size_t{1} << 16)) {
      if (script_.size() < 2) {
        send_all();
        client_.reset();
        has_ended_ = true;
        return;
      }
      const auto kind = static_cast<unsigned char>(script_[0]);
      const std::size_t size = std::min<std::size_t>(
          static_cast<unsigned char>(script_[1]), script_.size() - 2);
      const std::string body = planted(script_.substr(2, size));
      script_.remove_prefix(2 + size);
      goes_on = (kind & kGoOn) != 0;
      take(kind & kKind, body, wait);
    }
    send_all();
  }

  void take(unsigned kind, const std::string& body, const Wait& wait) {
    if (kind == kRaw) {
      unsent_ += body;
    } else if (kind == kTimePasses) {
      pass_time(wait);
    } else if (kind == kMany) {
      for (int i = 0; i < 64; ++i) unsent_ += body;
    } else {
      unsent_ += message(static_cast<char>(kind), body);
    }
  }

  // What the client's buffer has no room for goes unsaid.
  void send_all() {
    ::send(client_.get(), unsent_.data(), unsent_.size(),
           MSG_NOSIGNAL | MSG_DONTWAIT);
    unsent_.clear();
  }

  std::string_view script_;
  std::string unsent_;
  UniqueFd client_;
  bool has_ended_ = false;
  int idle_ = 0;
  TimePoint now_ = Clock::now();
};

std::shared_ptr<const ConnectionString> target() {
  static const auto instance = std::make_shared<const ConnectionString>(
      *ConnectionString::parse("host=" + listener().host() +
                               " port=5432 user=app dbname=orders password=" +
                               std::string(kSecret)));
  return instance;
}

std::shared_ptr<const detail::SessionContext> context() {
  static const auto instance =
      std::make_shared<const detail::SessionContext>(detail::SessionContext{
          .timeouts = std::make_shared<detail::Timeouts>(
              std::chrono::seconds(30), std::chrono::seconds(2)),
          .server_statement_timeout = std::chrono::seconds(32),
          .max_prepared_statements = 2,
          .sink = nullptr,
          .statistics = nullptr,
          .pool_name = "fuzz"});
  return instance;
}

void check(const Error& error) {
  require_one_line(error.message);
  require_no_secret(error.message);
  require(error.sqlstate.empty() || error.sqlstate.size() == 5,
          "an SQLSTATE has five characters", error.sqlstate);
}

template <typename... Types>
void read_as(const Rows& rows, std::size_t row, std::size_t column) {
  const auto read = [](const auto& value) {
    if (!value) check(value.error());
  };
  (read(rows.get<Types>(row, column)), ...);
}

void read(const Rows& rows) {
  (void)rows.affected();
  (void)rows.command();
  for (std::size_t row = 0; row < std::min<std::size_t>(rows.size(), 5);
       ++row) {
    for (std::size_t column = 0; column < rows.columns(); ++column) {
      read_as<bool, std::int16_t, std::int64_t, std::uint8_t, std::uint64_t,
              float, double, std::string, std::vector<std::byte>,
              std::optional<std::int64_t>>(rows, row, column);
    }
  }
}

void execute(detail::Session& session, Server& server, std::string_view sql,
             unsigned mode) {
  const Params params{7, "text", nullptr};
  ExecuteOptions options;
  options.prepare = (mode & kUnprepared) == 0;
  if ((mode & kBinary) != 0) options.format = ResultFormat::kBinary;
  options.max_result_bytes = (mode & kTakeLong) != 0 ? 1U << 20 : 1U << 12;
  detail::Exchange exchange(session, {"name", sql}, params, options,
                            server.now());
  server.drive(exchange);
  const auto rows = exchange.take_result();
  require(!session.busy(), "a statement that has ended leaves no work");
  if (rows) {
    read(*rows);
  } else {
    check(rows.error());
  }
}

void use(detail::Session& session, Server& server, unsigned mode) {
  for (const char* sql : {"SELECT $1, $2, $3", "SELECT 2", "SELECT 3"}) {
    execute(session, server, sql, mode);
  }
  if (session.broken()) return;
  if ((mode & kAbandon) == 0) {
    detail::Checking checking(session, server.now() + std::chrono::seconds(1),
                              server.now());
    server.drive(checking);
    require(checking.alive() != session.broken(), "alive or broken");
    if (session.broken()) return;
  } else {
    const Params none;
    detail::Exchange left(session, "SELECT 4", none, {}, server.now());
    server.drive(left, 2);
  }
  detail::Cleaning cleaning(session, server.now() + std::chrono::seconds(1),
                            server.now());
  server.drive(cleaning);
  require(cleaning.usable() != session.broken(), "usable or broken");
  if (cleaning.usable()) {
    require(!session.busy() &&
                session.transaction_status() == TransactionStatus::kIdle,
            "a clean session is idle");
  }
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool;
  using namespace dbpool::fuzz;
  if (size == 0) return 0;
  const unsigned mode = data[0];
  Server server(view(data + 1, size - 1), (mode & kLogIn) != 0);
  detail::Opening opening(target(), std::chrono::seconds(5), context(),
                          server.now());
  server.drive(opening);
  const auto opened = opening.take_result();
  if (opened) {
    use(*opened->session, server, mode);
  } else {
    fuzz::check(opened.error());
  }
  return 0;
}
