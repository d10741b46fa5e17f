#include "exporter/http/html.h"

#include "exporter/base/utf8.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kBeforeTitle =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>";
constexpr std::string_view kAfterTitle =
    "</title>\n"
    "<style>\n"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;"
    "padding:0 1rem;color:#1b1f24;background:#fff}\n"
    "body.wide{max-width:none}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.3rem .8rem .3rem 0;"
    "border-bottom:1px solid #d0d7de;vertical-align:top}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "code{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.9em}\n"
    "p,li,h1,h2,h3{overflow-wrap:anywhere}\n"
    "div.scroll{overflow-x:auto}\n"
    "td code{display:block;min-width:16rem}\n"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}"
    "a{color:#79b8ff}th,td{border-color:#30363d}}\n"
    "</style>\n"
    "</head>\n";

// Of control characters blanks alone as they are: a terminal obeys others.
void append_visible(std::string& text, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  const bool is_control =
      (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
  if (is_control) {
    text += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
  } else {
    text += c;
  }
}

}  // namespace

std::string html_head(std::string_view title) {
  std::string page(kBeforeTitle);
  page.append(escape_html(title)).append(kAfterTitle);
  return page;
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : to_utf8(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        append_visible(result, c);
    }
  }
  return result;
}

void append_cell(std::string& page, std::string_view text) {
  page.append("<td>").append(escape_html(text)).append("</td>");
}

void append_number(std::string& page, std::uint64_t number) {
  page.append("<td class=\"n\">")
      .append(std::to_string(number))
      .append("</td>");
}

}  // namespace dbpool::exporter
