// StatementCache: which statements are prepared on one connection, bounded,
// least recently used evicted.
//
// Thread-safety: none; belongs to its Session.
#ifndef DBPOOL_POOL_SRC_STATEMENT_CACHE_H_
#define DBPOOL_POOL_SRC_STATEMENT_CACHE_H_

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dbpool/result.h"

namespace dbpool::detail {

class StatementCache {
 public:
  explicit StatementCache(std::uint32_t capacity) : capacity_(capacity) {}

  // The server's name for (sql, parameter types) if it is prepared, and marks
  // it as just used; empty otherwise.
  std::string_view find(std::string_view sql, const Params& params);

  struct Added {
    std::string name;     // prepare under this name
    std::string evicted;  // deallocate this one first; may be empty
  };
  Added add(std::string_view sql, const Params& params);
  void remove(std::string_view sql, const Params& params);
  void clear() noexcept;
  bool enabled() const noexcept { return capacity_ > 0; }
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string name;
  };
  std::uint32_t capacity_;
  std::uint64_t next_ = 1;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_STATEMENT_CACHE_H_
