#include <chrono>

#include "tests/alerts/fault.h"
#include "tests/support/pg_session.h"

namespace dbpool::test {
namespace {

const char* const kBurn = "DbpoolAcquireBudgetBurn";

// Statements get slower; nobody fails, but everybody waits.
class SlowStatements : public PacedFault {
 public:
  explicit SlowStatements(const Postgres& postgres)
      : PacedFault("slow", postgres, 0.002) {
    restart(workload({"--workload.clients=8", "--workload.think=200ms"}));
  }

  void make() override { set_pace(0.2); }
  void cure() override { set_pace(0.002); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolWaitingRequests", "warning"}, {kBurn, "critical"}};
  }
  std::set<std::string> accepted() const override {
    return {"DbpoolNearExhaustion"};
  }
};

// A lock that somebody else holds; acquires time out, and so do statements.
class LockedTable : public PacedFault {
 public:
  explicit LockedTable(const Postgres& postgres)
      : PacedFault("locked", postgres, 0) {
    ExporterOptions exporter =
        workload({"--workload.clients=6", "--workload.think=500ms"});
    exporter.env["DB_CONNECTION_TIMEOUT_MS"] = "500";
    exporter.env["DB_STATEMENT_TIMEOUT_MS"] = "1000";
    restart(exporter);
  }

  void make() override {
    other_.emplace(postgres_.url(database()));
    other_->execute("BEGIN");
    other_->execute("LOCK TABLE pace IN ACCESS EXCLUSIVE MODE");
  }
  void cure() override { other_.reset(); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolExhausted", "critical"}, {"DbpoolQueriesSlow", "warning"}};
  }
  std::set<std::string> accepted() const override {
    return {"DbpoolWaitingRequests", "DbpoolNearExhaustion", kBurn,
            "DbpoolProbeFailing", "DbpoolConnectionChurn"};
  }

 private:
  std::optional<PgSession> other_;
};

// Six clients share two connections, and a short queue is always there. That
// is no reason for an alert but that there is little room left.
class BriskMultiplexing : public PacedFault {
 public:
  explicit BriskMultiplexing(const Postgres& postgres)
      : PacedFault("brisk", postgres, 0.02) {
    run_clients(1);
  }

  void make() override { run_clients(6); }
  void cure() override { run_clients(1); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolNearExhaustion", "warning"}};
  }

 private:
  void run_clients(int count) {
    restart(workload({"--workload.clients=" + std::to_string(count),
                      "--workload.think=20ms"}));
  }
};

// A client that never gives its connection back.
class LeakedLease : public UntilRestarted {
 public:
  explicit LeakedLease(const Postgres& postgres)
      : UntilRestarted("leaky", postgres) {}

  void make() override {
    ExporterOptions leaky =
        workload({"--workload.clients=1", "--workload.hold=24h"});
    leaky.env["DB_LEAK_THRESHOLD_MS"] = "500";
    leaky.env["DB_DRAIN_TIMEOUT_MS"] = "500";
    restart(leaky);
  }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolLeakSuspected", "warning"}};
  }
};

// A connection is thrown away after each use, be it a probe's.
class ThrownAwayConnections : public UntilRestarted {
 public:
  explicit ThrownAwayConnections(const Postgres& postgres)
      : UntilRestarted("churning", postgres) {}

  void make() override {
    ExporterOptions churning = options();
    churning.env["DB_MAX_USES"] = "1";
    restart(churning);
  }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolConnectionChurn", "warning"}};
  }
};

}  // namespace

std::vector<std::unique_ptr<Fault>> pool_faults(const Postgres& postgres) {
  std::vector<std::unique_ptr<Fault>> faults;
  faults.push_back(std::make_unique<SlowStatements>(postgres));
  faults.push_back(std::make_unique<LockedTable>(postgres));
  faults.push_back(std::make_unique<BriskMultiplexing>(postgres));
  faults.push_back(std::make_unique<LeakedLease>(postgres));
  faults.push_back(std::make_unique<ThrownAwayConnections>(postgres));
  return faults;
}

}  // namespace dbpool::test
