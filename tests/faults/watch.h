// Watch: dbpool_exporter beside the service, scraped five times a second.
#ifndef DBPOOL_TESTS_FAULTS_WATCH_H_
#define DBPOOL_TESTS_FAULTS_WATCH_H_

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/client.h"
#include "tests/support/process.h"

namespace dbpool::test {

struct Scrape {
  TimePoint at;  // when it began
  Duration took{0};
  bool answered = false;     // with 200, both /metrics and /-/healthy
  std::optional<double> up;  // dbpool_up
  double exhausted = 0;      // dbpool_exhausted_seconds_total
};

// Threads: see Process.
class Watch {
 public:
  // The exporter, by a command, its pool as the development profile has it,
  // connecting to `url`; its connection probe runs each second and has one.
  Watch(const std::vector<std::string>& command, const std::string& url);
  ~Watch();

  int port() const { return port_; }
  std::string health() const;  // the answer of /health
  pid_t pid() const { return exporter_.pid(); }
  bool running() { return exporter_.running(); }
  std::string output() const { return exporter_.output(); }

  std::vector<Scrape> scrapes() const;
  std::optional<double> up() const;  // as the last scrape says

 private:
  void scrape(const std::stop_token& stop);

  Process exporter_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<Scrape> scrapes_;  // guarded by mutex_
  std::jthread scraper_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_WATCH_H_
