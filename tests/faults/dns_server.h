// DnsServer: the only one that a process in a rig asks.
#ifndef DBPOOL_TESTS_FAULTS_DNS_SERVER_H_
#define DBPOOL_TESTS_FAULTS_DNS_SERVER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "tests/support/unique_fd.h"

namespace dbpool::test {

enum class Dns : std::uint8_t {
  kRight,   // every name is 127.0.0.1
  kWrong,   // … is an address on which nobody listens
  kSilent,  // no answer
};

// On port 53 of an address of its own among 127.0.0.0/8, over UDP, which takes
// root. Throws std::runtime_error. Thread-safety: any thread.
class DnsServer {
 public:
  DnsServer();
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  const std::string& address() const { return address_; }
  void set(Dns how) { how_ = how; }

 private:
  void run();
  std::string answer_to(const std::string& query) const;

  const std::string address_;
  const UniqueFd socket_;
  std::atomic<Dns> how_ = Dns::kRight;
  std::thread thread_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_DNS_SERVER_H_
