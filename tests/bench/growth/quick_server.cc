#include "tests/bench/growth/quick_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace dbpool::bench {
namespace {

using namespace std::string_view_literals;  // NOLINT: texts with zero bytes

constexpr std::string_view kReady = "Z\0\0\0\5I"sv;
constexpr std::string_view kParsed = "1\0\0\0\4"sv;
constexpr std::string_view kBound = "2\0\0\0\4"sv;
constexpr std::string_view kClosed = "3\0\0\0\4"sv;
// One column, int4, as text.
constexpr std::string_view kColumns =
    "T\0\0\0\x21\0\1?column?\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0"sv;
constexpr std::string_view kRow =
    "D\0\0\0\x0b\0\1\0\0\0\1"
    "1"
    "C\0\0\0\x0dSELECT 1\0"sv;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

std::string parameter(std::string_view name, std::string_view value) {
  std::string body(name);
  body.append(1, '\0').append(value).append(1, '\0');
  std::string message("S\0\0\0", 4);
  message += static_cast<char>(body.size() + 4);
  return message += body;
}

const std::string& welcome() {
  static const std::string bytes =
      std::string("R\0\0\0\x08\0\0\0\0"sv) +
      parameter("server_version", "15.0") +
      parameter("server_encoding", "UTF8") +
      parameter("client_encoding", "UTF8") +
      parameter("integer_datetimes", "on") +
      parameter("standard_conforming_strings", "on") +
      std::string("K\0\0\0\x0c\0\0\0\1\0\0\0\1"sv).append(kReady);
  return bytes;
}

// nullopt: a message that is not understood, or the end.
std::optional<std::string_view> answer_to(char message) {
  switch (message) {
    case 'P':
      return kParsed;
    case 'B':
      return kBound;
    case 'D':
      return kColumns;
    case 'E':
      return kRow;
    case 'C':
      return kClosed;
    case 'S':
      return kReady;
    case 'H':
      return ""sv;
    default:
      return std::nullopt;
  }
}

// Appends the answers to all whole messages of `received` and takes those
// away; false at the end.
bool answer(std::string& received, bool& started, std::string& out) {
  constexpr std::uint32_t kProtocol = 3 << 16;
  std::size_t at = 0;
  while (true) {
    const std::string_view rest = std::string_view(received).substr(at);
    const std::size_t head = started ? 1 : 0;  // the message's letter
    if (rest.size() < head + 4) break;
    const std::size_t size = head + number_at(rest, head);
    if (rest.size() < size) break;
    if (!started) {
      if (size < 8 || number_at(rest, 4) != kProtocol) return false;
      started = true;
      out += welcome();
    } else if (rest[0] == 'Q') {
      out.append(kColumns).append(kRow).append(kReady);
    } else {
      const auto words = answer_to(rest[0]);
      if (!words) return false;
      out += *words;
    }
    at += size;
  }
  received.erase(0, at);
  return true;
}

}  // namespace

QuickServer::QuickServer()
    : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = dir_.path() + "/.s.PGSQL.5432";
  if (path.size() >= sizeof(address.sun_path)) {
    throw std::runtime_error(path + " is too long");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!listener_ ||
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address),
             sizeof(address)) != 0 ||
      ::listen(listener_.get(), SOMAXCONN) != 0) {
    fail("a Unix socket");
  }
  for (const test::UniqueFd* fd : {&listener_, &stop_}) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = fd->get();
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0) {
      fail("epoll_ctl");
    }
  }
  thread_ = std::thread([this] { run(); });
}

QuickServer::~QuickServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void QuickServer::run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == stop_.get()) return;
      if (fd == listener_.get()) {
        accept_one();
      } else if (!serve(clients_.at(fd))) {
        clients_.erase(fd);  // closes it, and so takes it out of the epoll
      }
    }
  }
}

void QuickServer::accept_one() {
  test::UniqueFd socket(
      ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) return;
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = socket.get();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event);
  clients_[event.data.fd].socket = std::move(socket);
}

bool QuickServer::serve(Client& client) {
  std::array<char, 4096> bytes;
  const ssize_t size =
      ::recv(client.socket.get(), bytes.data(), bytes.size(), 0);
  if (size <= 0) return false;
  client.received.append(bytes.data(), static_cast<std::size_t>(size));
  std::string out;
  if (!answer(client.received, client.started, out)) return false;
  return out.empty() ||
         ::send(client.socket.get(), out.data(), out.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(out.size());
}

}  // namespace dbpool::bench
