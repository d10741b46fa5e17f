#include "exporter/workload/script/builtin.h"

namespace dbpool::exporter::script {
namespace {

constexpr std::string_view kTpcbLike = R"(\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
  VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
)";

constexpr std::string_view kSimpleUpdate =
    R"(\set aid random(1, 100000 * :scale)
\set bid random(1, 1 * :scale)
\set tid random(1, 10 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
  VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
)";

constexpr std::string_view kSelectOnly =
    R"(\set aid random(1, 100000 * :scale)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
)";

}  // namespace

std::optional<std::string_view> builtin_script(std::string_view name) noexcept {
  if (name == "tpcb-like") return kTpcbLike;
  if (name == "simple-update") return kSimpleUpdate;
  if (name == "select-only") return kSelectOnly;
  return std::nullopt;
}

std::string_view builtin_names() noexcept {
  return "tpcb-like, simple-update, select-only";
}

}  // namespace dbpool::exporter::script
