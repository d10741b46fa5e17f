// ExhaustionReport as HTML; nothing that others name becomes markup.
#ifndef DBPOOL_EXPORTER_HTTP_REPORT_PAGE_H_
#define DBPOOL_EXPORTER_HTTP_REPORT_PAGE_H_

#include <string>

#include "exporter/diagnosis/exhaustion_report.h"

namespace dbpool::exporter {

std::string report_page(const ExhaustionReport& report);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_REPORT_PAGE_H_
