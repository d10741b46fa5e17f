// DemoDatabase: a private, throw-away PostgreSQL for the demo.
//
// It lives in a temp folder, listens on a Unix socket only, and only we and
// root may connect. It is gone after stop(), and ends with us if we crash;
// the folder of a crashed demo is removed by the next one.
#ifndef DBPOOL_EXPORTER_DEMO_DEMO_DATABASE_H_
#define DBPOOL_EXPORTER_DEMO_DEMO_DATABASE_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbpool/error.h"
#include "exporter/demo/child_process.h"
#include "exporter/demo/demo_folder.h"

namespace dbpool::exporter {

// The folder with the newest `initdb` and `postgres`: the highest version
// under `root` (/usr/lib/postgresql), else the first folder of `path` ($PATH)
// that has both; nullopt if there is none.
std::optional<std::filesystem::path> find_postgres(
    const std::filesystem::path& root, const std::string& path);

// Thread-safety: none. start() from a thread that lives until stop(): the
// server ends when that thread does.
class DemoDatabase {
 public:
  // Removes left-overs, makes a cluster and waits until it accepts
  // connections (some seconds; a minute at most). As root, the server runs
  // as user postgres, or nobody. An error says what is missing, with the
  // server's last words.
  static Expected<std::unique_ptr<DemoDatabase>> start();
  ~DemoDatabase() { stop(); }
  DemoDatabase(const DemoDatabase&) = delete;
  DemoDatabase& operator=(const DemoDatabase&) = delete;

  // Key=value form; holds no secret.
  std::string database_url() const;
  const std::filesystem::path& folder() const noexcept {
    return folder_->path();
  }

  // Fast shutdown of the server (sessions are ended), then the folder goes.
  // Blocks for a second as a rule, some twenty at worst. Idempotent.
  void stop();

 private:
  DemoDatabase(DemoFolder folder, std::filesystem::path programs,
               std::optional<Account> account);
  Expected<void> initialise();
  Expected<void> launch();
  Expected<void> wait_until_ready();
  Expected<ChildProcess> run(std::vector<std::string> arguments,
                             int inherited) const;
  std::string last_words() const;

  const std::filesystem::path programs_;
  const std::optional<Account> account_;
  std::optional<DemoFolder> folder_;  // empty once stopped
  std::optional<ChildProcess> server_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DEMO_DEMO_DATABASE_H_
