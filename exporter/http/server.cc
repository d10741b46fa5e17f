#include "exporter/http/server.h"

#include <civetweb.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "exporter/base/at_end.h"
#include "exporter/base/signals_blocked.h"
#include "exporter/http/addresses.h"
#include "exporter/http/civetweb_request.h"
#include "exporter/http/doorman.h"
#include "exporter/http/handshakes.h"
#include "exporter/http/open_sockets.h"
#include "exporter/web_config/web_guard.h"

namespace dbpool::exporter {

namespace {

constexpr auto kGrace = std::chrono::seconds(2);
// Threads beside those for max_requests, for health and for who comes next.
constexpr std::uint32_t kSpareThreads = 10;

using Error = tl::unexpected<std::string>;

// civetweb's global state, counted by itself.
struct Library {
  Library() { mg_init_library(0); }
  ~Library() { mg_exit_library(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

}  // namespace

class Server::Impl {
 public:
  Impl(std::unique_ptr<Router> router, Logger& log)
      : log_(log), router_(std::move(router)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stop(); }

  std::optional<std::string> start(const ServerOptions& options);
  void stop();
  bool answers(std::chrono::milliseconds within);

  const std::vector<ListenAddress>& addresses() const { return addresses_; }

 private:
  static Impl& of(const mg_connection* connection) {
    return *static_cast<Impl*>(mg_get_user_data(mg_get_context(connection)));
  }
  static int on_request(mg_connection* connection) noexcept;
  static int on_error(mg_connection* connection, int status,
                      const char* message) noexcept;
  static void on_close(const mg_connection* connection) noexcept;
  static int on_message(const mg_connection* connection,
                        const char* message) noexcept;
  static int on_tls(void** context, void* self) noexcept;
  static void* on_thread(const mg_context* context, int type) noexcept;

  std::optional<std::string> listen(const ServerOptions& options,
                                    const std::string& ports);
  void take_real_ports();
  void serve(mg_connection* connection, bool may_keep_alive) noexcept;
  void answer(mg_connection* connection, bool may_keep_alive);
  void write(mg_connection* connection, const Response& response,
             WireOptions options);
  bool write(mg_connection* connection, std::string_view bytes);
  bool enter();
  void leave();

  // Constant after construction.
  Logger& log_;
  const std::unique_ptr<Router> router_;
  const Library library_{};

  // Constant once started.
  std::vector<ListenAddress> addresses_;
  std::vector<std::string> numeric_hosts_;  // of addresses_
  WebGuard* guard_ = nullptr;
  mg_context* context_ = nullptr;
  std::unique_ptr<Doorman> doorman_;

  std::atomic<bool> asks_itself_ = false;

  std::stop_source streams_;  // stopped with the server

  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_.
  std::uint32_t active_ = 0;
  bool stopping_ = false;
  bool started_ = false;
  std::string first_message_;  // of civetweb while it starts
};

std::optional<std::string> Server::Impl::start(const ServerOptions& options) {
  assert(!options.listen.empty());
  addresses_ = options.listen;
  guard_ = options.guard;
  const bool has_tls =
      guard_ != nullptr && guard_->listening_context() != nullptr;
  assert(!has_tls || can_do_tls());
  const auto numeric = to_numeric(addresses_);
  if (!numeric) return numeric.error();
  std::string ports;
  for (const auto& [host, port] : *numeric) {
    ports += (ports.empty() ? "" : ",") + host + (host.empty() ? "" : ":") +
             std::to_string(port) + (has_tls ? "s" : "");
    numeric_hosts_.push_back(host);
  }
  return listen(options, ports);
}

std::optional<std::string> Server::Impl::listen(const ServerOptions& options,
                                                const std::string& ports) {
  const std::uint32_t threads =
      std::max(options.worker_threads,
               router_->max_requests() + kSpareThreads) +
      options.stream_threads;
  const std::map<std::string, std::string> settings = {
      {"listening_ports", ports},
      {"num_threads", std::to_string(threads)},
      {"request_timeout_ms", std::to_string(options.request_timeout.count())},
      {"keep_alive_timeout_ms",
       std::to_string(options.keep_alive_timeout.count())},
      {"enable_keep_alive", "yes"},
      // Without it a keep-alive request takes 40 ms more.
      {"tcp_nodelay", "1"},
      // Paths are compared as they are sent: %00 ends no path.
      {"decode_url", "no"},
      {"enable_auth_domain_check", "no"},
      {"enable_directory_listing", "no"},
  };
  std::vector<const char*> list;
  for (const auto& [name, value] : settings) {
    list.push_back(name.c_str());
    list.push_back(value.c_str());
  }
  list.push_back(nullptr);

  mg_callbacks callbacks{};
  callbacks.begin_request = &Impl::on_request;
  callbacks.http_error = &Impl::on_error;
  callbacks.connection_close = &Impl::on_close;
  callbacks.log_message = &Impl::on_message;
  callbacks.external_ssl_ctx = &Impl::on_tls;
  callbacks.init_thread = &Impl::on_thread;
  doorman_ = std::make_unique<Doorman>(threads - kSpareThreads, log_);
  if (guard_ != nullptr && guard_->listening_context() != nullptr) {
    note_handshakes(guard_->listening_context());
  }
  {
    const SignalsBlocked blocked;
    context_ = mg_start(&callbacks, this, list.data());
  }
  if (context_ == nullptr) {
    if (auto error = why_not_listen(options.listen)) return error;
    return "the HTTP server did not start: " + first_message_;
  }
  take_real_ports();
  std::vector<std::uint16_t> real_ports;
  real_ports.reserve(addresses_.size());
  for (const ListenAddress& address : addresses_) {
    real_ports.push_back(address.port);
  }
  doorman_->watch(std::move(real_ports));
  const std::lock_guard lock(mutex_);
  started_ = true;
  return std::nullopt;
}

void Server::Impl::take_real_ports() {
  std::vector<mg_server_port> ports(addresses_.size());
  const int count = mg_get_server_ports(
      context_, static_cast<int>(ports.size()), ports.data());
  for (std::size_t i = 0; std::cmp_less(i, count); ++i) {
    addresses_[i].port = static_cast<std::uint16_t>(ports[i].port);
  }
}

void Server::Impl::stop() {
  if (context_ == nullptr) return;
  streams_.request_stop();
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    idle_.wait_for(lock, kGrace, [this] { return active_ == 0; });
  }
  // A server that waits for a connection sees only after two seconds, or when
  // one comes, that it is to stop.
  std::jthread knocker([this](const std::stop_token& stopped) {
    while (!stopped.stop_requested()) {
      for (std::size_t i = 0; i < addresses_.size(); ++i) {
        knock(numeric_hosts_[i], addresses_[i].port);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  mg_stop(context_);
  context_ = nullptr;
  doorman_.reset();
}

bool Server::Impl::answers(std::chrono::milliseconds within) {
  asks_itself_ = true;
  const AtEnd asked{[this] { asks_itself_ = false; }};
  return reacts(numeric_hosts_.front(), addresses_.front().port, within);
}

bool Server::Impl::enter() {
  const std::lock_guard lock(mutex_);
  ++active_;
  return !stopping_;
}

void Server::Impl::leave() {
  const std::lock_guard lock(mutex_);
  if (--active_ == 0) idle_.notify_all();
}

void Server::Impl::answer(mg_connection* connection, bool may_keep_alive) {
  const mg_request_info& info = *mg_get_request_info(connection);
  const Request request = request_of(info);
  const bool is_open = enter();
  const std::string client = client_name(info.remote_addr, info.remote_port);
  doorman_->begin(client);
  const AtEnd served{[&] { doorman_->end(client); }};
  // civetweb drops headers beyond its bound, a Content-Length among them.
  const bool is_whole = info.num_headers < MG_MAX_HEADERS;
  WireOptions options = {.keep_alive = may_keep_alive && is_open && is_whole &&
                                       wants_keep_alive(info, request) &&
                                       has_small_body(info, request),
                         .omit_body = request.method == "HEAD"};
  const auto send = [&](const Response& response) {
    if (response.stream) {
      options.keep_alive = false;  // while it lasts the client waits for us
    } else {
      doorman_->end(client);
    }
    write(connection, response, options);
  };
  if (!is_open) {
    router_->count_unrouted(503);
    send({.status = 503, .body = "503: shutting down\n"});
  } else if (!is_whole) {
    router_->count_unrouted(431);
    send({.status = 431, .body = "431: too many headers\n"});
  } else {
    router_->serve(request, send);
  }
}

void Server::Impl::write(mg_connection* connection, const Response& response,
                         WireOptions options) {
  std::shared_ptr<const std::vector<Header>> headers;
  if (guard_ != nullptr) headers = guard_->headers();
  options.overrides = headers.get();
  if (!options.keep_alive) mg_disable_connection_keep_alive(connection);
  if (!write(connection, to_wire(response, options))) return;
  if (!response.stream || options.omit_body) return;
  response.stream(
      [&](std::string_view piece) { return write(connection, piece); },
      streams_.get_token());
}

// What cannot be written within the timeout is the client's loss.
bool Server::Impl::write(mg_connection* connection, std::string_view bytes) {
  const int written = mg_write(connection, bytes.data(), bytes.size());
  return std::cmp_equal(written, bytes.size());
}

void Server::Impl::serve(mg_connection* connection,
                         bool may_keep_alive) noexcept {
  try {
    answer(connection, may_keep_alive);
  } catch (const std::exception& error) {
    // Out of memory outside a handler: this connection ends without answer.
    mg_disable_connection_keep_alive(connection);
    log_.limited(LogLevel::kError, "http request",
                 "an HTTP request could not be answered",
                 {{"error", error.what()}});
  }
  leave();
}

int Server::Impl::on_request(mg_connection* connection) noexcept {
  of(connection).serve(connection, true);
  return 200;  // only for an access log, which is not kept
}

// What civetweb refuses by itself: garbage, too large, a wrong version. A
// method that it does not know is none of these.
int Server::Impl::on_error(mg_connection* connection, int status,
                           const char* message) noexcept {
  Impl& self = of(connection);
  mg_set_user_connection_data(connection, &self);  // it has its answer
  const mg_request_info* info = mg_get_request_info(connection);
  if (info != nullptr && is_unknown_method(*info, status, message)) {
    self.serve(connection, false);
    return 0;
  }
  try {
    self.router_->count_unrouted(status);
    const std::string body = std::to_string(status) + ": " +
                             std::string(reason_phrase(status)) + "\n";
    self.write(connection, {.status = status, .body = body}, {});
  } catch (const std::exception&) {
    mg_disable_connection_keep_alive(connection);
  }
  return 0;  // handled
}

// civetweb hangs up without a word on a request whose target is no path of its
// own: "*", or a URI that names another host or port than it knows of.
void Server::Impl::on_close(const mg_connection* connection) noexcept {
  const mg_request_info* info = mg_get_request_info(connection);
  if (info == nullptr || !is_passed_over(*info) ||
      mg_get_user_connection_data(connection) != nullptr) {
    return;
  }
  // It is const for those who only clean up; the connection is still open.
  of(connection).serve(const_cast<mg_connection*>(connection), false);
}

int Server::Impl::on_message(const mg_connection* connection,
                             const char* message) noexcept {
  Impl& self = of(connection);
  const std::lock_guard lock(self.mutex_);
  if (!self.started_) {
    if (self.first_message_.empty()) self.first_message_ = message;
  } else if (const std::string_view why = handshake_error(message);
             why.empty()) {
    self.log_.limited(LogLevel::kWarn, "http server", "HTTP server",
                      {{"error", message}});
  } else if (!self.stopping_ && !self.asks_itself_) {  // else it is our own
    log_failed_handshake(self.log_, why);
  }
  return 1;  // handled
}

// Asked at the start, and at the end whether civetweb is to free it: no.
int Server::Impl::on_tls(void** context, void* self) noexcept {
  *context = static_cast<Impl*>(self)->guard_->listening_context();
  return 1;
}

// A scrape that takes the processor from the pool's threads changes what it
// measures: let it wait for its turn.
void* Server::Impl::on_thread(const mg_context* /*context*/,
                              int /*type*/) noexcept {
  const sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);  // as before if refused
  return nullptr;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() = default;

tl::expected<std::unique_ptr<Server>, std::string> Server::start(
    const ServerOptions& options, std::unique_ptr<Router> router, Logger& log) {
  auto impl = std::make_unique<Impl>(std::move(router), log);
  if (auto error = impl->start(options)) return Error(*std::move(error));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

bool Server::can_do_tls() noexcept { return DBPOOL_CIVETWEB_TLS != 0; }

std::string_view Server::library_version() noexcept { return mg_version(); }

void Server::stop() { impl_->stop(); }

bool Server::answers(std::chrono::milliseconds within) {
  return impl_->answers(within);
}

const std::vector<ListenAddress>& Server::addresses() const {
  return impl_->addresses();
}

}  // namespace dbpool::exporter
