#include "pool/src/opening/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "pool/src/base/one_per_process.h"
#include "pool/src/base/signals_blocked.h"

namespace dbpool::detail {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

std::string to_numeric(const addrinfo& address) {
  std::array<char, NI_MAXHOST> text;
  const int failed =
      ::getnameinfo(address.ai_addr, address.ai_addrlen, text.data(),
                    text.size(), nullptr, 0, NI_NUMERICHOST);
  return failed != 0 ? std::string() : std::string(text.data());
}

// Blocks as long as DNS does.
Resolved resolve(const std::string& name) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &first);
  if (failed != 0) return {.addresses = {}, .error = ::gai_strerror(failed)};
  const AddressList owned(first, &freeaddrinfo);
  Resolved resolved;
  for (const addrinfo* next = first; next != nullptr; next = next->ai_next) {
    if (resolved.addresses.size() == kMaxAddresses) break;
    std::string address = to_numeric(*next);
    if (address.empty() || std::ranges::find(resolved.addresses, address) !=
                               resolved.addresses.end()) {
      continue;
    }
    resolved.addresses.push_back(std::move(address));
  }
  if (resolved.addresses.empty()) resolved.error = "the name has no address";
  return resolved;
}

// The threads that resolve: a crew that knows who asks for the same name. Each
// ends when nothing is queued any more, so an idle process has none.
class ResolverCrew {
 public:
  std::shared_ptr<ResolveTicket> request(const std::string& name) {
    const std::lock_guard lock(mutex_);
    for (const auto* tickets : {&running_, &queued_}) {
      const auto same = std::ranges::find(*tickets, name, &ResolveTicket::name);
      if (same != tickets->end()) return *same;
    }
    auto ticket = std::make_shared<ResolveTicket>(name);
    drop_abandoned();
    if (queued_.size() >= kMaxResolverQueue) {
      ticket->finish({.addresses = {}, .error = "too many names wait for DNS"});
      return ticket;
    }
    queued_.push_back(ticket);
    if (threads_ < kMaxResolverThreads) start_thread();
    return ticket;
  }

 private:
  using Tickets = std::vector<std::shared_ptr<ResolveTicket>>;

  // Nobody but the queue has them any more; nobody gets them without mutex_.
  void drop_abandoned() {
    std::erase_if(queued_,
                  [](const auto& ticket) { return ticket.use_count() == 1; });
  }

  void start_thread() {
    const SignalsBlocked blocked;
    try {
      std::thread([this] { run(); }).detach();
      ++threads_;
    } catch (const std::system_error&) {
      if (threads_ == 0) fail_queued();
    }
  }

  void fail_queued() {
    for (const auto& ticket : queued_) {
      ticket->finish({.addresses = {}, .error = "no thread for DNS"});
    }
    queued_.clear();
  }

  void run() noexcept {
    ::pthread_setname_np(::pthread_self(), "dbpool-resolve");
    while (const auto ticket = take()) {
      Resolved resolved = resolve(ticket->name());
      const std::lock_guard lock(mutex_);
      std::erase(running_, ticket);
      ticket->finish(std::move(resolved));
    }
  }

  // The next name; null when the calling thread shall end.
  std::shared_ptr<ResolveTicket> take() {
    const std::lock_guard lock(mutex_);
    drop_abandoned();
    if (queued_.empty()) {
      --threads_;
      return nullptr;
    }
    auto ticket = queued_.front();
    queued_.erase(queued_.begin());
    running_.push_back(ticket);
    return ticket;
  }

  std::mutex mutex_;
  // Guarded by mutex_.
  Tickets queued_;
  Tickets running_;
  std::size_t threads_ = 0;
};

OnePerProcess<ResolverCrew> crews;

}  // namespace

void ResolveTicket::finish(Resolved resolved) noexcept {
  resolved_ = std::move(resolved);
  ticket_.finish();
}

std::shared_ptr<ResolveTicket> request_resolve(const std::string& name) {
  return crews.get().request(name);
}

bool is_numeric_address(std::string_view text) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* first = nullptr;
  const std::string name(text);
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &first) != 0) return false;
  ::freeaddrinfo(first);
  return true;
}

}  // namespace dbpool::detail
