// Server: HTTP on several addresses, one thread for each open connection.
// The only place that knows civetweb.
//
// What a slow or hostile client can do. W worker threads serve one connection
// each, for as long as it is open; T is request_timeout. A connection that
// sends nothing, or its request too slowly, is closed after at most 2 T, with
// TLS 3 T, since the handshake has T for itself; one that is idle after an
// answer, after keep_alive_timeout; one that does not read its answer, once
// nothing of it could be sent for T, so one that reads a little now and then
// stays; a stream, once a piece of it was not taken for T. All of them only as
// long as there is room: past W - 10 connections those that have kept the
// server waiting longest are closed (doorman.h), streams excepted. So
// 40 such clients (W = 50 by default) change nothing, and with N of them at
// once a request waits for its turn about half a second and N / 4 W seconds.
//
// Request headers are bounded at 16 KiB and 63 lines; a body is never used, and
// a connection whose body is over 8 KiB is closed with the answer. A target in
// absolute form is served by its path, whatever host it names; what asks for no
// path (OPTIONS *, CONNECT) gets 405. So do methods that civetweb does not
// know, TRACE among them, whose headers it does not read: where a password is
// demanded they get 401.
#ifndef DBPOOL_EXPORTER_HTTP_SERVER_H_
#define DBPOOL_EXPORTER_HTTP_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "exporter/http/listen_address.h"
#include "exporter/http/router.h"
#include "exporter/logging/logger.h"

namespace dbpool::exporter {

class WebGuard;

struct ServerOptions {
  std::vector<ListenAddress> listen = {};  // not empty
  // At least this many threads; more if the router's limit needs them.
  std::uint32_t worker_threads = 50;
  std::chrono::milliseconds request_timeout = std::chrono::seconds(5);
  std::chrono::milliseconds keep_alive_timeout = std::chrono::seconds(5);
  // Threads for streams (Response::stream), so that they take none from
  // others; the handlers see to it that there are no more of them at once.
  std::uint32_t stream_threads = 0;
  // TLS and headers for all addresses; must outlive the server. May be null.
  WebGuard* guard = nullptr;
};

// Thread-safety: stop() and the destructor from one thread, answers()
// from one at a time; the rest from any.
class Server {
 public:
  // Listens and serves. `log` must outlive the server. The error is one line
  // for people, e.g. "cannot listen on :10187: Address already in use".
  // The server's threads take no signals.
  static tl::expected<std::unique_ptr<Server>, std::string> start(
      const ServerOptions& options, std::unique_ptr<Router> router,
      Logger& log);

  // Whether this build's civetweb can do TLS; start() must not be given a
  // guard with TLS where it cannot.
  static bool can_do_tls() noexcept;

  // Of the civetweb that is linked.
  static std::string_view library_version() noexcept;

  // Stops as stop() does.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Ends streams, answers what else is under way (for at most two seconds; new
  // requests get 503), then closes every connection. Blocks for up to about
  // four seconds; does nothing the second time.
  void stop();

  // Whether it is done with a request of its own for /-/healthy in time, which
  // is counted as any other: a sign that it lives. Not once stop() was called.
  bool answers(std::chrono::milliseconds within);

  // Where it listens, in the order of the options, the real ports filled in.
  const std::vector<ListenAddress>& addresses() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_SERVER_H_
