#include "exporter/settings/variable_expander.h"

#include <algorithm>

#include "exporter/base/ascii.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/yaml_mapping.h"

namespace dbpool::exporter {

namespace {

// All values together, variables put in.
constexpr std::size_t kMostExpanded = 1024UL * 1024;
constexpr std::size_t kShownName = 60;

}  // namespace

std::string VariableExpander::expand(const std::string& text, int line,
                                     const std::string& name) {
  return expand(text, line, name, Shown::kYes);
}

std::string VariableExpander::expand_secret(const std::string& text, int line,
                                            const std::string& name) {
  return expand(text, line, name, Shown::kNo);
}

std::string VariableExpander::expand(const std::string& text, int line,
                                     const std::string& name, Shown shown) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      result += "${";
      at += 3;
    } else if (text.compare(at, 2, "${") != 0) {
      result += text[at++];
    } else {
      const std::size_t from = at + 2;
      at = from;
      while (at < text.size() && is_name_char(text[at])) ++at;
      if (at == from || at == text.size() || text[at] != '}') {
        refuse_yaml(line, name + ": expected ${NAME}, or $${ for a plain ${");
      }
      result += value_of(text.substr(from, at++ - from), line, name, shown);
    }
    if (size_ + result.size() > kMostExpanded) {
      refuse_yaml(line, name +
                            ": the values grow too long; expected at most "
                            "1 MiB together");
    }
  }
  size_ += result.size();
  return std::string(trim(result));
}

std::string VariableExpander::value_of(const std::string& variable, int line,
                                       const std::string& name, Shown shown) {
  const auto found = environment_.find(variable);
  if (found == environment_.end()) {
    refuse_yaml(line, name + ": ${" +
                          (shown == Shown::kYes ? variable.substr(0, kShownName)
                                                : "…") +
                          "} is not set; expected a variable of the "
                          "environment");
  }
  if (std::ranges::find(used_, variable) == used_.end()) {
    used_.push_back(variable);
  }
  return found->second;
}

}  // namespace dbpool::exporter
