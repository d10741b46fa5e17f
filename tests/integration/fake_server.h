// FakeServer: what stands at an address where a PostgreSQL should.
#ifndef DBPOOL_TESTS_INTEGRATION_FAKE_SERVER_H_
#define DBPOOL_TESTS_INTEGRATION_FAKE_SERVER_H_

#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/support/net.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {

// Accepts connections on 127.0.0.1, one at a time, reads the first bytes of
// each, answers, and closes it.
class FakeServer {
 public:
  // An empty answer closes the connection without a word.
  explicit FakeServer(std::string answer)
      : answer_(std::move(answer)),
        port_(free_port()),
        listener_(listen_on(port_)),
        thread_([this] { serve(); }) {}
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
    return std::string("E\0\0\0", 4) + static_cast<char>(length) + fields;
  }

 private:
  void serve() {
    while (true) {
      const UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
      if (!client) return;
      std::array<char, 1024> request;
      if (::recv(client.get(), request.data(), request.size(), 0) <= 0) {
        continue;
      }
      ::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }

  const std::string answer_;
  const int port_;
  const UniqueFd listener_;
  std::thread thread_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_INTEGRATION_FAKE_SERVER_H_
