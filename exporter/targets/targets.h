// Targets: /probe without the HTTP: from a target and a module to a page of
// metrics.
//
//   module ─▶ target's grammar ─▶ allow-list ─▶ a place among those under way
//     ─▶ its addresses ─▶ allow-list ─▶ the kept target ─▶ probes ─▶ page
//
// Nothing is sent to anybody, and no name is resolved, before the allow-list
// has said yes. What a caller may make the program do is bounded: the probes
// under way, half of them for targets that used up their time when last asked;
// the targets kept, those that are down leaving for others.
#ifndef DBPOOL_EXPORTER_TARGETS_TARGETS_H_
#define DBPOOL_EXPORTER_TARGETS_TARGETS_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "dbpool/resolve.h"
#include "exporter/base/ticker.h"
#include "exporter/logging/event_log.h"
#include "exporter/logging/logger.h"
#include "exporter/metrics/metric_sink.h"
#include "exporter/settings/settings.h"
#include "exporter/targets/kept_target.h"
#include "exporter/targets/probe_results.h"
#include "exporter/targets/story.h"

namespace dbpool::exporter {

struct ProbeRequest {
  std::string target;                 // as the caller wrote it, decoded
  std::optional<std::string> module;  // nullopt: the only one
  bool debug = false;                 // tell the story, too
  // How long the caller waits.
  std::optional<Duration> scrape_timeout = {};
};

struct ProbeAnswer {
  int status = 200;
  // With 200 a page of metrics; else one line. With `debug` the story before
  // it.
  std::string text;
};

// Thread-safety: probe(), results() and tell() from any thread; the others
// belong to the owner.
class Targets final : public metrics::Source {
 public:
  using Resolve = std::function<TargetAddresses(
      const std::string& name, TimePoint deadline, const std::stop_token&)>;

  // No more than `most_under_way` probes at once. `log` must outlive it.
  Targets(std::uint32_t most_under_way, Logger& log,
          Resolve resolve = dbpool::resolve);

  // From now on. Targets of a module that has changed or is gone are dropped;
  // a probe of them that is under way ends as it would have.
  void set_modules(std::vector<ModuleSettings> modules);

  // Blocks for the time of the module, or the caller's less a margin, and the
  // grace of a cancelled statement at most.
  ProbeAnswer probe(const ProbeRequest& request);

  // Of the last hundred, the newest first.
  std::vector<ProbeEntry> results() const { return results_.all(); }

  // Ends what is under way, and closes all connections, for a second at most.
  // Then nothing is probed any more.
  void stop();

  // dbpool_exporter_probe_*, once there is a module.
  void tell(metrics::Sink& sink) const override;

 private:
  struct Entry {
    Entry(std::shared_ptr<const ModuleSettings> module, TargetName name,
          std::shared_ptr<EventSink> events)
        : target(std::move(module), std::move(name), std::move(events)) {}

    KeptTarget target;  // whose turn it is
    TimePoint last_used{};
    bool in_use = true;
    // Of the last run; nullopt before the first.
    std::optional<bool> is_up = {};
    bool was_slow = false;  // it took all of its time
  };
  using EntryPtr = std::shared_ptr<Entry>;
  struct Module {
    std::shared_ptr<const ModuleSettings> settings;
    std::shared_ptr<EventLog> events;
    std::map<std::string, EntryPtr> kept;  // by to_string(target)
  };
  using ModulePtr = std::shared_ptr<Module>;
  // Why there is no page.
  struct No {
    ProbeOutcome outcome;
    std::string text;  // one line
  };
  template <typename T>
  using OrNo = tl::expected<T, No>;
  struct Asked {
    ModulePtr module;
    TargetName target;
    std::string name;  // of the target
    TimePoint deadline;
  };
  using Counts = std::array<std::uint64_t, kProbeOutcomeCount>;

  OrNo<std::string> answer(const ProbeRequest& request, Story& story,
                           ProbeEntry& result);
  OrNo<Asked> understand(const ProbeRequest& request, Story& story,
                         ProbeEntry& result) const;
  ModulePtr find_module(const std::optional<std::string>& name) const;
  std::optional<No> enter(const Asked& asked, bool& is_slow);
  void leave(bool is_slow);
  static bool is_slow_server(const Module& module, std::string_view name);
  OrNo<std::string> ask(const Asked& asked, Story& story, ProbeEntry& result);
  std::optional<No> find_addresses(const Asked& asked, Story& story,
                                   TargetAddresses& addresses) const;
  OrNo<EntryPtr> take(const Asked& asked, bool is_worth_keeping);
  static EntryPtr take_out_oldest_down(Module& module);
  void give_back(const EntryPtr& entry);
  void note(const Asked& asked, Entry& entry, const TargetRun& run);
  void sweep();
  void count(const ProbeEntry& result);

  // Constant after construction.
  const std::uint32_t most_under_way_;
  Logger& log_;
  const Resolve resolve_;

  ProbeResults results_;
  std::stop_source stop_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_, the kept entries too, but for their `target`.
  std::map<std::string, ModulePtr> modules_;
  std::map<std::string, Counts> counts_;  // by module
  std::uint32_t under_way_ = 0;
  std::uint32_t slow_under_way_ = 0;

  // The owner's, once there is a module. Last: it uses all of the above.
  std::optional<Ticker> sweeper_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_TARGETS_H_
