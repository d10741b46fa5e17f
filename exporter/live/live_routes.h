// /live.json and /live: the data of the live page, polled or as a stream.
#ifndef DBPOOL_EXPORTER_LIVE_LIVE_ROUTES_H_
#define DBPOOL_EXPORTER_LIVE_LIVE_ROUTES_H_

#include <cstdint>
#include <memory>

#include "dbpool/options.h"
#include "exporter/http/router.h"
#include "exporter/live/live_feed.h"

namespace dbpool::exporter {

// Streams at once: each keeps one of the server's threads.
inline constexpr std::uint32_t kMostStreams = 4;
// Then a stream ends, and its client begins the next one, if it still may.
inline constexpr Duration kStreamLife = std::chrono::minutes(5);

// LiveFeed::document(), with the samples after ?since=CURSOR.
Route live_json_route(std::shared_ptr<LiveFeed> feed);

// The same as server-sent events, one when it begins and one for each sample;
// an event's id is its cursor, and Last-Event-ID stands over ?since=. Past
// kMostStreams it is 503. Does not count against the limit of requests.
Route live_stream_route(std::shared_ptr<LiveFeed> feed);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LIVE_LIVE_ROUTES_H_
