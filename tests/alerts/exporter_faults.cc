#include "tests/alerts/fault.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

const char* const kGood = "health_without_auth: true\n";

// The exporter itself is gone.
class KilledExporter : public UntilRestarted {
 public:
  explicit KilledExporter(const Postgres& postgres)
      : UntilRestarted("gone", postgres) {}

  void make() override { kill(); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolExporterDown", "warning"}};
  }
};

// A mistake gets into the file of --web.config.file while the exporter runs.
class BrokenConfiguration : public PacedFault {
 public:
  explicit BrokenConfiguration(const Postgres& postgres)
      : PacedFault("misconfigured", postgres, 0) {
    write_file(file_, kGood);
    restart(options({"--web.config.file=" + file_}));
  }

  void make() override { write_file(file_, "basic_auth_user: {}\n"); }
  void cure() override { write_file(file_, kGood); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolReloadFailed", "warning"}};
  }

 private:
  const TempDir dir_;
  const std::string file_ = dir_.path() + "/web.yml";
};

}  // namespace

std::vector<std::unique_ptr<Fault>> exporter_faults(const Postgres& postgres) {
  std::vector<std::unique_ptr<Fault>> faults;
  faults.push_back(std::make_unique<KilledExporter>(postgres));
  faults.push_back(std::make_unique<BrokenConfiguration>(postgres));
  return faults;
}

}  // namespace dbpool::test
