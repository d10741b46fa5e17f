#include "exporter/settings/nearest.h"

#include <algorithm>
#include <cstddef>

namespace dbpool::exporter {

namespace {

constexpr std::size_t kCharactersForAChange = 4;

// Optimal string alignment.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view name,
                                   const std::vector<std::string>& known) {
  std::optional<std::string> best;
  std::size_t least =
      std::max<std::size_t>(name.size() / kCharactersForAChange, 1);
  for (const std::string& candidate : known) {
    const std::size_t changes = distance(name, candidate);
    if (changes > least || (best && changes == least)) continue;
    least = changes;
    best = candidate;
  }
  return best;
}

std::string nearest_or(std::string_view name,
                       const std::vector<std::string>& known,
                       std::string_view otherwise) {
  const auto found = nearest(name, known);
  return found ? "the nearest known one is " + *found : std::string(otherwise);
}

}  // namespace dbpool::exporter
