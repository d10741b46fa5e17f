// The part of PoolCore that changes what the pool was told. Each change is
// prepared without the mutex, from what is in force then, and begun anew if
// another one has come first.
#include <utility>

#include "pool/src/multiplex/multiplexer.h"
#include "pool/src/pool_core.h"

namespace dbpool::detail {

PoolSetupPtr PoolCore::setup() const noexcept {
  if (forked()) return setups_[current_];
  const std::lock_guard lock(mutex_);
  return setups_[current_];
}

void PoolCore::put_in_force(PoolSetupPtr& next) noexcept {
  const std::size_t other = 1 - current_;
  setups_[other].swap(next);
  current_ = other;
}

// --- Options ---------------------------------------------------------------

template <typename Wanted>
Expected<void> PoolCore::change_options(Wanted wanted) {
  if (forked()) return Unexpected(forked_error(name_));
  while (true) {
    const PoolSetupPtr before = setup();
    PoolOptions options = wanted(before->options);
    if (!options.random_seed) options.random_seed = before->options.random_seed;
    if (auto valid = validate(options); !valid) return valid;
    if (auto same = check_constant(before->options, options); !same) {
      return same;
    }
    if (adopt_options(before, with_options(*before, options))) return {};
  }
}

Expected<void> PoolCore::resize(std::uint32_t min_connections,
                                std::uint32_t max_connections) {
  return change_options([=](PoolOptions options) {
    options.min_connections = min_connections;
    options.max_connections = max_connections;
    return options;
  });
}

Expected<void> PoolCore::reconfigure(const PoolOptions& options) {
  return change_options([&](const PoolOptions&) { return options; });
}

bool PoolCore::adopt_options(const PoolSetupPtr& before, PoolSetupPtr next) {
  // Room for more is made before, and the old storage freed after, the lock.
  const PoolOptions& options = next->options;
  const std::size_t most = options.max_connections;
  const bool renews = next->context != before->context;
  PoolState::Room room(options);
  std::vector<Tenant> table;
  table.reserve(most);
  Effects effects;
  Effects renewal;
  {
    const std::lock_guard lock(mutex_);
    if (setups_[current_] != before) return false;
    if (slots_.size() < most) {
      for (Tenant& slot : slots_) table.push_back(std::move(slot));
      table.resize(most);
      slots_.swap(table);
    }
    timeouts_->set(options);
    const TimePoint now = Clock::now();
    effects = state_.reconfigure(options, now, room);
    resolve(effects);
    if (renews) renewal = state_.renew(now);
    resolve(renewal);
    put_in_force(next);
  }
  deliver(effects);
  deliver(renewal);
  if (multiplexer_) multiplexer_->reconfigure();
  return true;
}

// --- The database ----------------------------------------------------------

Expected<void> PoolCore::retarget(ConnectionString target) {
  if (forked()) return Unexpected(forked_error(name_));
  const auto shared =
      std::make_shared<const ConnectionString>(std::move(target));
  while (true) {
    const PoolSetupPtr before = setup();
    if (*before->target == *shared) return {};
    if (adopt_target(before, with_target(*before, shared))) return {};
  }
}

bool PoolCore::adopt_target(const PoolSetupPtr& before, PoolSetupPtr next) {
  Effects effects;
  TlsFacts no_tls;
  {
    const std::lock_guard lock(mutex_);
    if (setups_[current_] != before) return false;
    effects = state_.renew(Clock::now());
    resolve(effects);
    last_tls_.swap(no_tls);
    put_in_force(next);
  }
  deliver(effects);
  return true;
}

}  // namespace dbpool::detail
