#include "tests/faults/watch.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <regex>
#include <stdexcept>

#include "tests/support/http_client.h"

namespace dbpool::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

ChildOptions exporter_options(const std::vector<std::string>& command,
                              const std::string& url) {
  ChildOptions options;
  options.program = command.front();
  options.args.assign(command.begin() + 1, command.end());
  for (const char* flag :
       {"--web.listen-address=127.0.0.1:0", "--probe.connect.interval=1s",
        "--probe.connect.timeout=1s"}) {
    options.args.emplace_back(flag);
  }
  options.env = {{"DATABASE_URL", url}, {"DB_LOG_QUERIES", "false"}};
  return options;
}

int port_of(Process& exporter) {
  const std::string wanted = "listening.*127\\.0\\.0\\.1:([0-9]+)";
  const auto line = exporter.wait_for_line(wanted, seconds(60));
  std::smatch match;
  if (!line || !std::regex_search(*line, match, std::regex(wanted))) {
    throw std::runtime_error("the exporter does not listen:\n" +
                             exporter.output());
  }
  return std::stoi(match[1]);
}

std::optional<double> value_of(const std::string& page,
                               const std::string& name) {
  const std::string start = "\n" + name + "{pool=\"default\"} ";
  const std::size_t at = page.find(start);
  if (at == page.npos) return std::nullopt;
  return std::strtod(page.c_str() + at + start.size(), nullptr);
}

// How long the slower of the two took.
Scrape scrape_once(int port) {
  Scrape scrape;
  scrape.at = Clock::now();
  try {
    const HttpResponse page = http_get(port, "/metrics");
    scrape.took = Clock::now() - scrape.at;
    const TimePoint second = Clock::now();
    const HttpResponse healthy = http_get(port, "/-/healthy");
    scrape.took = std::max<Duration>(scrape.took, Clock::now() - second);
    scrape.answered = page.status == 200 && healthy.status == 200;
    scrape.up = value_of(page.body, "dbpool_up");
    scrape.exhausted =
        value_of(page.body, "dbpool_exhausted_seconds_total").value_or(0);
  } catch (const std::exception&) {
    scrape.took = Clock::now() - scrape.at;
  }
  return scrape;
}

}  // namespace

Watch::Watch(const std::vector<std::string>& command, const std::string& url)
    : exporter_(exporter_options(command, url)), port_(port_of(exporter_)) {
  scraper_ =
      std::jthread([this](const std::stop_token& stop) { scrape(stop); });
}

Watch::~Watch() = default;

std::string Watch::health() const { return http_get(port_, "/health").body; }

void Watch::scrape(const std::stop_token& stop) {
  TimePoint due = Clock::now();
  while (!stop.stop_requested()) {
    const Scrape scrape = scrape_once(port_);
    {
      const std::lock_guard lock(mutex_);
      scrapes_.push_back(scrape);
    }
    due = std::max(due + milliseconds(200), Clock::now());
    std::this_thread::sleep_until(due);
  }
}

std::vector<Scrape> Watch::scrapes() const {
  const std::lock_guard lock(mutex_);
  return scrapes_;
}

std::optional<double> Watch::up() const {
  const std::lock_guard lock(mutex_);
  return scrapes_.empty() ? std::nullopt : scrapes_.back().up;
}

}  // namespace dbpool::test
