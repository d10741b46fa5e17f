#include "tests/faults/network_link.h"

#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "tests/support/process.h"

namespace dbpool::test {

namespace {

// "10.213.4.": each process has four addresses, by its pid.
std::string address_of(int host) {
  const int pid = static_cast<int>(::getpid());
  return "10.213." + std::to_string(pid / 64 % 256) + "." +
         std::to_string(pid % 64 * 4 + host);
}

int call_ip(const std::vector<std::string>& arguments, std::string* said) {
  Process ip("/sbin/ip", arguments);
  const auto code = ip.wait(std::chrono::seconds(10));
  if (said != nullptr) *said = ip.output();
  return code.value_or(-1);
}

void ip(const std::vector<std::string>& arguments) {
  std::string said;
  if (call_ip(arguments, &said) == 0) return;
  std::string command = "ip";
  for (const std::string& word : arguments) command += " " + word;
  throw std::runtime_error(command + ": " + said);
}

}  // namespace

NetworkLink::NetworkLink()
    : name_("dbpool" + std::to_string(::getpid())), address_(address_of(1)) {
  ip({"netns", "add", name_});
  try {
    ip({"link", "add", name_, "type", "veth", "peer", "name", "cable", "netns",
        name_});
    ip({"address", "add", address_ + "/30", "dev", name_});
    ip({"-netns", name_, "address", "add", address_of(2) + "/30", "dev",
        "cable"});
    ip({"-netns", name_, "link", "set", "lo", "up"});
    ip({"-netns", name_, "link", "set", "cable", "up"});
    set_up();
  } catch (...) {
    call_ip({"netns", "delete", name_}, nullptr);
    throw;
  }
}

// The pair goes with the namespace.
NetworkLink::~NetworkLink() { call_ip({"netns", "delete", name_}, nullptr); }

std::vector<std::string> NetworkLink::placed(
    const std::vector<std::string>& command) const {
  std::vector<std::string> whole = {"/sbin/ip", "netns", "exec", name_};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

void NetworkLink::set_up() { ip({"link", "set", name_, "up"}); }
void NetworkLink::set_down() { ip({"link", "set", name_, "down"}); }

}  // namespace dbpool::test
