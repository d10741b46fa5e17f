// WebGuard: what --web.config.file puts before the routes: TLS, passwords,
// headers. Follows the file, and the certificates that it names.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_WEB_GUARD_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_WEB_GUARD_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/logging/logger.h"
#include "exporter/metrics/config_reload.h"
#include "exporter/web_config/login.h"
#include "exporter/web_config/tls_context.h"
#include "exporter/web_config/watched_files.h"
#include "exporter/web_config/web_config.h"

namespace dbpool::exporter {

// Each handshake and each request first looks whether a file has changed, for
// some microseconds; the first to see it reads them all anew while the others
// go on with what is in force. Connections that are open stay open. A file
// that is no good leaves what is in force, and is said once. Whether there is
// TLS at all is decided at the start.
//
// Thread-safety: any thread.
class WebGuard {
 public:
  // Reads the file and all that it names, and logs what people should know of
  // it. `log` must outlive the guard. The error is one line that names file,
  // line and key.
  static tl::expected<std::unique_ptr<WebGuard>, std::string> open(
      std::string path, Logger& log);
  WebGuard(const WebGuard&) = delete;
  WebGuard& operator=(const WebGuard&) = delete;
  ~WebGuard() = default;

  // For all connections; nullptr without TLS.
  SSL_CTX* listening_context() const noexcept { return listening_.get(); }

  // The answer to one who may not go on: 401, or 503 while too many try.
  // nullopt: go on. May block for a few seconds. `is_health`: of a route that
  // health_without_auth opens.
  std::optional<Response> refuse(const Request& request, bool is_health);

  // To stand in every answer, over the server's own.
  std::shared_ptr<const std::vector<Header>> headers();

  // Of the file and all that it names.
  ReloadStatus last_reload();

 private:
  struct State {
    WebConfig config;
    SslContext tls;
    std::string digest;  // of all that was read
  };
  using StatePtr = std::shared_ptr<const State>;

  WebGuard(std::string path, Logger& log);

  static int on_hello(SSL* ssl, int* alert, void* self) noexcept;
  static tl::expected<StatePtr, std::string> read(const std::string& path,
                                                  WatchedFiles& files);
  StatePtr current();
  void reload(const StatePtr& before);
  void say(const WebConfig& config);
  Response refusal(LoginResult result, const Request& request);

  // Constant after construction.
  const std::string path_;
  Logger& log_;
  SslContext listening_;

  Login login_;
  std::atomic<bool> reloading_ = false;

  std::mutex mutex_;
  // Guarded by mutex_.
  StatePtr state_;
  WatchedFiles files_;
  std::string last_error_;  // of a reload; empty: it was good
  std::chrono::system_clock::time_point last_success_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_WEB_GUARD_H_
