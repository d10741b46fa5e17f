// Requests: the bytes that a client sends to the real server on a loopback
// port, with its real router and handlers. The answers to it are well-formed,
// none is the fault of a handler, and none holds a line that the request put
// in.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <set>

#include "exporter/http/debug_pools_handler.h"
#include "exporter/http/health_handler.h"
#include "exporter/http/lifecycle_handlers.h"
#include "exporter/http/metrics_handler.h"
#include "exporter/http/server.h"
#include "exporter/http/stats_handler.h"
#include "exporter/live/landing_page.h"
#include "exporter/web_config/login.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/net.h"

namespace dbpool::exporter {
namespace {

using fuzz::require;

constexpr char kHash[] =  // of "secret", and cheap
    "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

PoolStats busy_pool() {
  PoolStats stats;
  stats.name = "default";
  stats.total = 15;
  stats.max_connections = 20;
  return stats;
}

std::vector<Route> routes(std::shared_ptr<const MetricsPage> page) {
  const auto health = [] {
    return std::vector{PoolHealth{.stats = busy_pool()}};
  };
  return {landing_route("/metrics", health),
          metrics_route("/metrics", std::move(page)),
          health_route(health),
          stats_route([] { return std::vector{busy_pool()}; }),
          debug_pools_route(
              [] {
                return std::vector{PoolHolders{busy_pool(), {}, {}}};
              },
              [] { return std::vector<ReportPtr>{}; }),
          take_report_route([](auto) { return std::vector<std::uint64_t>{7}; }),
          healthy_route(),
          ready_route([] { return true; })};
}

class Site {
 public:
  Site() {
    auto page = std::make_shared<MetricsPage>();
    auto router = std::make_unique<Router>(
        routes(page), 40, log_,
        [this](const Request& request, bool) { return refuse(request); });
    page->add(router->metrics());
    ServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    auto server = Server::start(options, std::move(router), log_);
    require(server.has_value(), "the server starts",
            server ? "" : server.error());
    server_ = *std::move(server);
  }

  int port() const { return server_->addresses().at(0).port; }

 private:
  // Who brings credentials has them looked at.
  std::optional<Response> refuse(const Request& request) {
    const std::string_view given = request.header("Authorization");
    if (given.empty() ||
        login_.check(given, request.remote, users_) == LoginResult::kGranted) {
      return std::nullopt;
    }
    return Response{.status = 401};
  }

  Logger log_{LogOptions{}, std::make_shared<spdlog::sinks::null_sink_mt>()};
  Login login_;
  const WebUsers users_{{"alice", kHash}};
  std::unique_ptr<Server> server_;
};

std::string answers_to(int port, std::string_view bytes) {
  const test::UniqueFd client = test::connect_to(port);
  while (!bytes.empty()) {
    const auto sent =
        ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  ::shutdown(client.get(), SHUT_WR);
  std::string answers;
  std::array<char, 65536> buffer;
  while (true) {
    const auto got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return answers;
    answers.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// Takes the head of a response off `rest`; the length that it states.
std::size_t take_head(std::string_view& rest) {
  static const std::set<std::string_view> kCodes = {
      "200", "202", "400", "401", "404", "405", "408", "411",
      "413", "414", "417", "431", "501", "503", "505"};
  const std::size_t end = rest.find("\r\n\r\n");
  require(rest.starts_with("HTTP/1.") && end != std::string_view::npos,
          "an answer has a head", rest);
  const std::string_view head = rest.substr(0, end + 2);
  require(kCodes.contains(head.substr(9, 3)), "an answer has a known code",
          head);
  require(head.find("X-Planted") == std::string_view::npos,
          "no request puts a header into its answer", head);
  for (std::size_t i = 0; i < head.size(); ++i) {
    require(head[i] != '\n' || head[i - 1] == '\r', "lines end in CR LF", head);
    require(head[i] != '\r' || head[i + 1] == '\n', "lines end in CR LF", head);
  }
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t at = head.find(kLength);
  require(at != std::string_view::npos, "an answer has a length", head);
  std::size_t length = 0;
  std::from_chars(head.data() + at + kLength.size(), head.data() + head.size(),
                  length);
  rest.remove_prefix(end + 4);
  return length;
}

// A HEAD has the length and no body: then the next head follows, or the end.
void check_answers(std::string_view rest) {
  while (!rest.empty()) {
    const std::size_t length = take_head(rest);
    if (rest.empty() || rest.starts_with("HTTP/1.")) continue;
    require(length <= rest.size(), "a body is whole", rest);
    rest.remove_prefix(length);
  }
}

}  // namespace
}  // namespace dbpool::exporter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool::exporter;
  // Left to the end of the process: its threads live as long.
  static const Site* const site = new Site;
  static unsigned count = 0;
  check_answers(answers_to(site->port(), dbpool::fuzz::view(data, size)));
  if (++count % 64 != 1) return 0;
  const std::string scrape =
      answers_to(site->port(), "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  require(scrape.starts_with("HTTP/1.1 200 "), "a scrape is answered", scrape);
  return 0;
}
