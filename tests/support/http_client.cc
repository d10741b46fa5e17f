#include "tests/support/http_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using Clock = std::chrono::steady_clock;

bool wait_for(int fd, short events, Clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  pollfd entry = {fd, events, 0};
  return ::poll(&entry, 1, static_cast<int>(left.count())) > 0;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return text;
}

}  // namespace

HttpResponse http_get(int port, const std::string& target,
                      const HttpRequest& request) {
  HttpConnection connection(port);
  std::string text = request.method + " " + target + " HTTP/1.1\r\n";
  auto headers = request.headers;
  headers.emplace("Host", "127.0.0.1:" + std::to_string(port));
  headers.emplace("Connection", "close");
  if (!request.body.empty()) {
    headers.emplace("Content-Length", std::to_string(request.body.size()));
  }
  for (const auto& [name, value] : headers) {
    text += name + ": " + value + "\r\n";
  }
  connection.send(text + "\r\n" + request.body, request.timeout);
  return connection.receive(request.method == "HEAD", request.timeout);
}

HttpConnection::HttpConnection(int port) : socket_(connect_to(port)) {}

bool HttpConnection::send(const std::string& bytes,
                          std::chrono::milliseconds timeout) {
  const Deadline deadline = Clock::now() + timeout;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    if (!wait_for(socket_.get(), POLLOUT, deadline)) return false;
    const ssize_t count =
        ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent,
               MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) return false;
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
  return true;
}

void HttpConnection::close_sending() { ::shutdown(socket_.get(), SHUT_WR); }

HttpResponse HttpConnection::receive(bool head,
                                     std::chrono::milliseconds timeout) {
  const Deadline deadline = Clock::now() + timeout;
  HttpResponse response;
  const std::string first = take_line(deadline);
  if (!first.starts_with("HTTP/1.") || first.size() < 12) {
    throw std::runtime_error("not an HTTP response: " + first);
  }
  response.status = std::stoi(first.substr(9, 3));
  for (std::string line = take_line(deadline); !line.empty();
       line = take_line(deadline)) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) throw std::runtime_error("no header: " + line);
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    response.headers[lower(line.substr(0, colon))] =
        value == line.npos ? "" : line.substr(value);
  }

  const auto length = response.headers.find("content-length");
  if (head || response.status == 204 || response.status == 304) {
    return response;
  }
  if (response.headers["transfer-encoding"] == "chunked") {
    response.body = take_chunks(deadline);
  } else if (length != response.headers.end()) {
    response.body = take(std::stoul(length->second), deadline);
  } else {
    while (read_some(deadline)) {
    }
    if (!at_end_) throw std::runtime_error("HTTP: no whole body in time");
    response.body = std::exchange(buffer_, "");
  }
  return response;
}

std::string HttpConnection::receive_until(const std::string& mark,
                                          std::chrono::milliseconds timeout) {
  const Deadline deadline = Clock::now() + timeout;
  if (!read_until(mark, deadline)) {
    throw std::runtime_error(at_end_ ? "HTTP: closed before " + mark
                                     : "HTTP: no " + mark + " in time");
  }
  return take(buffer_.find(mark) + mark.size(), deadline);
}

std::string HttpConnection::receive_all(std::chrono::milliseconds timeout) {
  const Deadline deadline = Clock::now() + timeout;
  while (read_some(deadline)) {
  }
  return std::exchange(buffer_, "");
}

bool HttpConnection::closed_by_server(std::chrono::milliseconds timeout) {
  receive_all(timeout);
  return at_end_;
}

bool HttpConnection::read_some(Deadline deadline) {
  if (at_end_ || !wait_for(socket_.get(), POLLIN, deadline)) return false;
  std::array<char, 16384> bytes = {};
  const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count <= 0) {
    at_end_ = true;
    return false;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

bool HttpConnection::read_until(const std::string& mark, Deadline deadline) {
  while (buffer_.find(mark) == buffer_.npos) {
    if (!read_some(deadline)) return false;
  }
  return true;
}

std::string HttpConnection::take(std::size_t count, Deadline deadline) {
  while (buffer_.size() < count) {
    if (!read_some(deadline)) {
      throw std::runtime_error(at_end_ ? "HTTP: closed within a body"
                                       : "HTTP: no whole body in time");
    }
  }
  std::string taken = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return taken;
}

std::string HttpConnection::take_line(Deadline deadline) {
  if (!read_until("\r\n", deadline)) {
    throw std::runtime_error(at_end_ ? "HTTP: closed without a response"
                                     : "HTTP: no response in time");
  }
  std::string line = take(buffer_.find("\r\n"), deadline);
  take(2, deadline);
  return line;
}

std::string HttpConnection::take_chunks(Deadline deadline) {
  std::string body;
  while (true) {
    const std::size_t size = std::stoul(take_line(deadline), nullptr, 16);
    body += take(size, deadline);
    take_line(deadline);
    if (size == 0) return body;
  }
}

}  // namespace dbpool::test
