#include "exporter/targets/targets.h"

#include <algorithm>
#include <chrono>

#include "exporter/base/at_end.h"
#include "exporter/http/text_page.h"
#include "exporter/metrics/metric_names.h"

namespace dbpool::exporter {

namespace {

// What is left to send the page in: this, or a quarter of a short timeout.
constexpr Duration kMargin = std::chrono::milliseconds(500);
constexpr int kMarginShare = 4;

constexpr Duration kSweepInterval = std::chrono::seconds(1);
constexpr Duration kCloseTime = std::chrono::seconds(1);

Duration time_for(const ProbeRequest& request, Duration most) {
  const Duration scrape = request.scrape_timeout.value_or(Duration::zero());
  if (scrape <= Duration::zero()) return most;
  return std::min(most, scrape - std::min(kMargin, scrape / kMarginShare));
}

ProbeOutcome outcome_of(const TargetRun& run) {
  if (!run.up) return ProbeOutcome::kDown;
  return run.well ? ProbeOutcome::kSuccess : ProbeOutcome::kFailed;
}

std::string joined_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += " " + word;
  return text.empty() ? " none" : text;
}

}  // namespace

Targets::Targets(std::uint32_t most_under_way, Logger& log, Resolve resolve)
    : most_under_way_(std::max(most_under_way, 1U)),
      log_(log),
      resolve_(std::move(resolve)) {}

void Targets::set_modules(std::vector<ModuleSettings> modules) {
  if (!modules.empty() && !sweeper_) {
    sweeper_.emplace(kSweepInterval, [this] { sweep(); });
  }
  std::map<std::string, ModulePtr> next;  // then those that go, after the lock
  const std::lock_guard lock(mutex_);
  for (ModuleSettings& settings : modules) {
    const std::string name = settings.name();
    const auto same = modules_.find(name);
    if (same != modules_.end() && same->second->settings->asks_like(settings)) {
      next.emplace(name, same->second);
      continue;
    }
    auto events = std::make_shared<EventLog>(
        log_, EventLogOptions{
                  settings.pool.log_queries, settings.pool.log_connections,
                  std::make_shared<ConnectionString>(*settings.pool.database)});
    next.emplace(name,
                 std::make_shared<Module>(
                     std::make_shared<ModuleSettings>(std::move(settings)),
                     std::move(events)));
  }
  modules_.swap(next);
  // Of a module that comes again counters begin anew.
  std::erase_if(counts_, [this](const auto& each) {
    return !each.first.empty() && !modules_.contains(each.first);
  });
}

ProbeAnswer Targets::probe(const ProbeRequest& request) {
  Story story;
  ProbeEntry result;
  result.when = std::chrono::system_clock::now();
  auto page = answer(request, story, result);
  ProbeAnswer answer;
  if (page) {
    answer.text = *std::move(page);
  } else {
    result.outcome = page.error().outcome;
    result.why = page.error().text;
    answer.status = result.outcome == ProbeOutcome::kBusy ? 503 : 400;
    answer.text =
        std::to_string(answer.status) + ": " + page.error().text + "\n";
  }
  result.took = story.so_far();
  story.add(std::string(to_string(result.outcome)) +
            (result.why.empty() ? "" : ": ") + result.why);
  if (request.debug) answer.text.insert(0, story.text());
  count(result);
  results_.add(std::move(result));
  return answer;
}

Targets::OrNo<std::string> Targets::answer(const ProbeRequest& request,
                                           Story& story, ProbeEntry& result) {
  auto asked = understand(request, story, result);
  if (!asked) return tl::make_unexpected(std::move(asked.error()));
  bool is_slow = false;
  if (auto no = enter(*asked, is_slow)) return tl::make_unexpected(*no);
  const AtEnd place{[&] { leave(is_slow); }};
  return ask(*asked, story, result);
}

// All that can be told without asking anybody.
Targets::OrNo<Targets::Asked> Targets::understand(const ProbeRequest& request,
                                                  Story& story,
                                                  ProbeEntry& result) const {
  const auto no = [](std::string text) {
    return tl::make_unexpected(No{ProbeOutcome::kRefused, std::move(text)});
  };
  Asked asked;
  asked.module = find_module(request.module);
  if (asked.module == nullptr) {
    return no(request.module ? "module: none of that name in the configuration "
                               "file"
                             : "module: expected the name of one of those in "
                               "the configuration file");
  }
  const ModuleSettings& settings = *asked.module->settings;
  result.module = settings.name();
  auto target = parse_target(request.target);
  if (!target) return no("target: " + target.error());
  asked.target = *std::move(target);
  if (asked.target.database.empty()) {
    asked.target.database = settings.pool.database->database();
  }
  asked.name = to_string(asked.target);
  result.target = asked.name;
  const Duration time = time_for(request, settings.options.timeout);
  asked.deadline = Clock::now() + time;
  story.add("module " + settings.name() + ", target " + asked.name +
            ", within " + milliseconds_text(time));
  if (!settings.options.allowed.allows(asked.target)) {
    return no("target: not allowed by the module's targets");
  }
  return asked;
}

Targets::ModulePtr Targets::find_module(
    const std::optional<std::string>& name) const {
  const std::lock_guard lock(mutex_);
  if (!name) {
    return modules_.size() == 1 ? modules_.begin()->second : nullptr;
  }
  const auto found = modules_.find(*name);
  return found == modules_.end() ? nullptr : found->second;
}

std::optional<Targets::No> Targets::enter(const Asked& asked, bool& is_slow) {
  const std::lock_guard lock(mutex_);
  if (stop_.stop_requested()) {
    return No{ProbeOutcome::kBusy, "shutting down"};
  }
  is_slow = is_slow_server(*asked.module, asked.name);
  if (under_way_ >= most_under_way_) {
    return No{ProbeOutcome::kBusy, "too many probes are under way"};
  }
  if (is_slow && slow_under_way_ >= std::max(most_under_way_ / 2, 1U)) {
    return No{ProbeOutcome::kBusy,
              "too many probes of targets that do not answer are under way"};
  }
  ++under_way_;
  if (is_slow) ++slow_under_way_;
  return std::nullopt;
}

// Whether any database there took all of its time when it was last asked: who
// asks may make up names of databases.
bool Targets::is_slow_server(const Module& module, std::string_view name) {
  const std::string server(name.substr(0, name.rfind('/') + 1));
  for (auto each = module.kept.lower_bound(server);
       each != module.kept.end() && each->first.starts_with(server); ++each) {
    if (each->second->was_slow) return true;
  }
  return false;
}

void Targets::leave(bool is_slow) {
  const std::lock_guard lock(mutex_);
  --under_way_;
  if (is_slow) --slow_under_way_;
  changed_.notify_all();
}

Targets::OrNo<std::string> Targets::ask(const Asked& asked, Story& story,
                                        ProbeEntry& result) {
  TargetAddresses addresses;
  if (auto no = find_addresses(asked, story, addresses)) {
    return tl::make_unexpected(*std::move(no));
  }
  // Names that have no address are easily made up.
  auto entry = take(asked, addresses.has_value());
  if (!entry) return tl::make_unexpected(std::move(entry.error()));
  const AtEnd turn{[&] { give_back(*entry); }};
  KeptTarget& target = (*entry)->target;
  const TargetRun run =
      target.run(addresses, asked.deadline, stop_.get_token(), story);
  if (stop_.stop_requested()) {
    return tl::make_unexpected(No{ProbeOutcome::kBusy, "shutting down"});
  }
  note(asked, **entry, run);
  result.outcome = outcome_of(run);
  result.why = run.why;
  TextPage page;
  target.tell(page);
  return page.take();
}

std::optional<Targets::No> Targets::find_addresses(
    const Asked& asked, Story& story, TargetAddresses& addresses) const {
  const TargetName& target = asked.target;
  if (target.literal) {
    addresses = std::vector<std::string>{target.host};
    return std::nullopt;
  }
  addresses = resolve_(target.host, asked.deadline, stop_.get_token());
  if (!addresses) return std::nullopt;
  const AllowList& allowed = asked.module->settings->options.allowed;
  std::vector<std::string> usable = allowed.usable(*addresses);
  story.add("addresses:" + joined_words(*addresses) +
            "; allowed:" + joined_words(usable));
  if (usable.empty()) {
    return No{ProbeOutcome::kRefused,
              "target: its name has no address that is allowed by the module's "
              "targets"};
  }
  addresses = std::move(usable);
  return std::nullopt;
}

Targets::OrNo<Targets::EntryPtr> Targets::take(const Asked& asked,
                                               bool is_worth_keeping) {
  Module& module = *asked.module;
  EntryPtr evicted;  // let go of without the lock
  std::unique_lock lock(mutex_);
  const auto found = module.kept.find(asked.name);
  if (found != module.kept.end()) {
    EntryPtr entry = found->second;
    if (!changed_.wait_until(lock, stop_.get_token(), asked.deadline,
                             [&] { return !entry->in_use; })) {
      return tl::make_unexpected(
          No{ProbeOutcome::kBusy, "another probe of this target is under way"});
    }
    entry->in_use = true;
    return entry;
  }
  auto entry =
      std::make_shared<Entry>(module.settings, asked.target, module.events);
  if (!is_worth_keeping) return entry;
  if (module.kept.size() >= module.settings->options.max_targets) {
    evicted = take_out_oldest_down(module);
    if (evicted == nullptr) {
      return tl::make_unexpected(
          No{ProbeOutcome::kBusy, "the module keeps too many targets"});
    }
  }
  module.kept.emplace(asked.name, entry);
  return entry;
}

// Null when all of them are up, or in use.
Targets::EntryPtr Targets::take_out_oldest_down(Module& module) {
  auto oldest = module.kept.end();
  for (auto each = module.kept.begin(); each != module.kept.end(); ++each) {
    const Entry& kept = *each->second;
    if (kept.in_use || kept.is_up.value_or(true)) continue;
    if (oldest == module.kept.end() ||
        kept.last_used < oldest->second->last_used) {
      oldest = each;
    }
  }
  if (oldest == module.kept.end()) return nullptr;
  EntryPtr taken = std::move(oldest->second);
  module.kept.erase(oldest);
  return taken;
}

void Targets::give_back(const EntryPtr& entry) {
  const std::lock_guard lock(mutex_);
  entry->in_use = false;
  entry->last_used = Clock::now();
  changed_.notify_all();
}

void Targets::note(const Asked& asked, Entry& entry, const TargetRun& run) {
  bool was_up = true;
  {
    const std::lock_guard lock(mutex_);
    was_up = entry.is_up.value_or(true);
    entry.is_up = run.up;
    entry.was_slow = Clock::now() >= asked.deadline;
  }
  const std::string& module = asked.module->settings->name();
  if (was_up && !run.up) {
    log_.limited(
        LogLevel::kWarn, "target down " + module, "a target is down",
        {{"module", module}, {"target", asked.name}, {"error", run.why}});
  } else if (!was_up && run.up) {
    log_.limited(LogLevel::kInfo, "target up " + module, "a target is up again",
                 {{"module", module}, {"target", asked.name}});
  }
}

void Targets::sweep() {
  std::vector<EntryPtr> unused;  // let go of without the lock
  const TimePoint now = Clock::now();
  const std::lock_guard lock(mutex_);
  for (const auto& [name, module] : modules_) {
    const Duration keep = module->settings->options.keep;
    std::erase_if(module->kept, [&](const auto& each) {
      const EntryPtr& entry = each.second;
      if (entry->in_use || now - entry->last_used < keep) return false;
      unused.push_back(entry);
      return true;
    });
  }
}

void Targets::count(const ProbeEntry& result) {
  const std::lock_guard lock(mutex_);
  ++counts_[result.module][static_cast<std::size_t>(result.outcome)];
}

void Targets::stop() {
  sweeper_.reset();
  stop_.request_stop();
  std::vector<EntryPtr> all;
  {
    std::unique_lock lock(mutex_);
    const TimePoint until = Clock::now() + kCloseTime;
    changed_.wait_until(lock, until, [this] { return under_way_ == 0; });
    for (const auto& [name, module] : modules_) {
      for (const auto& [target, entry] : module->kept) {
        if (!entry->in_use) all.push_back(entry);
      }
      module->kept.clear();
    }
  }
  const TimePoint until = Clock::now() + kCloseTime;
  for (const EntryPtr& entry : all) entry->target.close(Clock::now());
  for (const EntryPtr& entry : all) entry->target.close(until);
}

void Targets::tell(metrics::Sink& sink) const {
  const std::lock_guard lock(mutex_);
  if (modules_.empty()) return;
  const auto tell_counts = [&sink](std::string_view module,
                                   const Counts& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      sink.add(metrics::kProbeRequests,
               {{"module", module},
                {"outcome", to_string(static_cast<ProbeOutcome>(i))}},
               static_cast<double>(counts[i]));
    }
  };
  for (const auto& [name, module] : modules_) {
    sink.add(metrics::kProbeTargets, {{"module", name}},
             static_cast<double>(module->kept.size()));
    const auto found = counts_.find(name);
    tell_counts(name, found == counts_.end() ? Counts{} : found->second);
  }
  // Of requests for a module that there is not.
  const auto nobodys = counts_.find("");
  if (nobodys != counts_.end()) tell_counts("", nobodys->second);
}

}  // namespace dbpool::exporter
