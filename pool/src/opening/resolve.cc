#include "dbpool/resolve.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "pool/src/opening/resolver.h"
#include "pool/src/waiting/blocking_wait.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool {
namespace {

// How often a ticket without a descriptor is looked at.
constexpr auto kLookInterval = std::chrono::milliseconds(10);

tl::unexpected<Error> no_address(const std::string& name,
                                 std::string_view why) {
  return Unexpected(Error{.kind = ErrorKind::kConnect,
                          .connect_failure = ConnectFailure::kResolve,
                          .message = "the name " + name +
                                     " has no address: " + std::string(why) +
                                     "; is it right, and DNS reachable?"});
}

// Until the name is resolved or the deadline passed.
class Resolving final : public detail::StepMachine {
 public:
  Resolving(const std::string& name, TimePoint deadline)
      : ticket_(detail::request_resolve(name)), deadline_(deadline) {}

  const detail::ResolveTicket& ticket() const noexcept { return *ticket_; }

  std::optional<detail::Wait> step(TimePoint now, bool /*ready*/) override {
    if (ticket_->done() || now >= deadline_) return std::nullopt;
    if (ticket_->fd() < 0) {
      return detail::Wait{.until = std::min(now + kLookInterval, deadline_)};
    }
    return detail::Wait{
        .fd = ticket_->fd(), .readable = true, .until = deadline_};
  }

 private:
  const std::shared_ptr<detail::ResolveTicket> ticket_;
  const TimePoint deadline_;
};

}  // namespace

Expected<std::vector<std::string>> resolve(const std::string& name,
                                           TimePoint deadline,
                                           const std::stop_token& stop) {
  Resolving resolving(name, deadline);
  if (!detail::blocking_wait(resolving, stop)) {
    return Unexpected(Error{.kind = ErrorKind::kCancelled,
                            .message = "the caller abandoned the name"});
  }
  if (!resolving.ticket().done()) return no_address(name, "no answer in time");
  const detail::Resolved& resolved = resolving.ticket().resolved();
  if (!resolved.error.empty()) return no_address(name, resolved.error);
  return resolved.addresses;
}

}  // namespace dbpool
