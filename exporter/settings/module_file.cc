#include "exporter/settings/module_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "exporter/settings/parsers.h"
#include "exporter/settings/refused_value.h"

namespace dbpool::exporter {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t kMostConnections = 100;
// Each has a thread, a few descriptors and a connection.
constexpr std::uint32_t kMostTargets = 10'000;
constexpr std::size_t kMostEntries = 1000;  // of an allow-list

constexpr std::array<std::string_view, 7> kPoolKeys = {
    "max_uses",    "max_lifetime_ms",         "statement_timeout_ms", "ssl",
    "log_queries", "ssl_reject_unauthorized", "log_connections"};

// One module's keys.
class Reader {
 public:
  Reader(const YamlMapping& at, std::string where, const ExpandText& expand)
      : at_(at), where_(std::move(where)), expand_(expand) {}

  ModuleOptions read();

 private:
  std::string text(const std::string& key) const {
    return expand_(at_.text(key), at_.line(key), where_ + key);
  }
  struct Text {
    std::string value;
    std::string given;  // as it stands in the file: a variable may be a secret
  };
  std::vector<Text> texts(const YamlMapping& at, const std::string& key,
                          const std::string& prefix) const;
  [[noreturn]] static void refuse(const YamlMapping& at, const std::string& key,
                                  const std::string& prefix,
                                  const std::string& given,
                                  const std::string& expected) {
    refuse_yaml(at.line(key), refused_value(prefix + key, given, expected));
  }
  template <typename Number>
  void take_number(const std::string& key, Number most, Number& out) const {
    if (!at_.has(key)) return;
    refuse_if(key, parse_number(text(key), 1, most, out));
  }
  void take_time(const std::string& key, Duration shortest, Duration longest,
                 Duration& out) const {
    if (!at_.has(key)) return;
    refuse_if(key, parse_duration(text(key), shortest, longest, out));
  }
  void refuse_if(const std::string& key, const Refusal& refusal) const {
    if (!refusal) return;
    refuse(at_, key, where_, at_.text(key), *refusal);
  }
  void take_targets(AllowList& allowed) const;
  void take_hosts(const YamlMapping& targets, AllowList& allowed) const;
  void take_networks(const YamlMapping& targets, AllowList& allowed) const;
  void take_ports(const YamlMapping& targets, AllowList& allowed) const;
  void take_probes(ModuleOptions& options) const;
  void check_role() const;
  void check_custom_probes() const;

  const YamlMapping& at_;
  const std::string where_;  // ends with ": "
  const ExpandText& expand_;
};

ModuleOptions Reader::read() {
  ModuleOptions options;
  check_role();
  take_targets(options.allowed);
  take_number("max_connections", kMostConnections, options.max_connections);
  take_time("keep", seconds(1), hours(24), options.keep);
  take_number("max_targets", kMostTargets, options.max_targets);
  take_time("timeout", milliseconds(100), minutes(5), options.timeout);
  take_probes(options);
  check_custom_probes();
  return options;
}

std::vector<Reader::Text> Reader::texts(const YamlMapping& at,
                                        const std::string& key,
                                        const std::string& prefix) const {
  std::vector<Text> all;
  for (const std::string& given : at.texts(key)) {
    all.push_back({expand_(given, at.line(key), prefix + key), given});
  }
  if (all.size() > kMostEntries) {
    refuse_yaml(at.line(key), prefix + key + ": " + std::to_string(all.size()) +
                                  " were given; expected at most " +
                                  std::to_string(kMostEntries));
  }
  return all;
}

// libpq would take the name of whoever runs the program.
void Reader::check_role() const {
  if (at_.has("user")) return;
  refuse_yaml(std::max(at_.line("database"), at_.line("targets")),
              where_ + "no user; expected the role that asks the targets");
}

// A file without it would make an open relay, or a module of no use.
void Reader::take_targets(AllowList& allowed) const {
  const YamlMapping targets = at_.mapping(
      "targets",
      {"hosts", "networks", "ports", "allow_loopback", "allow_link_local"});
  take_networks(targets, allowed);
  take_hosts(targets, allowed);
  take_ports(targets, allowed);
  allowed.allow_loopback = targets.boolean("allow_loopback", false);
  allowed.allow_link_local = targets.boolean("allow_link_local", false);
  if (!allowed.hosts.empty() || !allowed.networks.empty()) return;
  refuse_yaml(
      at_.line("targets"),
      where_ + "targets: none is allowed; expected hosts, networks or both");
}

void Reader::take_hosts(const YamlMapping& targets, AllowList& allowed) const {
  const std::string prefix = where_ + "targets: ";
  for (const auto& [text, given] : texts(targets, "hosts", prefix)) {
    const bool is_below = text.starts_with("*.");
    const std::string_view all = text;
    const auto name = parse_host_name(all.substr(is_below ? 2 : 0));
    if (text == "*" && !allowed.networks.empty()) {
      allowed.hosts.push_back(text);
    } else if (name) {
      allowed.hosts.push_back((is_below ? "*." : "") + *name);
    } else {
      refuse(targets, "hosts", prefix, given,
             "DNS names, \"*.NAME\" for all below one, or \"*\" where networks "
             "are given; addresses belong in networks");
    }
  }
}

void Reader::take_networks(const YamlMapping& targets,
                           AllowList& allowed) const {
  const std::string prefix = where_ + "targets: ";
  for (const auto& [text, given] : texts(targets, "networks", prefix)) {
    const auto network = Network::parse(text);
    if (!network) {
      refuse(
          targets, "networks", prefix, given,
          "addresses with a prefix, such as 10.0.0.0/8 or \"fd00::/8\", no bit "
          "set behind it");
    }
    allowed.networks.push_back(*network);
  }
}

void Reader::take_ports(const YamlMapping& targets, AllowList& allowed) const {
  const std::string prefix = where_ + "targets: ";
  for (const auto& [text, given] : texts(targets, "ports", prefix)) {
    const auto range = PortRange::parse(text);
    if (!range) {
      refuse(
          targets, "ports", prefix, given,
          "ports from 1 to 65535 or ranges of them, such as 5432 or 6432-6440");
    }
    allowed.ports.push_back(*range);
  }
}

void Reader::take_probes(ModuleOptions& options) const {
  if (!at_.has("probes")) return;
  options.connect = options.select_1 = options.server = false;
  for (const auto& [name, given] : texts(at_, "probes", where_)) {
    bool* probe = nullptr;
    const Refusal refusal = parse_word<bool*>(name,
                                              {{"connect", &options.connect},
                                               {"select_1", &options.select_1},
                                               {"server", &options.server}},
                                              probe);
    if (refusal) refuse(at_, "probes", where_, given, *refusal);
    *probe = true;
  }
  if (options.connect || options.select_1) return;
  refuse_yaml(at_.line("probes"),
              where_ + "probes: " + (options.server ? "server alone" : "none") +
                  " was given; expected connect or select_1 among them, which "
                  "tell whether the target is up");
}

void Reader::check_custom_probes() const {
  const YamlMapping probes = at_.mapping("custom_probes", {});
  for (const std::string& name : probes.keys()) {
    const YamlMapping probe = probes.mapping(name, {});
    if (!probe.has("interval")) continue;
    refuse(probe, "interval", where_ + "custom_probes: " + name + ": ",
           probe.text("interval"),
           "none, since a module's probes run when /probe is asked");
  }
}

}  // namespace

bool is_of_module(const Definition& definition) {
  return definition.is_of_pool() &&
         std::ranges::find(kPoolKeys, definition.file_key()) != kPoolKeys.end();
}

std::vector<std::string> module_keys() {
  std::vector<std::string> keys(kPoolKeys.begin(), kPoolKeys.end());
  keys.insert(keys.end(), {"targets", "max_connections", "keep", "max_targets",
                           "timeout", "probes"});
  return keys;
}

ModuleOptions read_module_options(const YamlMapping& at,
                                  const std::string& where,
                                  const ExpandText& expand) {
  return Reader(at, where, expand).read();
}

}  // namespace dbpool::exporter
