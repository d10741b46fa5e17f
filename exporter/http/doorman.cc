#include "exporter/http/doorman.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "exporter/base/signals_blocked.h"

namespace dbpool::exporter {

namespace {

// How often it looks, while there is room and while there is none.
constexpr auto kCalm = std::chrono::milliseconds(250);
constexpr auto kCrowded = std::chrono::milliseconds(50);

}  // namespace

void Doorman::watch(std::vector<std::uint16_t> ports) {
  ports_ = std::move(ports);
  const SignalsBlocked blocked;
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

void Doorman::begin(const std::string& client) {
  const std::lock_guard lock(mutex_);
  states_[client].is_served = true;
}

void Doorman::end(const std::string& client) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = states_.find(client);
  if (found == states_.end()) return;
  found->second.waiting_since = Clock::now();
  found->second.is_served = false;
}

void Doorman::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool is_crowded = false;
    try {
      is_crowded = look();
    } catch (const std::exception&) {  // out of memory: another time
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, is_crowded ? kCrowded : kCalm,
                   [] { return false; });
  }
}

bool Doorman::has_room(std::size_t descriptors) {
  const std::lock_guard lock(mutex_);
  return descriptors <= places_ && states_.size() <= places_;
}

bool Doorman::look() {
  const TimePoint now = Clock::now();
  const std::vector<int> descriptors = open_descriptors();
  if (has_room(descriptors.size())) return false;
  const std::vector<OpenSocket> open = open_sockets(descriptors, ports_);
  const std::lock_guard lock(mutex_);
  // Forgets those that have gone, but not those that came meanwhile.
  std::erase_if(states_, [&](const auto& entry) {
    return !entry.second.is_served && entry.second.waiting_since < now &&
           std::ranges::find(open, entry.first, &OpenSocket::client) ==
               open.end();
  });
  for (const OpenSocket& socket : open) {
    states_.try_emplace(socket.client, State{.waiting_since = now});
  }
  if (open.size() <= places_) return false;
  make_room(open, now);
  return true;
}

void Doorman::make_room(const std::vector<OpenSocket>& open, TimePoint now) {
  std::vector<std::pair<TimePoint, const OpenSocket*>> waited_for;
  std::size_t staying = open.size();
  for (const OpenSocket& socket : open) {
    const State& state = states_[socket.client];
    if (state.is_closed) {
      --staying;
    } else if (!state.is_served && !socket.is_unread &&
               now - state.waiting_since >= kPatience) {
      waited_for.emplace_back(state.waiting_since, &socket);
    }
  }
  std::ranges::sort(waited_for);
  for (const auto& [since, socket] : waited_for) {
    if (staying <= places_) return;
    hang_up(*socket);
    states_[socket->client].is_closed = true;
    --staying;
    log_.limited(LogLevel::kWarn, "http doorman",
                 "closed an HTTP connection that kept the server waiting, "
                 "since there were too many",
                 {{"client", socket->client}, {"connections", open.size()}});
  }
}

}  // namespace dbpool::exporter
