#include "pool/src/tls/tls_crew.h"

#include <openssl/ssl.h>

#include <chrono>
#include <cstdlib>
#include <utility>

#include "pool/src/base/one_per_process.h"

namespace dbpool::detail {
namespace {

// How long the end of the process waits for handshakes under way.
constexpr auto kExitGrace = std::chrono::seconds(1);

OnePerProcess<Crew> crews;

// OpenSSL is about to take down what the threads use.
void end_crew() {
  if (Crew* const crew = crews.find()) crew->end(kExitGrace);
}

// After OpenSSL has asked for its own turn at the end of the process, so that
// ours comes before it.
void end_before_openssl() {
  static const bool kRegistered = [] {
    OPENSSL_init_ssl(0, nullptr);
    return std::atexit(end_crew) == 0;
  }();
  static_cast<void>(kRegistered);
}

}  // namespace

std::shared_ptr<Ticket> request_tls(std::function<void()> work) {
  end_before_openssl();
  return crews.get(CrewLimits{"dbpool-tls", kMaxTlsThreads, kMaxTlsQueue})
      .add(std::move(work));
}

}  // namespace dbpool::detail
