// ModuleOptions: what a module of the configuration file has beside the
// settings of a pool.
#ifndef DBPOOL_EXPORTER_TARGETS_MODULE_OPTIONS_H_
#define DBPOOL_EXPORTER_TARGETS_MODULE_OPTIONS_H_

#include <chrono>
#include <cstdint>

#include "dbpool/options.h"
#include "exporter/targets/allow_list.h"

namespace dbpool::exporter {

struct ModuleOptions {
  AllowList allowed;
  std::uint32_t max_connections = 2;  // of a target's pool
  // A target that nobody asks for is dropped after this, its pool with it.
  Duration keep = std::chrono::minutes(5);
  std::uint32_t max_targets = 1000;             // kept at once
  Duration timeout = std::chrono::seconds(10);  // of one /probe
  // The built-in probes; connect or select_1 is among them.
  bool connect = true;
  bool select_1 = false;
  bool server = true;

  bool operator==(const ModuleOptions&) const = default;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_MODULE_OPTIONS_H_
