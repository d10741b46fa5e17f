// FakeServer: what stands at an address where a PostgreSQL should.
#ifndef DBPOOL_TESTS_INTEGRATION_FAKE_SERVER_H_
#define DBPOOL_TESTS_INTEGRATION_FAKE_SERVER_H_

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/support/net.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {

// Accepts connections on 127.0.0.1, one at a time, reads the first bytes of
// each, has them answered, and closes it.
class FakeServer {
 public:
  // Called on the server's thread with the connection and those bytes.
  using Serve = std::function<void(int client, const std::string& request)>;
  explicit FakeServer(Serve serve)
      : serve_(std::move(serve)),
        port_(free_port()),
        listener_(listen_on(port_)),
        thread_([this] { run(); }) {}
  // An empty answer closes the connection without a word.
  explicit FakeServer(const std::string& answer)
      : FakeServer([answer](int client, const std::string&) {
          send(client, answer);
        }) {}
  ~FakeServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept()
    thread_.join();
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  int port() const { return port_; }

  // The server's FATAL answer to a startup packet.
  static std::string error_response(std::string_view sqlstate,
                                    std::string_view text) {
    std::string fields;
    const auto add = [&fields](char type, std::string_view value) {
      fields += type;
      fields.append(value).push_back('\0');
    };
    add('S', "FATAL");
    add('V', "FATAL");
    add('C', sqlstate);
    add('M', text);
    fields.push_back('\0');
    const auto length = static_cast<unsigned char>(fields.size() + 4);
    std::string message("E\0\0\0", 4);
    message += static_cast<char>(length);
    return message += fields;
  }

  static void send(int client, std::string_view bytes) {
    ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  // Hands on what each end says until one of them closes; what the server
  // says goes through `change`.
  static void relay(
      int client, int server,
      const std::function<void(std::string& bytes)>& change = {}) {
    std::array<pollfd, 2> ends = {
        {{.fd = client, .events = POLLIN, .revents = 0},
         {.fd = server, .events = POLLIN, .revents = 0}}};
    std::array<char, 4096> buffer;
    while (::poll(ends.data(), ends.size(), -1) > 0) {
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i].revents == 0) continue;
        const auto size = ::recv(ends[i].fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) return;
        std::string bytes(buffer.data(), static_cast<std::size_t>(size));
        if (i == 1 && change) change(bytes);
        send(ends[1 - i].fd, bytes);
      }
    }
  }

 private:
  void run() {
    while (true) {
      const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
      if (!client) return;
      std::array<char, 4096> bytes;
      const auto size = ::recv(client.get(), bytes.data(), bytes.size(), 0);
      if (size <= 0) continue;
      serve_(client.get(), {bytes.data(), static_cast<std::size_t>(size)});
    }
  }

  const Serve serve_;
  const int port_;
  const UniqueFd listener_;
  std::thread thread_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_INTEGRATION_FAKE_SERVER_H_
