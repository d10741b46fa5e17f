// What a service manager hears, as by systemd's sd_notify(3).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

#include "tests/e2e/web_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The manager's end.
class NotifySocket {
 public:
  // "@name" is abstract, as for NOTIFY_SOCKET.
  explicit NotifySocket(std::string name)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.front() == '@') name.front() = '\0';
    std::ranges::copy(name, address.sun_path);
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
               size) != 0) {
      throw std::system_error(errno, std::generic_category(), "bind");
    }
  }

  // The next message; empty when none comes.
  std::string receive() const {
    pollfd waited{socket_.get(), POLLIN, 0};
    const auto patience = std::chrono::milliseconds(kLiveness).count();
    if (::poll(&waited, 1, static_cast<int>(patience)) != 1) return "";
    std::array<char, 1024> message{};
    const auto size = ::recv(socket_.get(), message.data(), message.size(), 0);
    return {message.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
  }

 private:
  UniqueFd socket_;
};

class ServiceManagerTest : public WebFixture {
 protected:
  std::string socket_path() const { return path("notify"); }

  static ExporterOptions options(const std::string& notify_socket) {
    return {.database_url = planted_url(free_port()),
            .env = {{"NOTIFY_SOCKET", notify_socket},
                    {"DB_DRAIN_TIMEOUT_MS", "5000"}}};
  }
  static ExporterOptions watched(const std::string& notify_socket) {
    ExporterOptions watched = options(notify_socket);
    watched.env["WATCHDOG_USEC"] = "600000";
    return watched;
  }
};

TEST_F(ServiceManagerTest, ItHearsWhenTheExporterIsReadyAndWhenItStops) {
  for (const std::string& name :
       {socket_path(), "@dbpool-test-" + std::to_string(::getpid())}) {
    const NotifySocket manager(name);
    Exporter exporter(options(name));
    ASSERT_EQ(manager.receive(), "READY=1") << exporter.output();
    EXPECT_EQ(exporter.get("/-/ready").status, 200);
    exporter.send_signal(SIGTERM);
    EXPECT_EQ(manager.receive(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000");
    EXPECT_EQ(exporter.wait(), 0);
  }
}

TEST_F(ServiceManagerTest, TheWatchdogIsFedForAsLongAsHttpIsAnswered) {
  const NotifySocket manager(socket_path());
  Exporter exporter(watched(socket_path()));
  ASSERT_EQ(manager.receive(), "READY=1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.receive(), "WATCHDOG=1");
  EXPECT_GE(exporter.page().sum("dbpool_exporter_http_requests_total",
                                {{"handler", "healthy"}, {"code", "200"}}),
            3);
}

TEST_F(ServiceManagerTest, TheWatchdogIsFedBehindTlsAndPasswordsWithoutANoise) {
  const NotifySocket manager(socket_path());
  replace("web.yml",
          tls_config("  client_auth_type: RequireAndVerifyClientCert\n"
                     "  client_ca_file: ca.pem\n",
                     users()));
  ExporterOptions with_tls = watched(socket_path());
  with_tls.args = {"--web.config.file=" + path("web.yml")};
  Exporter exporter(with_tls);
  ASSERT_EQ(manager.receive(), "READY=1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.receive(), "WATCHDOG=1");
  EXPECT_THAT(exporter.output(), Not(HasSubstr("handshake")));
}

TEST_F(ServiceManagerTest, AWatchdogOfAnotherProcessIsNotFed) {
  const NotifySocket manager(socket_path());
  ExporterOptions of_another = watched(socket_path());
  of_another.env["WATCHDOG_PID"] = "1";
  of_another.env["WATCHDOG_USEC"] = "1000";
  Exporter exporter(of_another);
  ASSERT_EQ(manager.receive(), "READY=1");
  EXPECT_EQ(exporter.get("/-/ready").status, 200);
  exporter.send_signal(SIGTERM);
  EXPECT_THAT(manager.receive(), HasSubstr("STOPPING=1"));
}

TEST_F(ServiceManagerTest, OneThatCannotBeReachedIsSaidAndChangesNothing) {
  for (const auto& [name, said] :
       {std::pair{std::string("vsock:2:1"), "NOTIFY_SOCKET is no path"},
        std::pair{socket_path(), "the service manager is not reached"}}) {
    Exporter exporter(watched(name));
    EXPECT_TRUE(exporter.wait_for_log(said));
    EXPECT_TRUE(eventually(
        kLiveness, [&] { return exporter.get("/-/ready").status == 200; }));
    EXPECT_EQ(exporter.stop(), 0);
  }
}

}  // namespace
}  // namespace dbpool::test
