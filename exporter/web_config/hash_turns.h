#ifndef DBPOOL_EXPORTER_WEB_CONFIG_HASH_TURNS_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_HASH_TURNS_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "dbpool/options.h"

namespace dbpool::exporter {

struct HashTurnsOptions {
  std::uint32_t at_once = 1;
  std::uint32_t waiting = 16;           // from all clients together
  std::uint32_t waiting_of_client = 4;  // so that one leaves room for others
  Duration patience = std::chrono::seconds(3);
};

// Who may hash a password now: few at once, and few that wait for it, so that
// guessing costs an attacker's time, and neither all processors nor all
// threads of the server.
//
// Thread-safety: any thread.
class HashTurns {
 public:
  explicit HashTurns(const HashTurnsOptions& options) : options_(options) {}

  // Half of the processors, at most four.
  static HashTurnsOptions for_this_machine();

  // Runs `hash` when its turn comes; false when too many wait, or it did not
  // come within the patience. Blocks that long.
  template <typename Hash>
  bool run(std::string_view client, const Hash& hash) {
    if (!enter(client)) return false;
    const Leaving leaving{*this};
    hash();
    return true;
  }

  std::uint32_t waiting() const;

 private:
  struct Leaving {
    HashTurns& turns;
    ~Leaving() { turns.leave(); }
  };

  bool enter(std::string_view client);
  void leave();

  // Constant after construction.
  const HashTurnsOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable turn_;
  // Guarded by mutex_.
  std::uint32_t running_ = 0;
  std::uint32_t waiting_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> waiting_of_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_HASH_TURNS_H_
