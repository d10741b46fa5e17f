// Router: from a request to its one answer, by a table of exact routes.
#ifndef DBPOOL_EXPORTER_HTTP_ROUTER_H_
#define DBPOOL_EXPORTER_HTTP_ROUTER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/options.h"
#include "exporter/http/http_metrics.h"
#include "exporter/http/message.h"
#include "exporter/logging/logger.h"

namespace dbpool::exporter {

// Called from any of the server's threads, several at once. What it throws
// costs this one request a 500.
using Handler = std::function<Response(const Request&)>;

struct Route {
  std::string path;  // exact
  std::string name;  // the label `handler`
  Handler handler;
  std::string method = "GET";  // GET answers HEAD too
  // Whether it counts against the limit of requests at once. Liveness and
  // health do not: a busy exporter is not a dead one.
  bool limited = true;
  // Whether it tells no more than that the program lives, so that it may be
  // open to everybody.
  bool is_health = false;
};

// Asked before each route, and before a 404: the answer to one who may not go
// on. `is_health` is that of the route.
using Gate =
    std::function<std::optional<Response>(const Request&, bool is_health)>;

// Answers
//   what the gate says, when it lets nobody through,
//   404 for a path that is not in the table; 405 for what is no path and a
//       method that no route takes, such as OPTIONS *,
//   405 with Allow for a method that the path does not take,
//   503 with Retry-After past `max_requests` limited requests at once, those
//       whose answer is being sent not counted,
//   500 when the handler throws (logged, rate-limited; the client is not
//       told why),
// and else what the handler says.
//
// Thread-safety: any thread.
class Router {
 public:
  // `log` must outlive the router. No two routes may have the same method
  // and path.
  Router(std::vector<Route> routes, std::uint32_t max_requests, Logger& log,
         Gate gate = {});

  // Sends the answer to one request through `write`, on this thread. The
  // request is counted before it is written, so that whoever has the answer
  // finds it counted; it is in flight until it is written.
  using Write = std::function<void(const Response&)>;
  void serve(const Request& request, const Write& write);

  // Counts an answer that was given without the table, e.g. to garbage.
  void count_unrouted(int code) { metrics_->count(kOtherHandler, code, {}); }

  std::uint32_t max_requests() const noexcept { return max_requests_; }

  // To be put on the metrics page; may outlive the router.
  const std::shared_ptr<HttpMetrics>& metrics() const { return metrics_; }

 private:
  struct Match {
    const Route* route = nullptr;    // of path and method
    const Route* on_path = nullptr;  // any of the path
  };

  std::optional<Response> stopped_at_gate(const Match& match,
                                          const Request& request);
  Match find(const Request& request) const noexcept;
  // An empty path stands for all routes.
  Response not_allowed(std::string_view path) const;
  bool is_taken(std::string_view method) const noexcept;
  Response run(const Route& route, const Request& request);
  Response run_limited(const Route& route, const Request& request);

  // Constant after construction.
  const std::vector<Route> routes_;
  const std::uint32_t max_requests_;
  Logger& log_;
  const Gate gate_;  // may be empty
  const std::shared_ptr<HttpMetrics> metrics_;

  std::atomic<std::uint32_t> limited_in_flight_{0};
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_ROUTER_H_
