#include "exporter/probes/probe_rows.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>
#include <utility>

#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

using Refusal = tl::unexpected<std::string>;

// pg_type's: true counts as 1.
constexpr std::uint32_t kBoolOid = 16;

std::string shown(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

std::string shown(std::uint64_t number) { return std::to_string(number); }

template <typename T>
std::string shown(const Bounds<T>& bounds) {
  std::string text;
  if (bounds.min) text += "at least " + shown(*bounds.min);
  if (bounds.min && bounds.max) text += " and ";
  if (bounds.max) text += "at most " + shown(*bounds.max);
  return text;
}

std::string column_words(std::string_view column) {
  return "column " + to_utf8(in_quotes(column));
}

class Reader {
 public:
  Reader(const CustomProbeOptions& options, const Rows& rows)
      : options_(options), rows_(rows) {}

  tl::expected<std::vector<ProbeValue>, std::string> read();

 private:
  tl::expected<void, std::string> check_count() const;
  tl::expected<void, std::string> check_expected() const;
  tl::expected<std::size_t, std::string> column(const std::string& name) const;
  tl::expected<void, std::string> read_columns();
  tl::expected<void, std::string> read_row(std::size_t row);
  tl::expected<std::optional<double>, std::string> number(
      std::size_t row, std::size_t column) const;
  std::vector<std::string> labels_of(std::size_t row) const;

  const CustomProbeOptions& options_;
  const Rows& rows_;
  std::vector<std::size_t> labels_, columns_;  // columns_ as options_.values
  std::set<std::vector<std::string>> seen_;
  std::vector<ProbeValue> values_;
};

tl::expected<std::vector<ProbeValue>, std::string> Reader::read() {
  if (auto good = check_count(); !good) return Refusal(good.error());
  if (auto good = check_expected(); !good) return Refusal(good.error());
  if (options_.values.empty()) return values_;
  if (auto good = read_columns(); !good) return Refusal(good.error());
  const std::size_t most = rows_.size() * options_.values.size();
  if (most > kMostProbeValues) {
    return Refusal(std::to_string(most) + " values; expected at most " +
                   std::to_string(kMostProbeValues));
  }
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (auto good = read_row(row); !good) return Refusal(good.error());
  }
  return std::move(values_);
}

tl::expected<void, std::string> Reader::check_count() const {
  if (options_.rows.hold(rows_.size())) return {};
  return Refusal(std::to_string(rows_.size()) + " rows; expected " +
                 shown(options_.rows));
}

tl::expected<void, std::string> Reader::check_expected() const {
  if (!options_.expect.empty() && rows_.empty()) {
    return Refusal("no row; expected one");
  }
  for (const auto& [name, text] : options_.expect) {
    const auto at = column(name);
    if (!at) return Refusal(at.error());
    if (!rows_.is_null(0, *at) && rows_.raw(0, *at) == text) continue;
    return Refusal(column_words(name) +
                   " of the first row is not what is "
                   "expected");
  }
  return {};
}

tl::expected<std::size_t, std::string> Reader::column(
    const std::string& name) const {
  const auto at = rows_.column(name);
  if (!at) return Refusal("no " + column_words(name) + " in the result");
  return *at;
}

tl::expected<void, std::string> Reader::read_columns() {
  for (const std::string& label : options_.labels) {
    const auto at = column(label);
    if (!at) return Refusal(at.error());
    labels_.push_back(*at);
  }
  for (const auto& [name, bounds] : options_.values) {
    const auto at = column(name);
    if (!at) return Refusal(at.error());
    columns_.push_back(*at);
  }
  return {};
}

tl::expected<void, std::string> Reader::read_row(std::size_t row) {
  const std::vector<std::string> labels = labels_of(row);
  if (!seen_.insert(labels).second) {
    return Refusal("row " + std::to_string(row + 1) +
                   " has the labels of one before it; expected labels that "
                   "tell the rows apart");
  }
  std::size_t place = 0;
  for (const auto& [name, bounds] : options_.values) {
    const auto value = number(row, columns_[place++]);
    if (!value) return Refusal(value.error());
    const std::string where =
        column_words(name) + " of row " + std::to_string(row + 1) + " is ";
    if (!*value) {
      if (!bounds.any()) continue;
      return Refusal(where + "NULL; expected " + shown(bounds));
    }
    if (!bounds.hold(**value)) {
      return Refusal(where + shown(**value) + "; expected " + shown(bounds));
    }
    values_.push_back({name, labels, **value});
  }
  return {};
}

tl::expected<std::optional<double>, std::string> Reader::number(
    std::size_t row, std::size_t column) const {
  if (rows_.type_oid(column) == kBoolOid) {
    const auto value = rows_.get<std::optional<bool>>(row, column);
    if (!value) return Refusal(value.error().message);
    if (!*value) return std::nullopt;
    return **value ? 1.0 : 0.0;
  }
  const auto value = rows_.get<std::optional<double>>(row, column);
  if (!value) return Refusal(value.error().message);
  return *value;
}

std::vector<std::string> Reader::labels_of(std::size_t row) const {
  std::vector<std::string> labels;
  for (const std::size_t column : labels_) {
    // Spelling out what is no UTF-8 makes it longer.
    const std::string text = to_utf8(rows_.raw(row, column));
    labels.emplace_back(utf8_prefix(text, kLongestProbeLabel));
  }
  return labels;
}

}  // namespace

tl::expected<std::vector<ProbeValue>, std::string> read_probe_rows(
    const CustomProbeOptions& options, const Rows& rows) {
  return Reader(options, rows).read();
}

}  // namespace dbpool::exporter
