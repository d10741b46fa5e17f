// Variables: what the scripts of one client have set. They outlast a run of a
// script, as with pgbench.
//
// Thread-safety: none.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_VARIABLES_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_VARIABLES_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "exporter/workload/script/value.h"

namespace dbpool::exporter::script {

// Letters (those beyond ASCII too), digits and underscores, no digit first.
bool is_variable_name(std::string_view name) noexcept;
bool is_variable_start(char c) noexcept;
bool is_variable_character(char c) noexcept;

// Those that every client has from the start.
struct ClientFacts {
  std::int64_t client_id = 0;
  std::int64_t scale = 1;
  std::int64_t random_seed = 0;
  std::int64_t default_seed = 0;  // of hash() and permute()
};
bool is_client_fact(std::string_view name) noexcept;

class Variables {
 public:
  explicit Variables(const ClientFacts& facts);

  void set(std::string_view name, Value value);
  void set_text(std::string_view name, std::string text);

  // As SQL takes it; `otherwise` where there is none.
  std::string text(std::string_view name, std::string_view otherwise) const;
  // Errors: there is none of that name; its text is no value.
  Result<Value> value(std::string_view name) const;

 private:
  std::map<std::string, std::variant<Value, std::string>, std::less<>> set_;
};

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_VARIABLES_H_
