// Reloader: has the settings read anew and put in force, one reload at a time,
// on a thread of its own.
#ifndef DBPOOL_EXPORTER_RELOADER_H_
#define DBPOOL_EXPORTER_RELOADER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "exporter/logging/logger.h"
#include "exporter/metrics/config_reload.h"

namespace dbpool::exporter {

// Each reload is logged, and each mistake that it found.
//
// Thread-safety: any thread, but for stop() and the destructor.
class Reloader {
 public:
  // One line without a secret for each mistake; then nothing has changed.
  using Mistakes = std::vector<std::string>;
  // Called on the reloader's thread.
  using Reload = std::function<Mistakes()>;

  // The settings of the start count as a reload that went well. `log` must
  // outlive it.
  Reloader(Reload reload, Logger& log);
  ~Reloader() { stop(); }
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  // Has a reload begin soon; one for all who ask before it begins. Does not
  // block.
  void ask();
  // The same, and blocks until it has ended.
  Mistakes reload();

  // Waits for a reload under way, and begins none any more. The owner's.
  void stop();

  // Of the last one that has ended.
  ReloadStatus last() const;

 private:
  void loop(const std::stop_token& stop);

  // Constant after construction.
  const Reload reload_;
  Logger& log_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  std::uint64_t asked_ = 0;  // reloads that were asked for
  std::uint64_t ended_ = 0;  // as many of them have been done
  bool stopped_ = false;
  Mistakes mistakes_;  // of the last one
  std::chrono::system_clock::time_point last_success_;

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_RELOADER_H_
