#include "tests/bench/growth/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <sstream>

namespace dbpool::bench {
namespace {

constexpr int kPanelWidth = 232;
constexpr int kPanelHeight = 150;
constexpr int kRowTitle = 28;  // above each row
constexpr int kMargin = 12;

struct Line {
  const char* style;
  double (*of)(const Point&);
};

struct Measure {
  const char* title;
  std::vector<Line> lines;
};

const std::vector<Measure>& measures() {
  // What is below a microsecond is drawn as one: a logarithm has no zero.
  static const std::vector<Measure> all = {
      {"requests a second",
       {{"one", [](const Point& point) { return point.per_second; }}}},
      {"wait, ms",
       {{"one",
         [](const Point& point) {
           return std::max(point.wait_50_us, 1.) / 1e3;
         }},
        {"two",
         [](const Point& point) {
           return std::max(point.wait_99_us, 1.) / 1e3;
         }}}},
      {"CPU of a request, µs",
       {{"one", [](const Point& point) { return point.cpu_us; }}}},
      {"memory, MiB",
       {{"one", [](const Point& point) { return point.memory_mib; }}}}};
  return all;
}

// A logarithmic axis of whole decades.
struct Axis {
  int first = 0;  // the exponent of its least value
  int last = 1;
  double from = 0;  // where those two are drawn
  double to = 0;

  void include(double value) {
    first = std::min(first, static_cast<int>(std::floor(std::log10(value))));
    last = std::max(last, static_cast<int>(std::ceil(std::log10(value))));
  }
  double place(double value) const {
    return from + (std::log10(value) - first) / (last - first) * (to - from);
  }
};

Axis axis_through(double value) {
  Axis axis;
  axis.first = static_cast<int>(std::floor(std::log10(value)));
  axis.last = axis.first + 1;
  return axis;
}

std::string decade(int exponent) {
  static constexpr std::array<const char*, 10> kTexts = {
      "0.001", "0.01", "0.1", "1", "10", "100", "1k", "10k", "100k", "1M"};
  const auto index = static_cast<std::size_t>(std::clamp(exponent + 3, 0, 9));
  return kTexts[index];
}

class Picture {
 public:
  void text(double x, double y, const char* anchor, const std::string& words,
            const char* style = "label") {
    out_ << "<text class=\"" << style << "\" x=\"" << x << "\" y=\"" << y
         << "\" text-anchor=\"" << anchor << "\">" << words << "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2) {
    out_ << "<path class=\"grid\" d=\"M" << x1 << ' ' << y1 << 'L' << x2 << ' '
         << y2 << "\"/>\n";
  }
  void curve(const Line& line, const std::vector<Point>& points,
             const Axis& across, const Axis& up) {
    out_ << "<path class=\"" << line.style << "\" d=\"";
    for (const Point& point : points) {
      out_ << (&point == &points.front() ? 'M' : 'L')
           << across.place(point.value) << ' ' << up.place(line.of(point));
    }
    out_ << "\"/>\n";
    for (const Point& point : points) {
      out_ << "<circle class=\"" << line.style << "\" r=\"2\" cx=\""
           << across.place(point.value) << "\" cy=\""
           << up.place(line.of(point)) << "\"/>\n";
    }
  }
  void panel(const Measure& measure, const Curve& curve_of, Axis across,
             Axis up, double left, double top);

  std::string finish(double width, double height) const {
    std::ostringstream svg;
    svg << "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\""
        << "0 0 " << width << ' ' << height << "\" width=\"" << width
        << "\">\n<title>How cost grows</title>\n<style>\n"
        << "text{font:11px sans-serif;fill:#1f2328}"
        << ".head{font-weight:bold;font-size:12px}"
        << ".page{fill:#fff}.grid{stroke:#d0d7de;fill:none}"
        << "path.one,path.two{fill:none;stroke-width:1.5}"
        << "path.one{stroke:#0969da}circle.one,text.one{fill:#0969da}"
        << "path.two{stroke:#bc4c00}circle.two,text.two{fill:#bc4c00}\n"
        << "@media(prefers-color-scheme:dark){text{fill:#e6edf3}"
        << ".page{fill:#0d1117}.grid{stroke:#30363d}"
        << "path.one{stroke:#58a6ff}circle.one,text.one{fill:#58a6ff}"
        << "path.two{stroke:#f0883e}circle.two,text.two{fill:#f0883e}}\n"
        << "</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n"
        << out_.str() << "</svg>\n";
    return svg.str();
  }

 private:
  std::ostringstream out_;
};

void Picture::panel(const Measure& measure, const Curve& curve_of, Axis across,
                    Axis up, double left, double top) {
  const double x1 = left + 38;
  const double x2 = left + kPanelWidth - 14;
  const double y1 = top + kPanelHeight - 40;
  const double y2 = top + 20;
  across.from = x1;
  across.to = x2;
  up.from = y1;
  up.to = y2;
  text(x1, top + 11, "start", measure.title);
  if (measure.lines.size() > 1) {
    text(x2 - 34, top + 11, "end", "50 %", "one");
    text(x2, top + 11, "end", "99 %", "two");
  }
  for (int i = up.first; i <= up.last; ++i) {
    const double y = up.place(std::pow(10, i));
    line(x1, y, x2, y);
    text(x1 - 4, y + 4, "end", decade(i));
  }
  for (int i = across.first; i <= across.last; ++i) {
    const double x = across.place(std::pow(10, i));
    line(x, y1, x, y2);
    text(x, y1 + 13, "middle", decade(i));
  }
  text((x1 + x2) / 2, y1 + 27, "middle", curve_of.dimension->unit);
  for (const Line& one : measure.lines) {
    curve(one, curve_of.points, across, up);
  }
}

Axis shared_axis(const Measure& measure, const std::vector<Curve>& curves) {
  Axis axis =
      axis_through(measure.lines.front().of(curves.front().points.front()));
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      for (const Line& line : measure.lines) axis.include(line.of(point));
    }
  }
  return axis;
}

}  // namespace

std::string svg_of(const std::vector<Curve>& curves) {
  Picture picture;
  double top = kMargin;
  for (const Curve& curve : curves) {
    Axis across = axis_through(curve.points.front().value);
    for (const Point& point : curve.points) across.include(point.value);
    picture.text(kMargin, top + 14, "start", curve.dimension->title, "head");
    double left = kMargin;
    for (const Measure& measure : measures()) {
      picture.panel(measure, curve, across, shared_axis(measure, curves), left,
                    top + kRowTitle);
      left += kPanelWidth;
    }
    top += kRowTitle + kPanelHeight;
  }
  return picture.finish(
      2 * kMargin + kPanelWidth * static_cast<double>(measures().size()),
      top + kMargin);
}

}  // namespace dbpool::bench
