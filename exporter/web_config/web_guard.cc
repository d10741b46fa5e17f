#include "exporter/web_config/web_guard.h"

#include <openssl/evp.h>

#include <array>
#include <exception>
#include <utility>

#include "exporter/base/at_end.h"

namespace dbpool::exporter {

namespace {

std::string digest_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &length, EVP_sha256(),
             nullptr);
  return {reinterpret_cast<const char*>(bytes.data()), length};
}

std::string_view reason_of(LoginResult result) {
  switch (result) {
    case LoginResult::kGranted:
      return "granted";
    case LoginResult::kNone:
      return "no credentials";
    case LoginResult::kGarbage:
      return "unreadable credentials";
    case LoginResult::kWrong:
      return "wrong user or password";
    case LoginResult::kBusy:
      break;
  }
  return "too many logins at once";
}

}  // namespace

tl::expected<std::unique_ptr<WebGuard>, std::string> WebGuard::open(
    std::string path, Logger& log) {
  std::unique_ptr<WebGuard> guard(new WebGuard(std::move(path), log));
  auto state = read(guard->path_, guard->files_);
  if (!state) return tl::make_unexpected(std::move(state.error()));
  guard->state_ = *std::move(state);
  guard->last_success_ = std::chrono::system_clock::now();
  if (guard->state_->tls) {
    guard->listening_ = make_listening_context(&on_hello, guard.get());
    if (!guard->listening_) {
      return tl::make_unexpected(std::string("OpenSSL does not start"));
    }
  }
  guard->say(guard->state_->config);
  return guard;
}

WebGuard::WebGuard(std::string path, Logger& log)
    : path_(std::move(path)), log_(log) {}

void WebGuard::say(const WebConfig& config) {
  if (config.wants_http2) {
    log_.info("http2: true changes nothing: HTTP/1.1 is served");
  }
  if (!config.users.empty() && !config.tls) {
    log_.warn(
        "basic_auth_users without tls_server_config: passwords cross the "
        "network readable");
  }
}

tl::expected<WebGuard::StatePtr, std::string> WebGuard::read(
    const std::string& path, WatchedFiles& files) {
  std::string digests;
  const ReadFile read_file = [&](const std::string& file) {
    auto text = files.read(file);
    if (text) digests += digest_of(*text);
    return text;
  };
  const auto text = read_file(path);
  if (!text) return tl::make_unexpected(path + ": " + text.error());
  auto config = parse_web_config(*text, path);
  if (!config) return tl::make_unexpected(std::move(config.error()));
  auto state = std::make_shared<State>();
  if (config->tls) {
    auto tls = make_tls_context(*config->tls, read_file);
    if (!tls) return tl::make_unexpected(path + tls.error());
    state->tls = *std::move(tls);
  }
  state->config = *std::move(config);
  state->digest = digest_of(digests);
  return state;
}

WebGuard::StatePtr WebGuard::current() {
  StatePtr before;
  {
    const std::lock_guard lock(mutex_);
    if (!files_.have_changed()) return state_;
    before = state_;
  }
  if (reloading_.exchange(true)) return before;  // another one is at it
  {
    const AtEnd done{[this] { reloading_ = false; }};
    reload(before);
  }
  const std::lock_guard lock(mutex_);
  return state_;
}

void WebGuard::reload(const StatePtr& before) {
  WatchedFiles files;
  auto state = read(path_, files);
  if (state && ((*state)->tls != nullptr) != (before->tls != nullptr)) {
    state = tl::make_unexpected(
        path_ + ": tls_server_config came or went, which takes a restart");
  }
  const bool is_new = state && (*state)->digest != before->digest;
  bool is_said = false;
  bool was_bad = false;
  {
    const std::lock_guard lock(mutex_);
    files_ = std::move(files);
    std::string error = state ? "" : state.error();
    is_said = error == last_error_;
    was_bad = !last_error_.empty();
    last_error_ = std::move(error);
    if (state) last_success_ = std::chrono::system_clock::now();
    if (is_new) state_ = *state;
  }
  if (!state && !is_said) {
    log_.warn("the web configuration is no good; the old one stays in force",
              {{"error", state.error()}});
  } else if (state && (is_new || was_bad)) {
    log_.info("the web configuration was read anew", {{"file", path_}});
  }
  if (is_new) say((*state)->config);
}

int WebGuard::on_hello(SSL* ssl, int* alert, void* self) noexcept {
  try {
    const StatePtr state = static_cast<WebGuard*>(self)->current();
    if (use_tls_context(ssl, state->tls.get(), *state->config.tls)) {
      return SSL_CLIENT_HELLO_SUCCESS;
    }
  } catch (const std::exception&) {  // out of memory
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

std::optional<Response> WebGuard::refuse(const Request& request,
                                         bool is_health) {
  const StatePtr state = current();
  const WebConfig& config = state->config;
  if (config.users.empty()) return std::nullopt;
  if (is_health && config.health_without_auth) return std::nullopt;
  const LoginResult result = login_.check(request.header("Authorization"),
                                          request.remote, config.users);
  if (result == LoginResult::kGranted) return std::nullopt;
  return refusal(result, request);
}

// Neither name nor password is logged: a name may be a password that was
// typed into the wrong field.
Response WebGuard::refusal(LoginResult result, const Request& request) {
  log_.limited(LogLevel::kWarn, "web login", "a login was refused",
               {{"client", request.remote}, {"reason", reason_of(result)}});
  if (result == LoginResult::kBusy) {
    return {.status = 503,
            .body = "503: too many logins at once\n",
            .headers = {{"Retry-After", "1"}}};
  }
  return {.status = 401,
          .body = "401: a user and a password are needed\n",
          .headers = {{"WWW-Authenticate",
                       "Basic realm=\"dbpool_exporter\", charset=\"UTF-8\""}}};
}

std::shared_ptr<const std::vector<Header>> WebGuard::headers() {
  StatePtr state;
  {
    const std::lock_guard lock(mutex_);
    state = state_;
  }
  return {state, &state->config.headers};
}

ReloadStatus WebGuard::last_reload() {
  const std::lock_guard lock(mutex_);
  return {last_error_.empty(), last_success_};
}

}  // namespace dbpool::exporter
