#ifndef DBPOOL_TESTS_SUPPORT_HTTP_CLIENT_H_
#define DBPOOL_TESTS_SUPPORT_HTTP_CLIENT_H_

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/unique_fd.h"

namespace dbpool::test {

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // chunks put together
};

struct HttpRequest {
  std::string method = "GET";
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
};

// One request to 127.0.0.1:port over a connection of its own. Throws
// std::runtime_error when it cannot connect, no whole response came within
// the timeout, or it is not HTTP.
HttpResponse http_get(int port, const std::string& target,
                      const HttpRequest& request = {});

// A connection for what a polite client would not do.
class HttpConnection {
 public:
  explicit HttpConnection(int port);
  explicit HttpConnection(UniqueFd socket) : socket_(std::move(socket)) {}

  // False when the server does not take all of them before the timeout, or
  // has closed.
  bool send(const std::string& bytes,
            std::chrono::milliseconds timeout = std::chrono::seconds(30));
  void close_sending();

  // The next response; `head` when it answers a HEAD. Throws like http_get.
  HttpResponse receive(bool head = false, std::chrono::milliseconds timeout =
                                              std::chrono::seconds(30));

  // What comes up to `mark`, and that; of a response that goes on. Throws when
  // it does not come.
  std::string receive_until(const std::string& mark,
                            std::chrono::milliseconds timeout);

  // All bytes until the server closes or the timeout.
  std::string receive_all(std::chrono::milliseconds timeout);

  // True once the server has closed; what still came is thrown away.
  bool closed_by_server(std::chrono::milliseconds timeout);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  bool read_some(Deadline deadline);  // false at the end or the deadline
  bool read_until(const std::string& mark, Deadline deadline);
  std::string take(std::size_t count, Deadline deadline);
  std::string take_line(Deadline deadline);
  std::string take_chunks(Deadline deadline);

  UniqueFd socket_;
  std::string buffer_;
  bool at_end_ = false;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_HTTP_CLIENT_H_
