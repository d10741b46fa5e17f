// What of App happens while it runs: settings read anew are put in force.
#include <algorithm>
#include <future>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/app.h"
#include "exporter/settings/config_page.h"

namespace dbpool::exporter {

Reloader::Mistakes App::reload() {
  if (settings_.demo) return {"--demo runs on settings of its own"};
  auto next = load_();
  if (!next) return std::move(next.error().errors);
  return put_in_force(*std::move(next));
}

// What may fail comes before what changes anything.
Reloader::Mistakes App::put_in_force(Settings next) {
  const auto before = pools_->all();
  std::vector<PoolSet::PoolPtr> pools;
  std::vector<PoolSet::PoolPtr> made;
  for (const PoolSettings& wanted : next.pools) {
    const auto same =
        std::ranges::find(before, wanted.options.name, &MonitoredPool::name);
    if (same != before.end() && (*same)->can_apply(wanted)) {
      pools.push_back(*same);
      continue;
    }
    auto pool = MonitoredPool::create(wanted, report_numbers_, log_);
    if (!pool) return {std::move(pool.error())};
    made.emplace_back(*std::move(pool));
    pools.push_back(made.back());
  }
  log_outdated(next);
  log_notices(next);
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (std::ranges::find(made, pools[i]) != made.end()) continue;
    const std::string changes = pools[i]->apply(next.pools[i]);
    if (changes.empty()) continue;
    log_.info("pool changed",
              {{"pool", pools[i]->name()}, {"changed", changes}});
  }
  pools_->set(pools);
  targets_->set_modules(next.modules);
  show(next);
  const TimePoint head_start = Clock::now() + kHeadStart;
  for (const auto& pool : made) pool->start(head_start);
  std::vector<PoolSet::PoolPtr> gone;
  std::ranges::copy_if(before, std::back_inserter(gone), [&](const auto& pool) {
    return std::ranges::find(pools, pool) == pools.end();
  });
  retire(gone);
  return {};
}

// As /config does. What is of no pool and no module is that of the start.
void App::show(const Settings& given) {
  Settings shown = settings_;
  shown.pools = given.pools;
  shown.modules = given.modules;
  std::string page = config_page(shown);
  const std::lock_guard lock(mutex_);
  config_page_.swap(page);
}

void App::log_outdated(const Settings& next) {
  for (const EffectiveSetting& now : settings_.effective) {
    const auto same =
        std::ranges::find(next.effective, now.name, &EffectiveSetting::name);
    const std::string_view given =
        same == next.effective.end() ? std::string_view() : same->value;
    if (given == now.value || now.name == "--profile") continue;
    log_.warn(
        "a setting that has changed needs a restart",
        {{"setting", now.name}, {"in_force", now.value}, {"given", given}});
  }
}

// Their drains take as long as they may; nobody waits for them.
void App::retire(const std::vector<PoolSet::PoolPtr>& pools) {
  std::erase_if(retired_,
                [](const Retired& each) { return each.pool.expired(); });
  for (const auto& pool : pools) {
    log_.info("pool removed", {{"pool", pool->name()}});
    auto report = std::async(std::launch::async, [last = pool]() mutable {
      CloseReport closed = last->stop();
      const auto hanging = last->wait_stopped(Clock::now() + kStragglerGrace);
      if (!hanging) last.reset();
      return closed;
    });
    retired_.push_back({pool, std::move(report)});
  }
}

// The settings and the file of the web configuration, which is read anew
// whenever it changes.
ReloadStatus App::last_reload() const {
  ReloadStatus status = reloader_->last();
  if (!web_guard_) return status;
  const ReloadStatus web = web_guard_->last_reload();
  status.successful = status.successful && web.successful;
  status.last_success = std::max(status.last_success, web.last_success);
  return status;
}

}  // namespace dbpool::exporter
