#include "tests/bench/growth/table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <functional>

namespace dbpool::bench {
namespace {

// Beyond these no noise explains it: growth over that of the value, and wait
// over what Little's law asks for.
constexpr double kMostGrowth = 1.1;
constexpr double kMostWait = 1.3;

std::string fixed(double value, int decimals) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string milliseconds(double us) {
  return fixed(us / 1e3, us < 1e3 ? 3 : us < 1e5 ? 1 : 0);
}

double wait_of_little(const Point& point) {
  const double least = point.littles_wait_us();
  return least > 0 ? point.wait_50_us / least : 0;
}

std::string row_of(const Point& point, const Point& first) {
  const double little = wait_of_little(point);
  std::string row = "|";
  for (const std::string& cell :
       {std::to_string(point.value), fixed(point.per_second, 0),
        milliseconds(point.wait_50_us), milliseconds(point.wait_99_us),
        little > 0 ? fixed(little, 2) : std::string("-"),
        fixed(point.cpu_us, 1), fixed(point.cpu_us / first.cpu_us, 2),
        fixed(point.memory_mib, 1)}) {
    row.append(" ").append(cell).append(" |");
  }
  return row + '\n';
}

using Measure = std::function<double(const Point&)>;

// The most that `cost` grows by from one step to the next, over what the value
// does: 1 is in proportion.
double steepest(const std::vector<Point>& points, const Measure& cost) {
  double most = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const Point& before = points[i - 1];
    const Point& after = points[i];
    most =
        std::max(most, cost(after) / cost(before) * before.value / after.value);
  }
  return most;
}

bool print_verdict(const Curve& curve) {
  const std::vector<Point>& points = curve.points;
  const Point& first = points.front();
  const Point& last = points.back();
  const Measure cpu = [](const Point& point) { return point.cpu_us; };
  const Measure time = [](const Point& point) { return 1 / point.per_second; };
  const Measure memory = [](const Point& point) { return point.memory_mib; };
  const double growth = std::max({steepest(points, cpu), steepest(points, time),
                                  steepest(points, memory)});
  double wait = 0;
  for (const Point& point : points) {
    wait = std::max(wait, wait_of_little(point));
  }
  const bool good = growth <= kMostGrowth && wait <= kMostWait;
  std::printf(
      "%-12s x %-6d: CPU of a request x %.2f, time for one x %.2f, %.2f KiB "
      "for each more; steepest step %.2f of the value's (<= %.1f), wait %.2f "
      "of Little's law (<= %.1f): %s\n",
      curve.dimension->unit.c_str(), last.value / first.value,
      cpu(last) / cpu(first), time(last) / time(first),
      (last.memory_mib - first.memory_mib) / (last.value - first.value) * 1024,
      growth, kMostGrowth, wait, kMostWait, good ? "kept" : "MISSED");
  return good;
}

}  // namespace

std::string markdown_of(const std::vector<Curve>& curves) {
  std::string text;
  for (const Curve& curve : curves) {
    text += "\n**" + curve.dimension->title + "**\n\n| " +
            curve.dimension->unit +
            " | requests/s | wait 50 %, ms | 99 % | 50 % : Little's | CPU of "
            "a request, µs | : first | memory, MiB |\n"
            "|---|---|---|---|---|---|---|---|\n";
    for (const Point& point : curve.points) {
      text += row_of(point, curve.points.front());
    }
  }
  return text;
}

bool print_verdicts(const std::vector<Curve>& curves) {
  bool good = true;
  for (const Curve& curve : curves) good = print_verdict(curve) && good;
  return good;
}

}  // namespace dbpool::bench
