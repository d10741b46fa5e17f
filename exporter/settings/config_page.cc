#include "exporter/settings/config_page.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "dbpool/connect.h"
#include "exporter/base/utf8.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/secret_files.h"

namespace dbpool::exporter {

namespace {

constexpr const char* kSecret = "<secret>";
constexpr const char* kInFile = "configuration";

// One mapping of settings, whose keys have a mapping for each dot.
class Groups {
 public:
  explicit Groups(YAML::Emitter& out) : out_(out) {}

  // Those of one mapping must follow each other.
  void add(std::string_view file_key, const EffectiveSetting& setting) {
    key(file_key);
    if (setting.list.empty()) {
      out_ << setting.value;
    } else {
      out_ << YAML::Flow << setting.list;
    }
    out_ << YAML::Comment(setting.source);
  }
  void add(std::string_view file_key, const std::string& value,
           const std::string& source) {
    key(file_key);
    out_ << value << YAML::Comment(source);
  }
  void add_list(std::string_view file_key,
                const std::vector<std::string>& values,
                const std::string& source) {
    key(file_key);
    out_ << YAML::Flow << values << YAML::Comment(source);
  }
  void close() { close_to(0); }

 private:
  void key(std::string_view file_key) {
    std::vector<std::string> names;
    for (std::size_t dot = file_key.find('.'); dot != std::string_view::npos;
         dot = file_key.find('.')) {
      names.emplace_back(file_key.substr(0, dot));
      file_key.remove_prefix(dot + 1);
    }
    const auto common = std::ranges::mismatch(names, open_).in1;
    close_to(static_cast<std::size_t>(common - names.begin()));
    for (auto name = common; name != names.end(); ++name) {
      out_ << YAML::Key << *name << YAML::Value << YAML::BeginMap;
      open_.push_back(*name);
    }
    out_ << YAML::Key << std::string(file_key) << YAML::Value;
  }
  void close_to(std::size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) out_ << YAML::EndMap;
  }

  YAML::Emitter& out_;
  std::vector<std::string> open_;
};

void add_table(const std::vector<EffectiveSetting>& effective, Groups& groups) {
  for (const Definition& definition : definitions()) {
    for (const EffectiveSetting& setting : effective) {
      if (setting.name != definition.key()) continue;
      groups.add(definition.file_key(), setting);
    }
  }
}

// Null: it is not in force.
const EffectiveSetting* find(const std::vector<EffectiveSetting>& effective,
                             std::string_view name) {
  const auto found =
      std::ranges::find(effective, name, &EffectiveSetting::name);
  return found == effective.end() ? nullptr : &*found;
}

// Of what only the configuration file can give.
std::string source_of(const PoolSettings& pool, const std::string& key) {
  return pool.keys_in_file.contains(key) ? kInFile : "default";
}

// What is given of them, masked. A password comes from where its database
// does.
void add_secrets(const PoolSettings& pool, const std::string& source,
                 Groups& groups) {
  if (pool.database->get("password")) groups.add("password", kSecret, source);
  for (const SecretSetting& secret : kSecretSettings) {
    if (secret.variable == "DATABASE_URL") continue;
    if (const auto* const given = find(pool.effective, secret.name())) {
      groups.add(secret.key, secret.is_certificate ? "<given>" : kSecret,
                 given->source);
    }
  }
}

void add_database(const PoolSettings& pool, Groups& groups) {
  if (!pool.database) return;
  const auto* const given = find(pool.effective, "DATABASE_URL");
  const std::string source = given == nullptr ? "demo" : given->source;
  std::string sources = source;
  std::string url = pool.database->description();
  if (const auto mode = pool.database->get("sslmode")) {
    url += "?sslmode=" + *mode;
    if (const auto* const by = find(pool.effective, "sslmode_from")) {
      sources += "; sslmode: " + by->value;
    }
  }
  groups.add("url", to_utf8(url), sources);
  add_secrets(pool, source, groups);
}

template <typename T>
void add_bounds(YAML::Emitter& out, const Bounds<T>& bounds) {
  out << YAML::Flow << YAML::BeginMap;
  if (bounds.min) out << YAML::Key << "min" << YAML::Value << *bounds.min;
  if (bounds.max) out << YAML::Key << "max" << YAML::Value << *bounds.max;
  out << YAML::EndMap << YAML::Comment(kInFile);
}

// What a statement says, is sent and must answer may be secrets.
// A module's have no interval.
void add_probe(YAML::Emitter& out, const PoolSettings& pool,
               const CustomProbeOptions& probe, bool has_interval) {
  out << YAML::Key << probe.name << YAML::Value << YAML::BeginMap;
  Groups groups(out);
  groups.add("sql", std::to_string(probe.sql.size()) + " bytes of SQL",
             kInFile);
  if (!probe.parameters.empty()) {
    const std::vector<std::string> masked(probe.parameters.size(), kSecret);
    groups.add_list("parameters", masked, kInFile);
  }
  if (probe.role) {
    groups.add("role", std::string(to_string(*probe.role)), kInFile);
  }
  if (probe.rows.any()) {
    out << YAML::Key << "rows" << YAML::Value;
    add_bounds(out, probe.rows);
  }
  if (!probe.expect.empty()) {
    out << YAML::Key << "expect" << YAML::Value << YAML::BeginMap;
    for (const auto& [column, text] : probe.expect) {
      out << YAML::Key << to_utf8(column) << YAML::Value << kSecret
          << YAML::Comment(kInFile);
    }
    out << YAML::EndMap;
  }
  if (!probe.labels.empty()) {
    groups.add_list("labels", probe.labels, kInFile);
  }
  if (!probe.values.empty()) {
    out << YAML::Key << "values" << YAML::Value << YAML::BeginMap;
    for (const auto& [column, bounds] : probe.values) {
      out << YAML::Key << to_utf8(column) << YAML::Value;
      add_bounds(out, bounds);
    }
    out << YAML::EndMap;
  }
  const auto add_time = [&](const std::string& key, Duration time) {
    groups.add(key, duration_text(time),
               source_of(pool, "custom_probes." + probe.name + "." + key));
  };
  if (has_interval) add_time("interval", probe.interval);
  add_time("timeout", probe.timeout);
  out << YAML::EndMap;
}

void add_custom_probes(YAML::Emitter& out, const PoolSettings& pool,
                       bool has_interval) {
  if (pool.custom_probes.empty()) return;
  out << YAML::Key << "custom_probes" << YAML::Value << YAML::BeginMap;
  for (const CustomProbeOptions& probe : pool.custom_probes) {
    add_probe(out, pool, probe, has_interval);
  }
  out << YAML::EndMap;
}

void add_role(const PoolSettings& pool, Groups& groups) {
  groups.add("user", to_utf8(pool.database->user()), source_of(pool, "user"));
  groups.add("database", to_utf8(pool.database->database()),
             source_of(pool, "database"));
  add_secrets(pool, kInFile, groups);
}

template <typename Allowed>
std::vector<std::string> texts_of(const std::vector<Allowed>& all) {
  std::vector<std::string> texts;
  texts.reserve(all.size());
  for (const Allowed& each : all) texts.push_back(each.text());
  return texts;
}

std::vector<std::string> built_in_probes(const ModuleOptions& options) {
  std::vector<std::string> names;
  if (options.connect) names.emplace_back("connect");
  if (options.select_1) names.emplace_back("select_1");
  if (options.server) names.emplace_back("server");
  return names;
}

void add_options(const ModuleSettings& module, Groups& groups) {
  const ModuleOptions& options = module.options;
  const AllowList& allowed = options.allowed;
  const auto add = [&](const std::string& key, const std::string& value) {
    groups.add(key, value, source_of(module.pool, key));
  };
  const auto add_list = [&](const std::string& key,
                            const std::vector<std::string>& values) {
    groups.add_list(key, values, source_of(module.pool, key));
  };
  const auto yes_or_no = [](bool value) -> std::string {
    return value ? "true" : "false";
  };
  add_list("targets.hosts", allowed.hosts);
  add_list("targets.networks", texts_of(allowed.networks));
  add_list("targets.ports", texts_of(allowed.ports));
  add("targets.allow_loopback", yes_or_no(allowed.allow_loopback));
  add("targets.allow_link_local", yes_or_no(allowed.allow_link_local));
  add("max_connections", std::to_string(options.max_connections));
  add("keep", duration_text(options.keep));
  add("max_targets", std::to_string(options.max_targets));
  add("timeout", duration_text(options.timeout));
  add_list("probes", built_in_probes(options));
}

void add_modules(const std::vector<ModuleSettings>& modules,
                 YAML::Emitter& out) {
  if (modules.empty()) return;
  out << YAML::Key << "modules" << YAML::Value << YAML::BeginMap;
  for (const ModuleSettings& module : modules) {
    out << YAML::Key << module.name() << YAML::Value << YAML::BeginMap;
    Groups groups(out);
    add_role(module.pool, groups);
    add_table(module.pool.effective, groups);
    add_options(module, groups);
    groups.close();
    add_custom_probes(out, module.pool, false);
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
}

}  // namespace

std::string config_page(const Settings& settings) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  Groups program(out);
  const auto* const profile = find(settings.effective, "--profile");
  program.add("profile", std::string(to_string(settings.profile)),
              profile == nullptr ? "default" : profile->source);
  add_table(settings.effective, program);
  program.close();
  out << YAML::Key << "pools" << YAML::Value << YAML::BeginMap;
  for (const PoolSettings& pool : settings.pools) {
    out << YAML::Key << pool.options.name << YAML::Value << YAML::BeginMap;
    Groups groups(out);
    add_database(pool, groups);
    add_table(pool.effective, groups);
    groups.close();
    add_custom_probes(out, pool, true);
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
  add_modules(settings.modules, out);
  out << YAML::EndMap;
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace dbpool::exporter
