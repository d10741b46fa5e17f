#include "tests/simulation/event.h"

#include <array>
#include <string_view>

namespace dbpool::test {
namespace {

constexpr std::array<std::string_view, 15> kNames = {
    "start",   "acquire",     "cancel",      "expire",  "release",
    "opened",  "open failed", "checked",     "cleaned", "closed",
    "hung up", "advance",     "reconfigure", "renew",   "close"};

constexpr std::array<std::string_view, 4> kReturns = {"clean", "dirty",
                                                      "broken", "retire"};

}  // namespace

std::string describe(const Event& event) {
  std::string line = std::to_string(event.now.time_since_epoch().count());
  line.append(" ns ").append(kNames[static_cast<std::size_t>(event.kind)]);
  switch (event.kind) {
    case EventKind::kStart:
    case EventKind::kAdvance:
    case EventKind::kClose:
    case EventKind::kAcquire:
    case EventKind::kCancel:
    case EventKind::kExpire:
    case EventKind::kRenew:
      break;
    case EventKind::kReconfigure:
      line += " to " + std::to_string(event.options->min_connections) + " … " +
              std::to_string(event.options->max_connections);
      break;
    default:
      line += " " + std::to_string(event.id.slot) + "/" +
              std::to_string(event.id.generation);
  }
  if (event.kind == EventKind::kRelease) {
    line.append(" ").append(kReturns[static_cast<std::size_t>(event.returned)]);
  } else if (event.kind == EventKind::kOpenFailed) {
    line.append(" ").append(to_string(event.failure));
  } else if (event.kind == EventKind::kChecked ||
             event.kind == EventKind::kCleaned) {
    line.append(event.good ? " good" : " bad");
  }
  return line;
}

}  // namespace dbpool::test
