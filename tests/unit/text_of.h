// The page of one source.
#ifndef DBPOOL_TESTS_UNIT_TEXT_OF_H_
#define DBPOOL_TESTS_UNIT_TEXT_OF_H_

#include <string>

#include "exporter/http/text_page.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::test {

inline std::string text_of(const metrics::Source& source) {
  exporter::TextPage page;
  source.tell(page);
  return page.take();
}

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_UNIT_TEXT_OF_H_
