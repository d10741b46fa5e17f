// Story: what happened in one /probe, step by step, for `debug=true`.
#ifndef DBPOOL_EXPORTER_TARGETS_STORY_H_
#define DBPOOL_EXPORTER_TARGETS_STORY_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/options.h"

namespace dbpool::exporter {

// Thread-safety: none.
class Story {
 public:
  // One line, at this time. What may be a secret must be masked already.
  void add(std::string_view line);

  Duration so_far() const { return Clock::now() - began_; }
  // A line for each, with its time; "# " before each, so that the page is
  // still one of metrics.
  std::string text() const;

 private:
  const TimePoint began_ = Clock::now();
  std::vector<std::pair<Duration, std::string>> lines_;
};

// "12.3 ms".
std::string milliseconds_text(Duration duration);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_STORY_H_
