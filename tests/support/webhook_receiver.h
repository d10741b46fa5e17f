#ifndef DBPOOL_TESTS_SUPPORT_WEBHOOK_RECEIVER_H_
#define DBPOOL_TESTS_SUPPORT_WEBHOOK_RECEIVER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/unique_fd.h"

namespace dbpool::test {

struct Delivery {
  std::string path;
  nlohmann::json body;
};

// An HTTP server on a free port of 127.0.0.1 that takes JSON by POST and
// keeps it. One request a connection, one connection at a time; what is no
// such request is answered with 400 and forgotten. Thread-safe.
class WebhookReceiver {
 public:
  WebhookReceiver();
  ~WebhookReceiver();
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;

  int port() const { return port_; }

  // All so far, in order of arrival.
  std::vector<Delivery> deliveries() const;

  // Waits until `holds` does of all deliveries so far; false at the deadline.
  bool wait_until(
      const std::function<bool(const std::vector<Delivery>&)>& holds,
      std::chrono::milliseconds deadline) const;

 private:
  void serve();
  void answer(const UniqueFd& client);

  // Constant after construction.
  int port_ = 0;
  UniqueFd listener_;
  UniqueFd stop_;  // an eventfd that ends the server

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Delivery> deliveries_;  // guarded by mutex_

  std::thread thread_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_WEBHOOK_RECEIVER_H_
