// FaultProxy: a way to a server on which all goes wrong but the order of bytes.
#ifndef DBPOOL_TESTS_FAULTS_FAULT_PROXY_H_
#define DBPOOL_TESTS_FAULTS_FAULT_PROXY_H_

#include <asio/awaitable.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace dbpool::test {

// What becomes of connections. A hole swallows all that is said on those that
// are there, for ever, and on newcomers from the named moment on.
enum class Way : std::uint8_t {
  kPass,
  kDelay,         // what the server says comes 50 ms late
  kTrickle,       // … comes one byte a second
  kCut,           // reset in the middle of the next large answer
  kHoleInResult,  // silent from the middle of the next large answer on
  kHoleInTcp,     // newcomers: accepted, and nothing more
  kHoleInTls,     // newcomers: the server agrees to TLS, and nothing more
  kHoleInAuth,    // newcomers: the server asks for the password, and no more
  kDown,          // all stands still, and goes on afterwards
};

// Has a thread of its own.
// Thread-safety: any thread.
class FaultProxy {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // From a free port of `address` to 127.0.0.1:server_port.
  explicit FaultProxy(int server_port, std::string address = "127.0.0.1");
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  const std::string& address() const { return address_; }
  int port() const { return port_; }

  void set(Way way);
  void reset_all();  // RST to each connection that is there
  void refuse();     // that, and nobody listens any more
  void listen();     // again

  // When connections came, those that brought a cancel left out.
  std::vector<TimePoint> openings();
  // Connections that are there now.
  std::size_t connections();

 private:
  struct Guest;
  using GuestPtr = std::shared_ptr<Guest>;

  // Runs it on the thread and waits for it.
  template <typename Function>
  auto call(Function function);
  void begin_to_listen();
  void drop_all();
  asio::awaitable<void> accept_guests();
  asio::awaitable<void> serve(GuestPtr guest);
  asio::awaitable<void> carry_requests(GuestPtr guest);
  asio::awaitable<void> carry_answers(GuestPtr guest);
  // False: the connection is over.
  asio::awaitable<bool> pass_answer(GuestPtr guest, std::size_t size);
  asio::awaitable<void> trickle(GuestPtr guest, std::size_t size);
  asio::awaitable<void> while_down(GuestPtr guest, std::size_t direction);
  void note(Guest& guest, std::size_t size);
  void part_with(const GuestPtr& guest, bool hard);

  const int server_port_;
  const std::string address_;
  const int port_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{
      context_.get_executor()};

  // The thread's own.
  asio::ip::tcp::acceptor acceptor_{context_};
  Way way_ = Way::kPass;
  std::list<GuestPtr> guests_;
  std::vector<TimePoint> openings_;

  std::thread thread_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_FAULT_PROXY_H_
