#include "exporter/live/live_routes.h"

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

namespace dbpool::exporter {

namespace {

// How many streams there are; shared by them, as they may outlive the route.
using Count = std::shared_ptr<std::atomic<std::uint32_t>>;

// One of them, for as long as a copy of it is kept; null when there are
// kMostStreams.
std::shared_ptr<void> take_place(const Count& count) {
  if (count->fetch_add(1) >= kMostStreams) {
    count->fetch_sub(1);
    return nullptr;
  }
  return {count.get(), [count](void*) { count->fetch_sub(1); }};
}

void send_events(LiveFeed& feed, std::string cursor, const SendPiece& send,
                 const std::stop_token& stop) {
  const TimePoint end = Clock::now() + kStreamLife;
  std::string event = "retry: 1000\n";
  for (;;) {
    LiveFeed::Document document = feed.document(cursor);
    cursor = std::move(document.cursor);
    event += "id: " + cursor + "\ndata: " + document.json + "\n\n";
    if (!send(event) || Clock::now() >= end ||
        !feed.wait_for_sample(document.latest, stop)) {
      return;
    }
    event.clear();
  }
}

std::string cursor_of(const Request& request) {
  const std::string_view last = request.header("Last-Event-ID");
  return std::string(last.empty() ? request.parameter("since").value_or("")
                                  : last);
}

}  // namespace

Route live_json_route(std::shared_ptr<LiveFeed> feed) {
  return {
      .path = "/live.json",
      .name = "live_json",
      .handler = [feed = std::move(feed)](const Request& request) -> Response {
        const auto since = request.parameter("since").value_or("");
        return {.content_type = std::string(kJsonType),
                .body = feed->document(since).json + "\n"};
      }};
}

Route live_stream_route(std::shared_ptr<LiveFeed> feed) {
  const auto count = std::make_shared<std::atomic<std::uint32_t>>(0);
  const auto answer = [feed = std::move(feed),
                       count](const Request& request) -> Response {
    auto place = take_place(count);
    if (place == nullptr) {
      return {.status = 503,
              .body = "503: there are " + std::to_string(kMostStreams) +
                      " streams already; /live.json has the same\n",
              .headers = {{"Retry-After", "5"}}};
    }
    return {
        .content_type = "text/event-stream",
        .stream = [feed, place = std::move(place), cursor = cursor_of(request)](
                      const SendPiece& send, const std::stop_token& stop) {
          send_events(*feed, cursor, send, stop);
        }};
  };
  return {.path = "/live", .name = "live", .handler = answer, .limited = false};
}

}  // namespace dbpool::exporter
