#include "exporter/workload/script/variables.h"

#include <algorithm>
#include <array>
#include <utility>

#include "exporter/base/ascii.h"

namespace dbpool::exporter::script {

bool is_variable_start(char c) noexcept {
  return is_name_start(c) || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

bool is_variable_character(char c) noexcept {
  return is_variable_start(c) || is_digit(c);
}

bool is_variable_name(std::string_view name) noexcept {
  return !name.empty() && is_variable_start(name.front()) &&
         std::ranges::all_of(name, is_variable_character);
}

bool is_client_fact(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {
      "client_id", "scale", "random_seed", "default_seed"};
  return std::ranges::find(kNames, name) != kNames.end();
}

Variables::Variables(const ClientFacts& facts) {
  set("client_id", facts.client_id);
  set("scale", facts.scale);
  set("random_seed", facts.random_seed);
  set("default_seed", facts.default_seed);
}

void Variables::set(std::string_view name, Value value) {
  if (const auto found = set_.find(name); found != set_.end()) {
    found->second = value;
  } else {
    set_.emplace(name, value);
  }
}

void Variables::set_text(std::string_view name, std::string text) {
  set_.insert_or_assign(std::string(name), std::move(text));
}

std::string Variables::text(std::string_view name,
                            std::string_view otherwise) const {
  const auto found = set_.find(name);
  if (found == set_.end()) return std::string(otherwise);
  if (const auto* text = std::get_if<std::string>(&found->second)) {
    return *text;
  }
  return text_of(std::get<Value>(found->second));
}

Result<Value> Variables::value(std::string_view name) const {
  const auto found = set_.find(name);
  if (found == set_.end()) {
    return tl::unexpected("undefined variable \"" + shown(name) + "\"");
  }
  if (const auto* value = std::get_if<Value>(&found->second)) return *value;
  return value_of(std::get<std::string>(found->second))
      .map_error([&](const std::string& problem) {
        return "variable \"" + shown(name) + "\": " + problem;
      });
}

}  // namespace dbpool::exporter::script
