#include "tests/support/webhook_receiver.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <utility>

#include "tests/support/net.h"

namespace dbpool::test {
namespace {

// For a client that sends half a request.
constexpr int kPatienceMs = 10'000;

bool is_readable(int fd) {
  pollfd entry = {fd, POLLIN, 0};
  return ::poll(&entry, 1, kPatienceMs) > 0;
}

// The length that the head announces; nullopt unless it is a POST.
std::optional<std::size_t> body_length(std::string head) {
  for (char& c : head) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  constexpr std::string_view kLength = "\r\ncontent-length:";
  const std::size_t at = head.find(kLength);
  if (!head.starts_with("post /") || at == head.npos) return std::nullopt;
  try {
    return std::stoul(head.substr(at + kLength.size()));
  } catch (const std::logic_error&) {
    return std::nullopt;
  }
}

// A whole request: its path and its body.
std::optional<std::pair<std::string, std::string>> read_request(int fd) {
  std::string bytes;
  std::array<char, 16384> buffer = {};
  while (true) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end != bytes.npos) {
      const auto length = body_length(bytes.substr(0, end + 2));
      if (!length) return std::nullopt;
      if (bytes.size() >= end + 4 + *length) {
        return std::pair(bytes.substr(5, bytes.find(' ', 5) - 5),
                         bytes.substr(end + 4, *length));
      }
    }
    if (!is_readable(fd)) return std::nullopt;
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) return std::nullopt;
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

WebhookReceiver::WebhookReceiver()
    : port_(free_port()),
      listener_(listen_on(port_)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      thread_([this] { serve(); }) {}

WebhookReceiver::~WebhookReceiver() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::vector<Delivery> WebhookReceiver::deliveries() const {
  const std::lock_guard lock(mutex_);
  return deliveries_;
}

bool WebhookReceiver::wait_until(
    const std::function<bool(const std::vector<Delivery>&)>& holds,
    std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] { return holds(deliveries_); });
}

void WebhookReceiver::serve() {
  while (true) {
    std::array<pollfd, 2> entries = {
        {{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0) continue;
    if (entries[0].revents != 0) return;
    const UniqueFd client(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) answer(client);
  }
}

void WebhookReceiver::answer(const UniqueFd& client) {
  const auto request = read_request(client.get());
  auto body = nlohmann::json::parse(request ? request->second : "", nullptr,
                                    /*allow_exceptions=*/false);
  const bool good = !body.is_discarded();
  if (good) {
    const std::lock_guard lock(mutex_);
    deliveries_.push_back({request->first, std::move(body)});
    changed_.notify_all();
  }
  const std::string response =
      std::string("HTTP/1.1 ") + (good ? "200 OK" : "400 Bad Request") +
      "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  ::send(client.get(), response.data(), response.size(), MSG_NOSIGNAL);
}

}  // namespace dbpool::test
