// Resolver: names to addresses without ever blocking who asks. getaddrinfo
// cannot be interrupted and hangs as long as DNS does, so a bounded crew of
// detached threads, shared by the whole process, calls it; nobody joins them.
//
// Thread-safety: all functions, from any thread. After fork() the child gets
// a crew of its own when it asks.
#ifndef DBPOOL_POOL_SRC_OPENING_RESOLVER_H_
#define DBPOOL_POOL_SRC_OPENING_RESOLVER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pool/src/base/crew.h"

namespace dbpool::detail {

inline constexpr std::size_t kMaxResolverThreads = 4;
inline constexpr std::size_t kMaxResolverQueue = 64;
// Further addresses of a name are not tried.
inline constexpr std::size_t kMaxAddresses = 32;

struct Resolved {
  std::vector<std::string> addresses;  // numeric, in the order to be tried
  std::string error;                   // why there are none
};

// One name under way. Shared by all who ask for the same name at a time, and
// by the crew. Who no longer wants it drops it.
class ResolveTicket {
 public:
  explicit ResolveTicket(std::string name) : name_(std::move(name)) {}

  const std::string& name() const noexcept { return name_; }
  int fd() const noexcept { return ticket_.fd(); }
  bool done() const noexcept { return ticket_.done(); }
  // Once done() is true.
  const Resolved& resolved() const noexcept { return resolved_; }

  void finish(Resolved resolved) noexcept;  // the crew's, once

 private:
  const std::string name_;
  Resolved resolved_;  // written before ticket_ is done
  Ticket ticket_;
};

// Queues `name`, or joins a request for it that is under way. The ticket is
// done at once, with an error, when the queue is full.
std::shared_ptr<ResolveTicket> request_resolve(const std::string& name);

// An IPv4 or IPv6 address (with or without a zone)? Never blocks.
bool is_numeric_address(std::string_view text);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_RESOLVER_H_
