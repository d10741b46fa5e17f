#include "pool/src/session/received_bytes.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "pool/src/base/unique_fd.h"

namespace dbpool::detail {
namespace {

struct Pair {
  UniqueFd near;
  UniqueFd far;
};

Pair unix_pair() {
  std::array<int, 2> fds = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Pair tcp_pair() {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener.get(), generic, size), 0);
  EXPECT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_EQ(::getsockname(listener.get(), generic, &size), 0);
  UniqueFd near(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(::connect(near.get(), generic, size), 0);
  UniqueFd far(::accept(listener.get(), nullptr, nullptr));
  return {std::move(near), std::move(far)};
}

void pass(const Pair& pair, std::size_t bytes) {
  const std::string text(bytes, 'x');
  ASSERT_EQ(::write(pair.far.get(), text.data(), bytes),
            static_cast<ssize_t>(bytes));
  std::string read(bytes, '\0');
  ASSERT_EQ(::recv(pair.near.get(), read.data(), bytes, MSG_WAITALL),
            static_cast<ssize_t>(bytes));
}

TEST(ReceivedBytes, CountsWhatIsReadFromAUnixSocket) {
  const Pair pair = unix_pair();
  pass(pair, 100);
  ReceivedBytes received(pair.near.get());
  EXPECT_EQ(received.count(), 0U);
  pass(pair, 1000);
  EXPECT_EQ(received.count(), 1000U);
  pass(pair, 20'000);
  pass(pair, 3);
  EXPECT_EQ(received.count(), 21'003U);
}

TEST(ReceivedBytes, CountsWhatArrivesOverTcp) {
  const Pair pair = tcp_pair();
  pass(pair, 100);
  ReceivedBytes received(pair.near.get());
  EXPECT_EQ(received.count(), 0U);
  pass(pair, 1000);
  EXPECT_EQ(received.count(), 1000U);
  pass(pair, 20'003);
  EXPECT_EQ(received.count(), 21'003U);
}

TEST(ReceivedBytes, CountsOverTcpWhatWaitedAtTheStart) {
  const Pair pair = tcp_pair();
  pass(pair, 50);
  ASSERT_EQ(::write(pair.far.get(), "abc", 3), 3);
  std::array<char, 4> peeked;
  ASSERT_EQ(::recv(pair.near.get(), peeked.data(), 3, MSG_PEEK | MSG_WAITALL),
            3);
  ReceivedBytes received(pair.near.get());
  EXPECT_EQ(received.count(), 3U);
}

}  // namespace
}  // namespace dbpool::detail
