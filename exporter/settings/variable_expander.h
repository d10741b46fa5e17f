// VariableExpander: puts the environment's variables into the values of a
// configuration file: ${NAME}, and $${ for a plain "${".
#ifndef DBPOOL_EXPORTER_SETTINGS_VARIABLE_EXPANDER_H_
#define DBPOOL_EXPORTER_SETTINGS_VARIABLE_EXPANDER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/settings/settings.h"

namespace dbpool::exporter {

// Whether expand() would change it.
inline bool has_variable(std::string_view text) {
  return text.find("${") != std::string_view::npos;
}

// Thread-safety: none.
class VariableExpander {
 public:
  // `environment` must outlive it.
  explicit VariableExpander(const Environment& environment)
      : environment_(environment) {}

  // The value without blanks at its ends. `name` is that of the key, for
  // messages; mistakes are refused as those of YAML are (refuse_yaml()).
  std::string expand(const std::string& text, int line,
                     const std::string& name);
  // The same; what stands between the braces is not shown, since it may be a
  // piece of a password.
  std::string expand_secret(const std::string& text, int line,
                            const std::string& name);

  // The variables so far, each once.
  const std::vector<std::string>& used() const { return used_; }

 private:
  enum class Shown : bool { kNo, kYes };

  std::string expand(const std::string& text, int line, const std::string& name,
                     Shown shown);
  std::string value_of(const std::string& variable, int line,
                       const std::string& name, Shown shown);

  const Environment& environment_;
  std::size_t size_ = 0;  // of all values so far, in bytes
  std::vector<std::string> used_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_VARIABLE_EXPANDER_H_
