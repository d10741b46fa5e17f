#include "exporter/settings/yaml_mapping.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <sstream>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/ascii.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/nearest.h"
#include "exporter/settings/parsers.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kShownKey = 60;

// Of a user's key; one like "$2y$…" may be a hash that stands in its place.
std::string shown(std::string_view key) {
  if (key.starts_with('$')) return "\"$…\"";
  const std::string safe = to_utf8(key);
  return in_quotes(redact(to_utf8(utf8_prefix(safe, kShownKey))));
}

// In front of what is wrong below it.
std::string heading(std::string_view key) {
  const bool is_plain =
      key.size() <= kShownKey && std::ranges::all_of(key, [](char c) {
        return is_name_char(c) || c == '-' || c == '.';
      });
  return is_plain ? std::string(key) : shown(key);
}

// What stands in the place of something else; its text may be a secret.
std::string given_instead(const YAML::Node& node) {
  std::string_view kind = "a text";
  if (node.IsSequence()) kind = "a list";
  if (node.IsMap()) kind = "a mapping";
  if (node.IsNull()) kind = "nothing";
  return std::string(kind) + " was given; ";
}

constexpr int kDeepest = 32;

// Looks at a text before anything is kept of it: yaml-cpp takes some (a comma
// alone) for documents without end.
class FirstLook final : public YAML::EventHandler {
 public:
  int documents() const { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) refuse_yaml(mark.line + 1, "expected one document");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark& mark, const std::string&,
                       YAML::anchor_t, YAML::EmitterStyle::value) override {
    deeper(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    deeper(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void deeper(const YAML::Mark& mark) {
    if (++depth_ > kDeepest) {
      refuse_yaml(mark.line + 1, "nested too deep; expected at most " +
                                     std::to_string(kDeepest) + " levels");
    }
  }

  int documents_ = 0;
  int depth_ = 0;
};

int line_of_odd_byte(std::string_view text) {
  int line = 1;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) break;
    if (text.front() == '\n') ++line;
    text.remove_prefix(length);
  }
  return line;
}

YAML::Node root_of(const std::string& text) {
  if (text.size() > kLargestYaml) {
    refuse_yaml(0,
                "is larger than 64 KiB; expected settings alone, and "
                "certificates in files of their own");
  }
  if (!is_utf8(text)) refuse_yaml(line_of_odd_byte(text), "is not UTF-8");
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  FirstLook look;
  while (parser.HandleNextDocument(look)) {
  }
  return look.documents() == 0 ? YAML::Node() : YAML::Load(text);
}

void add_paths(const YAML::Node& node, const std::string& path, int levels,
               std::set<std::string, std::less<>>& paths) {
  if (node.IsNull()) return;
  paths.insert(path);
  if (levels == 0 || !node.IsMap()) return;
  for (const auto& entry : node) {
    add_paths(entry.second, path + "." + entry.first.Scalar(), levels - 1,
              paths);
  }
}

tl::unexpected<std::string> mistake(const std::string& path, int line,
                                    const std::string& text) {
  return tl::make_unexpected(
      path + (line > 0 ? ":" + std::to_string(line) : "") + ": " + text);
}

}  // namespace

tl::expected<void, std::string> read_yaml(
    const std::string& text, const std::string& path,
    const std::function<void(const YAML::Node&)>& take) {
  try {
    take(root_of(text));
    return {};
  } catch (const YamlMistake& found) {
    return mistake(path, found.line, found.text);
  } catch (const YAML::Exception& error) {
    // What follows a colon may be a piece of the file.
    const std::string why = error.msg.substr(0, error.msg.find(':'));
    // What is missing at the end is missed behind the last line break.
    const auto breaks = std::count(text.begin(), text.end(), '\n');
    const int lines = static_cast<int>(breaks) + (text.ends_with('\n') ? 0 : 1);
    return mistake(path, std::min(error.mark.line + 1, lines),
                   "no YAML: " + why);
  }
}

void refuse_yaml(int line, std::string text) {
  throw YamlMistake{line, std::move(text)};
}

int yaml_line(const YAML::Node& node) { return node.Mark().line + 1; }

YamlMapping::YamlMapping(const YAML::Node& node, std::string_view name,
                         const std::vector<std::string>& known)
    : prefix_(name.empty() ? "" : std::string(name) + ": ") {
  if (!node.IsDefined() || node.IsNull()) return;
  if (!node.IsMap()) {
    refuse_yaml(yaml_line(node),
                prefix_ + given_instead(node) + "expected a mapping of keys");
  }
  for (const auto& entry : node) {
    check_key(entry.first, known);
    entries_.emplace_back(entry.first.Scalar(), entry.second);
  }
}

void YamlMapping::check_key(const YAML::Node& key,
                            const std::vector<std::string>& known) const {
  const int line = yaml_line(key);
  if (!key.IsScalar()) refuse_yaml(line, prefix_ + "expected a name for a key");
  const std::string& name = key.Scalar();
  if (find(name) != nullptr) {
    refuse_yaml(line, prefix_ + shown(name) + " is given twice; expected once");
  }
  if (known.empty() || std::ranges::find(known, name) != known.end()) return;
  refuse_yaml(line,
              prefix_ + "unknown key " + shown(name) + "; " +
                  nearest_or(name, known, "expected one of " + joined(known)));
}

const YAML::Node* YamlMapping::find(std::string_view key) const {
  const auto found = std::ranges::find(
      entries_, key,
      [](const auto& entry) -> std::string_view { return entry.first; });
  return found == entries_.end() ? nullptr : &found->second;
}

bool YamlMapping::has(std::string_view key) const {
  const YAML::Node* node = find(key);
  return node != nullptr && !node->IsNull();
}

int YamlMapping::line(std::string_view key) const {
  return has(key) ? yaml_line(*find(key)) : 0;
}

std::string YamlMapping::text(std::string_view key) const {
  if (!has(key)) return "";
  const YAML::Node& node = *find(key);
  if (!node.IsScalar()) {
    refuse_yaml(yaml_line(node), prefix_ + heading(key) + ": " +
                                     given_instead(node) + "expected a text");
  }
  return node.Scalar();
}

bool YamlMapping::boolean(std::string_view key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const YAML::Node& node = *find(key);
  bool value = false;
  // A quoted "true" is a text.
  if (!node.IsScalar() || node.Tag() == "!" ||
      !YAML::convert<bool>::decode(node, value)) {
    refuse_yaml(yaml_line(node), prefix_ + heading(key) + ": " +
                                     given_instead(node) +
                                     "expected true or false");
  }
  return value;
}

std::vector<std::string> YamlMapping::texts(std::string_view key) const {
  std::vector<std::string> all;
  std::size_t bytes = 0;
  if (!has(key)) return all;
  const YAML::Node& node = *find(key);
  const auto refuse = [&](const YAML::Node& other, const char* where) {
    refuse_yaml(yaml_line(other), prefix_ + heading(key) + where + ": " +
                                      given_instead(other) +
                                      "expected a list of texts");
  };
  if (!node.IsSequence()) refuse(node, "");
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) refuse(item, ": in the list");
    all.push_back(item.Scalar());
    bytes += item.Scalar().size() + 1;
    if (bytes > kLargestYaml) {
      refuse_yaml(yaml_line(item),
                  prefix_ + heading(key) + ": expected at most 64 KiB of text");
    }
  }
  return all;
}

YamlMapping YamlMapping::mapping(std::string_view key,
                                 const std::vector<std::string>& known) const {
  const YAML::Node* node = find(key);
  return {node == nullptr ? YAML::Node() : *node, prefix_ + heading(key),
          known};
}

std::vector<std::string> YamlMapping::keys() const {
  std::vector<std::string> all;
  all.reserve(entries_.size());
  for (const auto& [key, node] : entries_) all.push_back(key);
  return all;
}

std::set<std::string, std::less<>> YamlMapping::paths() const {
  std::set<std::string, std::less<>> all;
  for (const auto& [key, node] : entries_) add_paths(node, key, 2, all);
  return all;
}

}  // namespace dbpool::exporter
