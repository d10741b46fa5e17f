#include "tests/alerts/fault.h"

#include <stdexcept>
#include <utility>

#include "tests/support/net.h"

namespace dbpool::test {

Fault::Fault(const std::string& name)
    : job_("dbpool-" + name), port_(free_port()) {}

ScrapeTarget Fault::target(const std::string& interval) const {
  return {.job = job_, .port = port_, .interval = interval};
}

std::string Fault::page() {
  try {
    return http_get(port_, "/metrics").body;
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

void Fault::restart(ExporterOptions options) {
  if (exporter_) exporter_->stop();
  options.listen = false;
  options.args.push_back("--web.listen-address=127.0.0.1:" +
                         std::to_string(port_));
  exporter_.emplace(std::move(options));
  exporter_->port();
}

void Fault::kill() { exporter_->stop(SIGKILL); }

PacedFault::PacedFault(const std::string& name, const Postgres& postgres,
                       double pace)
    : Fault(name), postgres_(postgres), database_("paced_" + name) {
  postgres_.sql("CREATE DATABASE " + database_);
  postgres_.sql("CREATE TABLE pace AS SELECT " + std::to_string(pace) +
                    "::float8 AS seconds",
                database_);
  postgres_.sql("GRANT SELECT ON pace TO " + std::string(kPlantedUser),
                database_);
}

void PacedFault::set_pace(double seconds) const {
  postgres_.sql("UPDATE pace SET seconds = " + std::to_string(seconds),
                database_);
}

ExporterOptions PacedFault::options(std::vector<std::string> args) const {
  return {.database_url = planted_url(postgres_.port(), database_),
          .args = std::move(args),
          .env = {{"DB_POOL_MAX", "2"}, {"DB_POOL_MIN", "1"}}};
}

ExporterOptions PacedFault::workload(std::vector<std::string> args) const {
  args.emplace_back("--workload.sql=paced=SELECT pg_sleep(seconds) FROM pace");
  return options(std::move(args));
}

}  // namespace dbpool::test
