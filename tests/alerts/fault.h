#ifndef DBPOOL_TESTS_ALERTS_FAULT_H_
#define DBPOOL_TESTS_ALERTS_FAULT_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/alerts/alert_stage.h"
#include "tests/e2e/exporter.h"
#include "tests/support/postgres.h"

namespace dbpool::test {

// A fault, and the exporter that it happens to, well at first. The exporter
// is always on the same port, so a restart is one to Prometheus too.
class Fault {
 public:
  explicit Fault(const std::string& name);
  virtual ~Fault() = default;
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;

  const std::string& job() const { return job_; }
  ScrapeTarget target(const std::string& interval) const;
  // All that its exporter says; for a test that failed.
  std::string page();

  virtual void make() = 0;
  virtual void cure() = 0;

  // Those that must arrive after make(), and resolve after cure().
  virtual std::vector<Alert> wanted() const = 0;
  // A second step, after the first has been seen.
  virtual void make_worse() {}
  virtual std::vector<Alert> wanted_when_worse() const { return {}; }
  // Those that may fire besides. All others must not, ever.
  virtual std::set<std::string> accepted() const { return {}; }

 protected:
  // Ends the exporter if it runs, and waits until the new one listens.
  void restart(ExporterOptions options);
  void kill();

 private:
  const std::string job_;
  const int port_;
  std::optional<Exporter> exporter_;
};

// A pool of two connections to a database of its own, and a workload whose
// statement is as slow as the database says.
class PacedFault : public Fault {
 public:
  PacedFault(const std::string& name, const Postgres& postgres, double pace);

 protected:
  const std::string& database() const { return database_; }
  void set_pace(double seconds) const;
  ExporterOptions options(std::vector<std::string> args = {}) const;
  // With a workload, given how many clients or at what rate.
  ExporterOptions workload(std::vector<std::string> args) const;

  const Postgres& postgres_;

 private:
  const std::string database_;
};

// A restart makes it and a restart ends it; without it there is no workload.
class UntilRestarted : public PacedFault {
 public:
  UntilRestarted(const std::string& name, const Postgres& postgres)
      : PacedFault(name, postgres, 0) {
    restart(options());
  }

  void cure() override { restart(options()); }
};

// Of the pool and its callers, on a server that several may share; it has the
// planted role.
std::vector<std::unique_ptr<Fault>> pool_faults(const Postgres& postgres);

// Of the exporter itself, on the same server.
std::vector<std::unique_ptr<Fault>> exporter_faults(const Postgres& postgres);

// Of the database; servers that a fault needs for itself are its own.
std::vector<std::unique_ptr<Fault>> database_faults(Postgres& postgres);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_ALERTS_FAULT_H_
