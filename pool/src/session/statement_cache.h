// StatementCache: which statements are prepared on one connection, bounded,
// least recently used evicted.
//
// Thread-safety: none; belongs to its Session.
#ifndef DBPOOL_POOL_SRC_SESSION_STATEMENT_CACHE_H_
#define DBPOOL_POOL_SRC_SESSION_STATEMENT_CACHE_H_

#include <cstddef>
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
  // A longer text is worth no memory on client and server: it is run
  // unprepared.
  static constexpr std::size_t kMaxSqlBytes = std::size_t{64} * 1024;

  explicit StatementCache(std::uint32_t capacity) : capacity_(capacity) {}

  bool accepts(std::string_view sql) const noexcept {
    return capacity_ > 0 && sql.size() <= kMaxSqlBytes;
  }

  // The server's name for (sql, parameter types) if it is prepared, and marks
  // it as just used; empty otherwise. Valid until the entry is removed.
  std::string_view find(std::string_view sql, const Params& params);

  // To add one: make room if there is none, deallocate the stale ones on the
  // server, prepare under a new name, and add() when the server has done so.
  bool has_room() const noexcept {
    return entries_.size() + stale_.size() < capacity_;
  }
  void evict_oldest();
  std::string new_name() { return "dbpool_" + std::to_string(next_++); }
  void add(std::string_view sql, const Params& params, std::string name);

  // The server knows it no more, or knows it with an outdated result type.
  void remove(std::string_view sql, const Params& params);

  // One that the server still has to deallocate; empty if there is none.
  std::string_view stale() const noexcept {
    return stale_.empty() ? std::string_view() : stale_.back();
  }
  void pop_stale() { stale_.pop_back(); }

  // The server has dropped them all.
  void clear() noexcept;
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    std::string name;
  };
  using Entries = std::list<Entry>;

  void retire(Entries::iterator entry);

  std::uint32_t capacity_;
  std::uint64_t next_ = 1;  // names are never used twice
  Entries entries_;         // most recently used first
  // The keys are views of the entries' own.
  std::unordered_map<std::string_view, Entries::iterator> by_key_;
  std::vector<std::string> stale_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_STATEMENT_CACHE_H_
