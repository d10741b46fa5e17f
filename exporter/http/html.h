// What the pages for people share.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_HTTP_HTML_H_
#define DBPOOL_EXPORTER_HTTP_HTML_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace dbpool::exporter {

// A page up to its <body>, with the style of all pages. It loads nothing, and
// the Content-Security-Policy of every response lets nothing be loaded.
std::string html_head(std::string_view title);

// `text` with what means something in HTML spelled out, and bytes that are not
// UTF-8 as \xNN.
std::string escape_html(std::string_view text);

// <td>text</td>, escaped; <td class="n"> for a number.
void append_cell(std::string& page, std::string_view text);
void append_number(std::string& page, std::uint64_t number);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_HTML_H_
