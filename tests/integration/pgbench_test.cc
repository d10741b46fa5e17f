// Scripts beside pgbench itself, run against the same database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "exporter/workload/script/load.h"
#include "exporter/workload/workload.h"
#include "tests/integration/pool_fixture.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using test::eventually;
using test::kPatience;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;

class PgbenchTest : public test::PoolTest {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    test::write_file(dir_.path() + "/" + name, text);
    return dir_.path() + "/" + name;
  }

  // Throws with its output unless it ends well.
  std::string pgbench(std::vector<std::string> args) {
    args.push_back(url());
    return test::run_to_end({.program = "pgbench",
                             .args = std::move(args),
                             .env = {{"LC_ALL", "C"}},
                             .working_dir = {}});
  }
  bool pgbench_fails(const std::string& path) {
    try {
      pgbench({"-n", "-t", "1", "-f", path});
      return false;
    } catch (const std::runtime_error&) {
      return true;
    }
  }

  static WorkloadOptions load_of(const std::vector<std::string>& scripts) {
    WorkloadOptions options;
    options.scripts = script::load_scripts(scripts).value();
    options.clients = 1;
    options.seed = 1;
    return options;
  }
  // Runs it until so many requests have ended, and to its end.
  void run(const WorkloadOptions& options, std::uint64_t requests) {
    Pool pool = this->pool(test::quiet_options(4));
    Workload workload(pool, options, {},
                      [this](std::string_view, std::string_view problem) {
                        problem_ = problem;
                      });
    workload.start();
    EXPECT_TRUE(eventually(kPatience, [&] {
      return workload.metrics().total_finished() >= requests;
    }));
    workload.stop();
    ASSERT_TRUE(workload.wait(test::in(kPatience)));
    stats_ = pool.stats();
    // Those that still waited for a lease have not begun.
    unbegun_ = test::at(stats_.acquire_failures, AcquireFailure::kCancelled);
    finished_ = workload.metrics().total_finished() - unbegun_;
    failed_ = workload.metrics().total_failed() - unbegun_;
  }
  std::string value(const std::string& sql) {
    return server_.sql_value(sql, database_);
  }

  const test::TempDir dir_;
  // Of the last run(); all but the first of the requests that had a lease.
  std::uint64_t unbegun_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t failed_ = 0;
  std::string problem_;
  PoolStats stats_;
};

const std::vector<std::string>& expressions() {
  static const std::vector<std::string> kAll = {
      // Precedence and associativity.
      "1 + 2 * 3",
      "(1 + 2) * 3",
      "10 - 4 - 3",
      "100 / 7 / 2",
      "7 % 4 * 2",
      "2 * 7 % 4",
      "-7 / 2",
      "-7 % 4",
      "7 / -2",
      "- 2 * 3",
      "-(2 + 3)",
      "+5",
      "- -5",
      "5 - -3",
      "1 | 2 & 3",
      "6 & 3 | 8",
      "5 # 3 & 1",
      "1 << 3 + 1",
      "1 + 1 << 3",
      "-8 >> 1",
      "1 << 62",
      "~5",
      "~1 + 2",
      "~1 | 4",
      "~ ~5",
      "1 < 2 and 2 < 3",
      "1 = 1 or 1 / 0 = 1",
      "not true or true",
      "not 1 = 2",
      "not not true",
      "1 + 2 = 3",
      "1 | 2 = 3",
      "3 <> 4",
      "3 != 3",
      "2 <= 2",
      "3 >= 4",
      "5 > 4",
      "1 = 1 is true",
      "1 = 2 is not false",
      "1 is null",
      "null isnull",
      "1 notnull",
      "null is not null",
      "true is true",
      "1 = 2 is null",
      "1 + case when true then 2 end * 3",
      // NULL.
      "null",
      "null + 1",
      "null = null",
      "null and false",
      "false and null",
      "true or null",
      "null or true",
      "not null",
      "greatest(1, null)",
      "null is true",
      "abs(null)",
      "case when null then 1 else 2 end",
      // Types.
      "1.5 + 1",
      "1 / 2.0",
      "7 / 2",
      "1e3",
      ".5",
      "5.",
      "1.5e-3",
      "0.1 + 0.2",
      "1e300 * 1e300",
      "-1.0 / 0",
      "0.0 / 0 = 0",
      "3.0",
      "1e15",
      "1e16",
      "123456789.123456789",
      "5.5 % 3",
      "5 = 5.0",
      "1.5 < 2",
      "9223372036854775807",
      "-9223372036854775808",
      "-9223372036854775808 % -1",
      "TRUE",
      "False",
      "NULL",
      // Functions.
      "abs(-5)",
      "abs(-5.5)",
      "double(5)",
      "exp(1)",
      "greatest(1, 5, 3)",
      "greatest(1, 2.5)",
      "least(4, 2, 3)",
      "least(1, 2.5)",
      "greatest(7)",
      "int(2.5)",
      "int(3.5)",
      "int(-2.5)",
      "int(5.4 + 3.8)",
      "ln(2.718281828)",
      "mod(54, 32)",
      "mod(-5, 3)",
      "pi()",
      "pow(2.0, 10)",
      "power(2, -1)",
      "power(-8, 0.5)",
      "sqrt(2)",
      "sqrt(-1)",
      "ln(0)",
      "ABS(-1)",
      "hash(10, 5432)",
      "hash_murmur2(-1, 0)",
      "hash_fnv1a(10, 5432)",
      "hash_fnv1a(-9223372036854775808, -1)",
      "hash(0, 0)",
      "permute(0, 1, 7)",
      "random(5, 5)",
      "random_zipfian(3, 3, 2)",
      "random_gaussian(3, 3, 2.5)",
      "random_exponential(3, 3, 2.5)",
      // Variables.
      ":i",
      ":i + :d",
      ":i * :scale",
      ":client_id",
      ":b",
      ":nil is null",
      "case when :i > 5 then 'x' end is null",
      "case when :i > 5 then 1 when :i > 3 then 2 else 3 end",
      "case when :i then 'a' end is null",
      "case when 0 then 1 else 2 end",
      "case when :b then :d end",
      "case when false then 1 end",
  };
  return kAll;
}

constexpr std::string_view kGiven =
    "\\set i 7\n\\set d 2.5\n\\set b true\n\\set nil null\n";

// Without those that neither side takes: they are compared as such.
TEST_F(PgbenchTest, ExpressionsAreWhatPgbenchMakesOfThem) {
  server_.sql("CREATE TABLE results (i int, value text)", database_);
  std::vector<std::string> sound;
  std::string text(kGiven);
  for (const std::string& expression : expressions()) {
    if (!script::parse_expression(expression)) {
      EXPECT_TRUE(pgbench_fails(file("one.sql", "\\set r " + expression)))
          << expression;
      continue;
    }
    text += "\\set r " + expression + "\nINSERT INTO results VALUES (" +
            std::to_string(sound.size()) + ", ':r');\n";
    sound.push_back(expression);
  }
  EXPECT_GT(sound.size(), 100U);
  const std::string path = file("all.sql", text);
  pgbench({"-n", "-t", "1", "-f", path});
  const auto wanted =
      server_.sql("SELECT value FROM results ORDER BY i", database_);
  server_.sql("TRUNCATE results", database_);
  run(load_of({path}), 1);
  EXPECT_EQ(failed_, 0U) << problem_;
  const auto got = server_.sql(
      "SELECT min(value) FROM results GROUP BY i ORDER BY i", database_);
  ASSERT_EQ(wanted.size(), sound.size());
  ASSERT_EQ(got.size(), sound.size());
  for (std::size_t i = 0; i < sound.size(); ++i) {
    EXPECT_EQ(got[i][0], wanted[i][0]) << sound[i];
  }
}

TEST_F(PgbenchTest, WhatFailsFailsThereToo) {
  for (const std::string expression : {"9223372036854775807 + 1",
                                       "-9223372036854775808 - 1",
                                       "9223372036854775807 * 2",
                                       "-9223372036854775808 / -1",
                                       "1 / 0",
                                       "1 % 0",
                                       "int(1e19)",
                                       "1e19 % 2",
                                       "true + 1",
                                       "1 and true",
                                       "not 1",
                                       "random(2, 1)",
                                       "random(0, 9223372036854775807)",
                                       "random_gaussian(1, 2, 1.5)",
                                       "random_exponential(1, 2, 0)",
                                       "random_zipfian(1, 2, 1.0)",
                                       "permute(1, 0)",
                                       "greatest()",
                                       "pi(1)",
                                       "hash(1, 2, 3)",
                                       "1 < 2 < 3",
                                       "1 = 2 = 3",
                                       "9223372036854775808",
                                       "5 - 9223372036854775808",
                                       "99999999999999999999",
                                       "1e999",
                                       "1 +",
                                       "(1",
                                       "1)",
                                       "a",
                                       "abs",
                                       "1 2",
                                       "case end",
                                       "case when 1 then 2",
                                       "1 is 2",
                                       "+ * 2",
                                       "true = false",
                                       "not false = true",
                                       "int(true)",
                                       "1 & 1.5e30"}) {
    const std::string path = file("bad.sql", "\\set r " + expression + "\n");
    EXPECT_TRUE(pgbench_fails(path)) << expression;
    const auto parsed = script::parse_expression(expression);
    if (!parsed) continue;
    script::Variables none({});
    script::Random random(1);
    EXPECT_FALSE(script::evaluate(*parsed, none, random)) << expression;
  }
}

constexpr std::string_view kEveryCommand = R"(-- a comment; with :i in it
\set i 3
\set half :i / 2.0
INSERT INTO seen VALUES ('plain ' || :i), (':i days'), ($$:half;$$),
  ('colon '':'' 12:34 ' || (:i::int)), ('unset :unset'),
  ('slice ' || (ARRAY[1,2,3])[1:2]::text); /* after; it */
SELECT 41 + 1 AS answer, 'a''b' AS word, NULL AS nothing \gset got_
INSERT INTO seen VALUES ('gset :got_answer'), ('nothing<:got_nothing>');
\set next :got_answer + 1
SELECT n AS last FROM generate_series(1, 3) AS n \aset
SELECT 1 AS last WHERE false \aset
INSERT INTO seen VALUES ('aset :last :next');
\if :i > 5
INSERT INTO seen VALUES ('if');
\elif :i = 3 and :scale = 1
INSERT INTO seen VALUES ('elif');
\if false
INSERT INTO seen VALUES ('inner if');
\else
INSERT INTO seen VALUES ('inner else');
\endif
\else
INSERT INTO seen VALUES ('else');
\endif
\sleep 1 ms
BEGIN; INSERT INTO seen
  VALUES ('two on a line'); END;
\set long 1 + \
  2
INSERT INTO seen VALUES ('continued :long')
)";

TEST_F(PgbenchTest, AScriptHasTheSameEffect) {
  server_.sql("CREATE TABLE seen (what text)", database_);
  const std::string path = file("every.sql", std::string(kEveryCommand));
  const std::string all =
      "SELECT string_agg(DISTINCT what, E'\\n' ORDER BY what) FROM seen";
  pgbench({"-n", "-t", "1", "-f", path});
  const std::string wanted = value(all);
  server_.sql("TRUNCATE seen", database_);
  run(load_of({path}), 3);
  EXPECT_EQ(failed_, 0U) << problem_;
  EXPECT_EQ(value(all), wanted);
  EXPECT_THAT(wanted, HasSubstr("inner else"));
}

TEST_F(PgbenchTest, BalancesAddUpAsTheTransactionsThatRan) {
  pgbench({"-i", "-q", "-s", "2"});
  WorkloadOptions options = load_of(
      {"builtin:tpcb-like@3", "builtin:simple-update", "builtin:select-only"});
  options.clients = 4;
  run(options, 500);
  EXPECT_EQ(failed_, 0U) << problem_;
  EXPECT_EQ(value("SELECT (SELECT sum(abalance) FROM pgbench_accounts) = "
                  "(SELECT sum(delta) FROM pgbench_history)"),
            "t");
  EXPECT_EQ(value("SELECT (SELECT sum(tbalance) FROM pgbench_tellers) = "
                  "(SELECT sum(bbalance) FROM pgbench_branches)"),
            "t");
  // Both branches: :scale is the database's.
  EXPECT_EQ(value("SELECT count(DISTINCT bid) FROM pgbench_history"), "2");
  EXPECT_EQ(value("SELECT max(aid) > 100000 FROM pgbench_history"), "t");
  EXPECT_EQ(stats_.acquires, finished_);
}

TEST_F(PgbenchTest, ScriptsAreDrawnByTheirWeights) {
  server_.sql("CREATE TABLE drawn (which int)", database_);
  const std::vector<std::string> given = {
      file("a.sql", "INSERT INTO drawn VALUES (1);") + "@7",
      file("b.sql", "INSERT INTO drawn VALUES (2);") + "@3",
      file("c.sql", "INSERT INTO drawn VALUES (3);") + "@0"};
  const auto expect_mix = [&] {
    const double all = std::stod(value("SELECT count(*) FROM drawn"));
    const double first =
        std::stod(value("SELECT count(*) FROM drawn WHERE which = 1"));
    EXPECT_GE(all, 2000);
    EXPECT_NEAR(first / all, 0.7, 6 * std::sqrt(0.7 * 0.3 / all));
    EXPECT_EQ(value("SELECT count(*) FROM drawn WHERE which = 3"), "0");
    server_.sql("TRUNCATE drawn", database_);
  };
  pgbench({"-n", "-t", "2000", "-f", given[0], "-f", given[1], "-f", given[2]});
  expect_mix();
  WorkloadOptions options = load_of(given);
  options.clients = 4;
  run(options, 2000);
  expect_mix();
}

TEST_F(PgbenchTest, ARunHoldsOneLeaseItsSleepIncluded) {
  const std::string path =
      file("sleep.sql", "BEGIN;\n\\sleep 20 ms\nSELECT 1;\nEND;\n");
  for (const bool is_open : {false, true}) {
    WorkloadOptions options = load_of({path});
    options.clients = is_open ? 0 : 3;
    options.rate = is_open ? 100 : 0;
    run(options, 10);
    EXPECT_EQ(failed_, 0U);
    EXPECT_EQ(stats_.acquires, finished_ + unbegun_);
    EXPECT_EQ(stats_.lease_duration.count(), finished_);
    EXPECT_GE(stats_.lease_duration.sum, finished_ * milliseconds(20));
  }
}

TEST_F(PgbenchTest, ClientsKeepTheirVariablesAndHaveNumbers) {
  server_.sql("CREATE TABLE runs (client int, run int)", database_);
  WorkloadOptions options = load_of(
      {file("count.sql",
            "SELECT coalesce(max(run), 0) AS before FROM runs WHERE client = "
            ":client_id \\gset\n"
            "\\if :before = 0\n\\set run 0\n\\endif\n"
            "\\set run :run + 1\n"
            "INSERT INTO runs VALUES (:client_id, :run);\n")});
  options.clients = 3;
  run(options, 30);
  EXPECT_EQ(failed_, 0U) << problem_;
  EXPECT_EQ(value("SELECT count(DISTINCT client) || ' ' || min(client) || ' ' "
                  "|| max(client) FROM runs"),
            "3 0 2");
  // Each client counted on from where it was.
  EXPECT_EQ(value("SELECT count(*) = count(DISTINCT (client, run)) AND "
                  "count(*) = (SELECT sum(m) FROM (SELECT max(run) AS m FROM "
                  "runs GROUP BY client) AS each) FROM runs"),
            "t");
}

TEST_F(PgbenchTest, AFailureLeavesNoTransactionBehind) {
  const std::string what = "SELECT count(*) FROM left_behind";
  server_.sql("CREATE TABLE left_behind (i int)", database_);
  const auto fails = [&](const std::string& rest, const std::string& told) {
    run(load_of({file("fail.sql",
                      "BEGIN;\nINSERT INTO left_behind VALUES (1);\n" + rest)}),
        3);
    EXPECT_EQ(failed_, finished_);
    EXPECT_THAT(problem_, HasSubstr(told));
    EXPECT_EQ(stats_.dirty_returns, 0U);
    EXPECT_EQ(stats_.opened, 1U);
    EXPECT_EQ(value(what), "0");
    EXPECT_THAT(stats_.queries,
                Contains(Field("name", &QueryStats::name, "fail:end")));
  };
  fails("SELECT 1/0;\nEND;\n", "");
  fails("\\set a 1 / 0\nEND;\n", "fail.sql:3: \\set: division by zero");
  fails("SELECT 1 WHERE false \\gset\nEND;\n",
        "fail.sql:3: SQL: \\gset: expected one row, got 0");
  fails("", "fail.sql: ends inside a transaction");
}

TEST_F(PgbenchTest, StopWaitsForTheScriptAndCancelDoesNot) {
  WorkloadOptions options =
      load_of({file("long.sql", "BEGIN;\n\\sleep 3600 s\nEND;\n")});
  Pool pool = this->pool(test::quiet_options(1));
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(eventually(kPatience, [&] {
    return backends("state = 'idle in transaction'") == 1;
  }));
  workload.stop();
  EXPECT_FALSE(workload.wait(test::in(milliseconds(50))));
  workload.cancel();
  EXPECT_TRUE(workload.wait(test::in(kPatience)));
  EXPECT_EQ(workload.metrics().total_failed(), 1U);
  EXPECT_TRUE(pool.close(test::in(kPatience)).clean());
}

}  // namespace
}  // namespace dbpool::exporter
