// `modules` in the file of --config.file:
//
//   NAME:                           the parameter `module` of /probe
//     user, password | password_file, database
//     ssl_ca, ssl_cert, ssl_key …   as of a pool, and so are
//     max_uses, max_lifetime_ms, statement_timeout_ms, ssl,
//     ssl_reject_unauthorized, log_queries, log_connections
//     targets:                      see allow_list.h
//       hosts: […]  networks: […]  ports: […]
//       allow_loopback: …  allow_link_local: …
//     max_connections: 2
//     keep: 5m
//     max_targets: 1000
//     timeout: 10s
//     probes: [connect, server]
//     custom_probes: {NAME: {…}}    as of a pool, without the intervals
//
// Flags and DB_* variables are of pools; a module has what stands here.
#ifndef DBPOOL_EXPORTER_SETTINGS_MODULE_FILE_H_
#define DBPOOL_EXPORTER_SETTINGS_MODULE_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/settings/custom_probes_file.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/yaml_mapping.h"
#include "exporter/targets/module_options.h"

namespace dbpool::exporter {

// In the place of a target's host: a name that has no address (RFC 6761).
inline constexpr std::string_view kNoTarget = "target.invalid";

// Whether a module has that setting of a pool, too.
bool is_of_module(const Definition& definition);

// The keys of a module but those of its role, secrets and custom probes.
std::vector<std::string> module_keys();

// `where` is the module's name in mistakes, which ends with ": ". Throws
// YamlMistake, which shows no variable's value.
ModuleOptions read_module_options(const YamlMapping& at,
                                  const std::string& where,
                                  const ExpandText& expand);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_MODULE_FILE_H_
