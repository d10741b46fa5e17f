#include "tests/faults/fault_proxy.h"

#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <future>
#include <string_view>
#include <utility>

#include "tests/support/net.h"

namespace dbpool::test {

namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kBufferSize = 16 * 1024;
// An answer of that size carries rows; no answer of a log-in has it.
constexpr std::size_t kLarge = 1000;

asio::redirect_error_t<asio::use_awaitable_t<>> into(std::error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

tcp::endpoint loopback(int port) {
  return {asio::ip::address_v4::loopback(),
          static_cast<asio::ip::port_type>(port)};
}

// The packet that asks for a cancel, or that asks for TLS, has this at 4.
bool has_code(std::string_view packet, unsigned code) {
  if (packet.size() < 8) return false;
  unsigned value = 0;
  for (const char byte : packet.substr(4, 4)) {
    value = value << 8U | static_cast<unsigned char>(byte);
  }
  return value == code;
}
constexpr unsigned kCancelRequest = 80877102;
constexpr unsigned kTlsRequest = 80877103;

}  // namespace

struct FaultProxy::Guest {
  explicit Guest(asio::io_context& context)
      : client(context),
        server(context),
        timers{asio::steady_timer(context), asio::steady_timer(context)} {}

  tcp::socket client;
  tcp::socket server;
  // What the carriers of requests and of answers wait for.
  std::array<asio::steady_timer, 2> timers;
  std::array<std::array<char, kBufferSize>, 2> buffers = {};
  std::chrono::steady_clock::time_point came;
  bool noted = false;
  bool asked_for_tls = false;
  int answers = 0;
  bool mute = false;  // for ever
  bool over = false;
};

template <typename Function>
auto FaultProxy::call(Function function) {
  std::packaged_task<decltype(function())()> task(std::move(function));
  auto result = task.get_future();
  asio::post(context_, [&task] { task(); });
  return result.get();
}

FaultProxy::FaultProxy(int server_port, std::string address)
    : server_port_(server_port),
      address_(std::move(address)),
      port_(free_port()) {
  begin_to_listen();
  thread_ = std::thread([this] { context_.run(); });
}

FaultProxy::~FaultProxy() {
  call([this] {
    std::error_code ignored;
    acceptor_.close(ignored);
    drop_all();
    work_.reset();
  });
  thread_.join();
}

void FaultProxy::begin_to_listen() {
  acceptor_.open(tcp::v4());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind({asio::ip::make_address(address_),
                  static_cast<asio::ip::port_type>(port_)});
  acceptor_.listen();
  asio::co_spawn(context_, accept_guests(), asio::detached);
}

void FaultProxy::set(Way way) {
  call([this, way] {
    way_ = way;
    for (const GuestPtr& guest : guests_) {
      guest->mute |= way == Way::kHoleInTcp || way == Way::kHoleInTls ||
                     way == Way::kHoleInAuth;
      for (asio::steady_timer& timer : guest->timers) timer.cancel();
    }
  });
}

void FaultProxy::reset_all() {
  call([this] { drop_all(); });
}

void FaultProxy::refuse() {
  call([this] {
    acceptor_.close();
    drop_all();
  });
}

void FaultProxy::listen() {
  call([this] { begin_to_listen(); });
}

std::vector<FaultProxy::TimePoint> FaultProxy::openings() {
  return call([this] { return openings_; });
}

std::size_t FaultProxy::connections() {
  return call([this] { return guests_.size(); });
}

void FaultProxy::drop_all() {
  while (!guests_.empty()) part_with(GuestPtr(guests_.front()), true);
}

void FaultProxy::part_with(const GuestPtr& guest, bool hard) {
  if (std::exchange(guest->over, true)) return;
  std::error_code ignored;
  if (hard) {
    guest->client.set_option(asio::socket_base::linger(true, 0), ignored);
  }
  guest->client.close(ignored);
  guest->server.close(ignored);
  for (asio::steady_timer& timer : guest->timers) timer.cancel();
  guests_.remove(guest);
}

asio::awaitable<void> FaultProxy::accept_guests() {
  while (true) {
    auto guest = std::make_shared<Guest>(context_);
    std::error_code error;
    co_await acceptor_.async_accept(guest->client, into(error));
    if (error) co_return;
    guest->came = std::chrono::steady_clock::now();
    guest->mute = way_ == Way::kHoleInTcp;
    guests_.push_back(guest);
    asio::co_spawn(context_, serve(std::move(guest)), asio::detached);
  }
}

asio::awaitable<void> FaultProxy::serve(GuestPtr guest) {
  co_await while_down(guest, 0);
  std::error_code error;
  if (!guest->mute && !guest->over) {
    co_await guest->server.async_connect(loopback(server_port_), into(error));
    if (error) {  // so does a server that is down
      part_with(guest, true);
      co_return;
    }
    guest->server.set_option(tcp::no_delay(true), error);
    guest->client.set_option(tcp::no_delay(true), error);
    asio::co_spawn(context_, carry_answers(guest), asio::detached);
  }
  co_await carry_requests(std::move(guest));
}

void FaultProxy::note(Guest& guest, std::size_t size) {
  const std::string_view packet(guest.buffers[0].data(), size);
  if (has_code(packet, kTlsRequest)) guest.asked_for_tls = true;
  if (std::exchange(guest.noted, true)) return;
  if (!has_code(packet, kCancelRequest)) openings_.push_back(guest.came);
}

// The timer's wait ends when the way changes or the guest goes.
asio::awaitable<void> FaultProxy::while_down(GuestPtr guest,
                                             std::size_t direction) {
  while (way_ == Way::kDown && !guest->over) {
    asio::steady_timer& timer = guest->timers[direction];
    timer.expires_at(asio::steady_timer::time_point::max());
    std::error_code ignored;
    co_await timer.async_wait(into(ignored));
  }
}

asio::awaitable<void> FaultProxy::carry_requests(GuestPtr guest) {
  while (!guest->over) {
    std::error_code error;
    const std::size_t size = co_await guest->client.async_read_some(
        asio::buffer(guest->buffers[0]), into(error));
    co_await while_down(guest, 0);
    if (!error) {
      note(*guest, size);
      if (guest->mute) continue;
      co_await asio::async_write(
          guest->server, asio::buffer(guest->buffers[0], size), into(error));
    }
    if (error) part_with(guest, false);
  }
}

asio::awaitable<void> FaultProxy::carry_answers(GuestPtr guest) {
  while (!guest->over) {
    std::error_code error;
    const std::size_t size = co_await guest->server.async_read_some(
        asio::buffer(guest->buffers[1]), into(error));
    co_await while_down(guest, 1);
    if (guest->mute && !error) continue;
    // What is silent hears of no end either.
    if (guest->mute) co_return;
    if (error || !co_await pass_answer(guest, size)) {
      part_with(guest, !error);
    }
  }
}

asio::awaitable<bool> FaultProxy::pass_answer(GuestPtr guest,
                                              std::size_t size) {
  ++guest->answers;
  std::size_t passes = size;
  const bool is_large = size >= kLarge;
  const int greeting = guest->asked_for_tls ? 1 : 0;
  switch (way_) {
    case Way::kDelay: {
      guest->timers[1].expires_after(milliseconds(50));
      std::error_code ignored;
      co_await guest->timers[1].async_wait(into(ignored));
      break;
    }
    case Way::kTrickle:
      co_await trickle(guest, size);
      co_return !guest->over;
    case Way::kCut:
    case Way::kHoleInResult:
      if (is_large) passes = size / 2;
      guest->mute = is_large && way_ == Way::kHoleInResult;
      break;
    case Way::kHoleInTls:
      guest->mute = guest->answers >= greeting;
      break;
    case Way::kHoleInAuth:
      guest->mute = guest->answers >= greeting + 1;
      break;
    case Way::kPass:
    case Way::kHoleInTcp:
    case Way::kDown:
      break;
  }
  std::error_code error;
  co_await asio::async_write(
      guest->client, asio::buffer(guest->buffers[1], passes), into(error));
  co_return !error && (passes == size || guest->mute);
}

asio::awaitable<void> FaultProxy::trickle(GuestPtr guest, std::size_t size) {
  std::error_code error;
  std::size_t sent = 0;
  while (way_ == Way::kTrickle && sent < size && !error) {
    co_await asio::async_write(
        guest->client, asio::buffer(&guest->buffers[1][sent], 1), into(error));
    ++sent;
    guest->timers[1].expires_after(seconds(1));
    std::error_code ignored;
    co_await guest->timers[1].async_wait(into(ignored));
    if (guest->over) co_return;
  }
  co_await asio::async_write(
      guest->client, asio::buffer(&guest->buffers[1][sent], size - sent),
      into(error));
}

}  // namespace dbpool::test
