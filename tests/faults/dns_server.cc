#include "tests/faults/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace dbpool::test {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::uint16_t kTypeA = 1;

// So that two test programs at a time have two.
std::string own_address() {
  const auto pid = static_cast<unsigned>(::getpid());
  return "127.53." + std::to_string(pid / 250 % 250 + 1) + "." +
         std::to_string(pid % 250 + 1);
}

UniqueFd bound_socket(const std::string& address) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at),
                    sizeof(at)) != 0) {
    throw std::runtime_error("no DNS on " + address + ": " +
                             std::strerror(errno));
  }
  return fd;
}

}  // namespace

DnsServer::DnsServer()
    : address_(own_address()),
      socket_(bound_socket(address_)),
      thread_([this] { run(); }) {}

DnsServer::~DnsServer() {
  ::shutdown(socket_.get(), SHUT_RDWR);  // wakes recvfrom()
  thread_.join();
}

void DnsServer::run() {
  std::array<char, 512> buffer;
  while (true) {
    sockaddr_in from = {};
    socklen_t length = sizeof(from);
    auto* const peer = reinterpret_cast<sockaddr*>(&from);
    const ssize_t size = ::recvfrom(socket_.get(), buffer.data(), buffer.size(),
                                    0, peer, &length);
    if (size <= 0) return;
    if (how_ == Dns::kSilent) continue;
    const std::string answer =
        answer_to({buffer.data(), static_cast<std::size_t>(size)});
    ::sendto(socket_.get(), answer.data(), answer.size(), 0, peer, length);
  }
}

// The question again and, when it asks for an IPv4 address, one.
std::string DnsServer::answer_to(const std::string& query) const {
  std::size_t end = query.find('\0', kHeader);
  if (end == query.npos || end + 5 > query.size()) return {};
  const auto type = static_cast<std::uint16_t>(
      static_cast<unsigned char>(query[end + 1]) << 8U |
      static_cast<unsigned char>(query[end + 2]));
  end += 5;  // the root, type and class
  const bool is_known = type == kTypeA;
  std::string answer = query.substr(0, 2);  // its number
  answer += std::string("\x81\x80\0\1\0", 5);
  answer += is_known ? '\1' : '\0';
  answer += std::string(4, '\0');
  answer += query.substr(kHeader, end - kHeader);
  if (!is_known) return answer;
  // The name of the question, A, IN, good for no time, four bytes.
  answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4", 12);
  answer += how_ == Dns::kWrong ? std::string("\x7f\x35\xff\xfe", 4)
                                : std::string("\x7f\0\0\1", 4);
  return answer;
}

}  // namespace dbpool::test
