#include "pool/src/multiplex/multiplex_inbox.h"

#include <utility>

namespace dbpool::detail {

bool MultiplexInbox::submit(MultiplexStatementPtr statement) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    mail_.submitted.push_back(std::move(statement));
  }
  signal_.raise();
  return true;
}

void MultiplexInbox::cancel(MultiplexStatementPtr statement) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    mail_.cancelled.push_back(std::move(statement));
  }
  signal_.raise();
}

void MultiplexInbox::put(Expected<Lease> lease) noexcept {
  {
    const std::lock_guard lock(mutex_);
    mail_.lease.emplace(std::move(lease));
  }
  signal_.raise();
}

void MultiplexInbox::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    mail_.close = true;
  }
  signal_.raise();
}

void MultiplexInbox::reconfigure() noexcept {
  {
    const std::lock_guard lock(mutex_);
    mail_.reconfigure = true;
  }
  signal_.raise();
}

void MultiplexInbox::take(Mail& mail) noexcept {
  const std::lock_guard lock(mutex_);
  std::swap(mail.submitted, mail_.submitted);
  std::swap(mail.cancelled, mail_.cancelled);
  std::swap(mail.lease, mail_.lease);
  mail.close = std::exchange(mail_.close, false);
  mail.reconfigure = std::exchange(mail_.reconfigure, false);
}

bool MultiplexInbox::take_lease(
    std::optional<Expected<Lease>>& lease) noexcept {
  const std::lock_guard lock(mutex_);
  std::swap(lease, mail_.lease);
  return lease.has_value();
}

bool MultiplexInbox::end() noexcept {
  const std::lock_guard lock(mutex_);
  ended_ = mail_.submitted.empty() && mail_.cancelled.empty() && !mail_.lease;
  return ended_;
}

}  // namespace dbpool::detail
