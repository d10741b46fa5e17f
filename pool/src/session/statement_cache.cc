#include "pool/src/session/statement_cache.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dbpool::detail {
namespace {

bool is_typed(const Param& param) { return param.type_oid != 0; }

// The key of (sql, parameter types): the text itself where the server infers
// all types, so that the common look-up copies nothing into `buffer`. A text
// holds no zero byte, so that no two pairs share a key.
std::string_view make_key(std::string_view sql, const Params& params,
                          std::string& buffer) {
  const auto values = params.values();
  if (std::none_of(values.begin(), values.end(), is_typed)) return sql;
  buffer.reserve(sql.size() + 1 + values.size() * sizeof(std::uint32_t));
  buffer.assign(sql);
  buffer.push_back('\0');
  for (const Param& param : values) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      buffer.push_back(static_cast<char>(param.type_oid >> shift & 0xFF));
    }
  }
  return buffer;
}

}  // namespace

std::string_view StatementCache::find(std::string_view sql,
                                      const Params& params) {
  std::string buffer;
  const auto found = by_key_.find(make_key(sql, params, buffer));
  if (found == by_key_.end()) return {};
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->name;
}

void StatementCache::evict_oldest() {
  if (!entries_.empty()) retire(std::prev(entries_.end()));
}

void StatementCache::add(std::string_view sql, const Params& params,
                         std::string name) {
  assert(has_room());
  std::string buffer;
  const std::string_view key = make_key(sql, params, buffer);
  assert(!by_key_.contains(key));
  entries_.push_front({std::string(key), std::move(name)});
  by_key_.emplace(entries_.front().key, entries_.begin());
}

void StatementCache::remove(std::string_view sql, const Params& params) {
  std::string buffer;
  const auto found = by_key_.find(make_key(sql, params, buffer));
  if (found != by_key_.end()) retire(found->second);
}

void StatementCache::clear() noexcept {
  by_key_.clear();
  entries_.clear();
  stale_.clear();
}

void StatementCache::retire(Entries::iterator entry) {
  stale_.push_back(std::move(entry->name));
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace dbpool::detail
