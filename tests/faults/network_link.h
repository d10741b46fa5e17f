// NetworkLink: a network of its own for a program, and the cable to it.
#ifndef DBPOOL_TESTS_FAULTS_NETWORK_LINK_H_
#define DBPOOL_TESTS_FAULTS_NETWORK_LINK_H_

#include <string>
#include <vector>

namespace dbpool::test {

// A network namespace and a veth pair; both are gone at destruction. While the
// link is down nothing comes through and nothing is acknowledged, as with a
// cable that is pulled. Takes root and iproute2; throws std::runtime_error.
class NetworkLink {
 public:
  NetworkLink();
  ~NetworkLink();
  NetworkLink(const NetworkLink&) = delete;
  NetworkLink& operator=(const NetworkLink&) = delete;

  // Of this end, for who is in there to connect to.
  const std::string& address() const { return address_; }
  // `command`, to be run in there.
  std::vector<std::string> placed(
      const std::vector<std::string>& command) const;

  void set_up();
  void set_down();

 private:
  const std::string name_;     // of the namespace, and of this end's interface
  const std::string address_;  // the first of a /30
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_NETWORK_LINK_H_
