#include "exporter/web_config/hash_turns.h"

#include <algorithm>
#include <thread>

namespace dbpool::exporter {

HashTurnsOptions HashTurns::for_this_machine() {
  return {.at_once =
              std::clamp(std::thread::hardware_concurrency() / 2, 1U, 4U)};
}

bool HashTurns::enter(std::string_view client) {
  std::unique_lock lock(mutex_);
  if (running_ < options_.at_once) {
    ++running_;
    return true;
  }
  auto of_client = waiting_of_.try_emplace(std::string(client), 0U).first;
  const bool may_wait = waiting_ < options_.waiting &&
                        of_client->second < options_.waiting_of_client;
  bool is_mine = false;
  if (may_wait) {
    ++waiting_;
    ++of_client->second;
    is_mine = turn_.wait_for(lock, options_.patience,
                             [&] { return running_ < options_.at_once; });
    --waiting_;
    --of_client->second;
    if (is_mine) ++running_;
  }
  if (of_client->second == 0) waiting_of_.erase(of_client);
  return is_mine;
}

std::uint32_t HashTurns::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

void HashTurns::leave() {
  const std::lock_guard lock(mutex_);
  --running_;
  turn_.notify_one();
}

}  // namespace dbpool::exporter
