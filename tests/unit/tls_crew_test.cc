#include "pool/src/tls/tls_crew.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace dbpool::detail {
namespace {

using Tickets = std::vector<std::shared_ptr<Ticket>>;

void await(const Ticket& ticket) {
  pollfd entry = {.fd = ticket.fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&entry, 1, 60'000), 1) << "it never ends";
  EXPECT_TRUE(ticket.done());
}

// Keeps every thread of the crew busy until it is let go.
class BusyCrew {
 public:
  BusyCrew() {
    for (std::size_t i = 0; i < kMaxTlsThreads; ++i) {
      tickets_.push_back(request_tls([this] {
        if (++running_ == kMaxTlsThreads) all_.set_value();
        go_.wait();
      }));
    }
    all_.get_future().wait();
  }
  void let_go() {
    release_.set_value();
    for (const auto& ticket : tickets_) await(*ticket);
  }

 private:
  std::promise<void> all_;
  std::promise<void> release_;
  const std::shared_future<void> go_{release_.get_future()};
  std::atomic<std::size_t> running_{0};
  Tickets tickets_;
};

TEST(TlsCrew, WorkIsDoneOnAThreadOfTheCrew) {
  std::thread::id where;
  const auto ticket =
      request_tls([&where] { where = std::this_thread::get_id(); });
  ASSERT_NE(ticket, nullptr);
  await(*ticket);
  EXPECT_NE(where, std::thread::id());
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(TlsCrew, MoreWorkThanThreadsWaitsItsTurn) {
  BusyCrew busy;
  std::atomic<bool> ran{false};
  const auto ticket = request_tls([&ran] { ran = true; });
  ASSERT_NE(ticket, nullptr);
  EXPECT_FALSE(ticket->done());
  EXPECT_FALSE(ran);
  busy.let_go();
  await(*ticket);
  EXPECT_TRUE(ran);
}

TEST(TlsCrew, WorkThatNobodyWantsAnyMoreIsNotDone) {
  BusyCrew busy;
  const auto held = std::make_shared<int>(1);
  std::atomic<bool> ran{false};
  request_tls([&ran, held] { ran = true; }).reset();
  const auto after = request_tls([] {});
  ASSERT_NE(after, nullptr);
  busy.let_go();
  await(*after);
  EXPECT_FALSE(ran);
}

TEST(TlsCrew, WhatWorkHoldsOnToIsGoneWhenItIsDone) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  const auto ticket = request_tls([held = std::move(held)] {});
  ASSERT_NE(ticket, nullptr);
  await(*ticket);
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace dbpool::detail
