#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "pool/src/session/session.h"
#include "tests/integration/statement_fixture.h"
#include "tests/support/entries.h"

namespace dbpool::test {
namespace {

constexpr ResultFormat kFormats[] = {ResultFormat::kText,
                                     ResultFormat::kBinary};

class Execute : public ::testing::Test {
 protected:
  template <typename T>
  T echo(const std::string& type, const T& value, ResultFormat format) {
    const std::string sql = "SELECT $1::" + type;
    const Rows rows =
        must(connection_->execute(sql, {value}, {.format = format}));
    if (rows.size() != 1) return T();
    EXPECT_EQ(rows.is_binary(0), format == ResultFormat::kBinary);
    const auto read = rows.get<T>(0, 0);
    if (read) return *read;
    ADD_FAILURE() << read.error().message;
    return T();
  }

  std::string prepared_count() {
    return text_of(*connection_,
                   "SELECT count(*) FROM pg_prepared_statements "
                   "WHERE statement NOT LIKE '%pg_prepared%'");
  }

  std::unique_ptr<Connection> connection_ = open_connection();
};

TEST_F(Execute, NumbersComeBackAsTheyWent) {
  for (const ResultFormat format : kFormats) {
    EXPECT_EQ(echo<bool>("bool", true, format), true);
    EXPECT_EQ(echo<std::int16_t>("int2", -32768, format), -32768);
    EXPECT_EQ(echo<int>("int4", -70'000, format), -70'000);
    const auto least = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(echo<std::int64_t>("int8", least, format), least);
    EXPECT_EQ(echo<std::uint32_t>("oid", 4'294'967'295U, format),
              4'294'967'295U);
    EXPECT_EQ(echo<float>("float4", 0.1F, format), 0.1F);
    EXPECT_EQ(echo<double>("float8", 1.0 / 3.0, format), 1.0 / 3.0);
    const double tiny = std::numeric_limits<double>::denorm_min();
    EXPECT_EQ(echo<double>("float8", tiny, format), tiny);
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_EQ(echo<double>("float8", -infinity, format), -infinity);
    EXPECT_TRUE(std::isnan(echo<double>("float8", std::nan(""), format)));
  }
  EXPECT_EQ(echo<double>("numeric", 12.5, ResultFormat::kText), 12.5);
}

TEST_F(Execute, TextAndBytesComeBackAsTheyWent) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<std::byte>(i));
  for (const ResultFormat format : kFormats) {
    EXPECT_EQ(echo<std::string>("text", "naïve ☃ 'quoted' \\x", format),
              "naïve ☃ 'quoted' \\x");
    EXPECT_EQ(echo<std::string>("varchar", "", format), "");
    EXPECT_EQ(echo<std::vector<std::byte>>("bytea", bytes, format), bytes);
    EXPECT_EQ(echo<std::optional<int>>("int4", std::nullopt, format),
              std::nullopt);
    EXPECT_EQ(echo<std::optional<std::string>>("text", std::nullopt, format),
              std::nullopt);
    EXPECT_EQ(echo<std::optional<int>>("int4", 7, format), 7);
  }
}

TEST_F(Execute, AnIntegerOfAnyTypeFitsAColumnOfAnyType) {
  must(connection_->execute(
      "CREATE TEMP TABLE numbers (a int2, b int4, c int8, d numeric, e text, "
      "f float8)"));
  must(connection_->execute("INSERT INTO numbers VALUES ($1,$2,$3,$4,$5,$6)",
                            {short{5}, 5U, 5L, 5ULL, 5, char{5}}));
  for (const char* column : {"a", "b", "c", "d", "e", "f"}) {
    const std::string sql =
        "SELECT count(*) FROM numbers WHERE " + std::string(column) + " = $1";
    EXPECT_EQ(text_of(*connection_, sql, {5}), "1") << column;
    EXPECT_EQ(text_of(*connection_, sql, {std::uint64_t{5}}), "1") << column;
  }
}

TEST_F(Execute, AValueOfManyMegabytesPassesBothWays) {
  const std::string text(std::size_t{24} << 20, 'x');
  EXPECT_EQ(echo<std::string>("text", text, ResultFormat::kText), text);
  EXPECT_FALSE(connection_->is_broken());
}

TEST_F(Execute, TellsWhatACommandDid) {
  must(connection_->execute("CREATE TEMP TABLE t (a int)"));
  const auto run = [this](const char* sql) {
    return must(connection_->execute(sql));
  };
  const Rows inserted = run("INSERT INTO t SELECT generate_series(1, 3)");
  EXPECT_EQ(inserted.affected(), 3U);
  EXPECT_EQ(inserted.command(), "INSERT 0 3");
  EXPECT_TRUE(inserted.empty());
  EXPECT_EQ(run("UPDATE t SET a = a WHERE a > 1").affected(), 2U);
  EXPECT_EQ(run("DELETE FROM t WHERE a = 9").affected(), 0U);
  const Rows returned = run("DELETE FROM t RETURNING a");
  EXPECT_EQ(returned.affected(), 3U);
  EXPECT_EQ(returned.size(), 3U);
  const Rows read = run("SELECT 1 UNION ALL SELECT 2");
  EXPECT_EQ(read.affected(), 0U);
  EXPECT_EQ(read.size(), 2U);
}

TEST_F(Execute, AnEmptyStatementIsNoError) {
  for (const char* sql : {"", "  ", "-- nothing", ";"}) {
    EXPECT_TRUE(must(connection_->execute(sql)).empty()) << sql;
  }
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

TEST_F(Execute, TellsTheTransactionStatus) {
  EXPECT_EQ(connection_->transaction_status(), TransactionStatus::kIdle);
  must(connection_->execute("BEGIN"));
  EXPECT_EQ(connection_->transaction_status(),
            TransactionStatus::kInTransaction);
  error_of(connection_->execute("SELECT 1/0"));
  EXPECT_EQ(connection_->transaction_status(), TransactionStatus::kInError);
  EXPECT_EQ(error_of(connection_->execute("SELECT 1")).sqlstate, "25P02");
  must(connection_->execute("ROLLBACK"));
  EXPECT_EQ(connection_->transaction_status(), TransactionStatus::kIdle);
}

TEST_F(Execute, TellsFactsOfTheSession) {
  EXPECT_EQ(std::to_string(connection_->backend_pid()),
            text_of(*connection_, "SELECT pg_backend_pid()"));
  EXPECT_EQ(std::to_string(connection_->server_version()),
            text_of(*connection_, "SHOW server_version_num"));
  EXPECT_EQ(connection_->parameter("server_encoding"), "UTF8");
  EXPECT_EQ(connection_->parameter("no_such_parameter"), "");
}

TEST_F(Execute, PreparesOnceAndOnlyIfAsked) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(text_of(*connection_, "SELECT $1::int", {i}), std::to_string(i));
  }
  EXPECT_EQ(prepared_count(), "1");
  must(connection_->execute("SELECT 2", {}, {.prepare = false}));
  EXPECT_EQ(prepared_count(), "1");
}

TEST_F(Execute, KeepsNoMorePreparedStatementsThanAllowed) {
  ConnectOptions options = patient_options();
  options.max_prepared_statements = 3;
  connection_ = open_connection(options);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(text_of(*connection_, "SELECT " + std::to_string(i)),
                std::to_string(i));
    }
  }
  EXPECT_EQ(
      text_of(*connection_, "SELECT count(*) FROM pg_prepared_statements"),
      "3");
  must(connection_->execute("BEGIN"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(text_of(*connection_, "SELECT " + std::to_string(i)),
              std::to_string(i));
  }
  must(connection_->execute("COMMIT"));
  EXPECT_EQ(
      text_of(*connection_, "SELECT count(*) FROM pg_prepared_statements"),
      "3");
}

TEST_F(Execute, NeverPreparesWithoutACache) {
  ConnectOptions options = patient_options();
  options.max_prepared_statements = 0;
  connection_ = open_connection(options);
  EXPECT_EQ(text_of(*connection_, "SELECT $1::int", {1}), "1");
  EXPECT_EQ(
      text_of(*connection_, "SELECT count(*) FROM pg_prepared_statements"),
      "0");
}

TEST_F(Execute, SurvivesAChangeOfTheTableUnderAPreparedStatement) {
  must(connection_->execute("CREATE TEMP TABLE changing (a int)"));
  const char* const sql = "SELECT * FROM changing";
  EXPECT_EQ(must(connection_->execute(sql)).columns(), 1U);
  for (std::size_t columns = 2; columns < 5; ++columns) {
    must(connection_->execute("ALTER TABLE changing ADD COLUMN c" +
                              std::to_string(columns) + " int"));
    EXPECT_EQ(must(connection_->execute(sql)).columns(), columns);
  }
  // The outdated ones are gone from the server: CREATE, SELECT and 3 × ALTER.
  EXPECT_EQ(prepared_count(), "5");
}

TEST_F(Execute, InATransactionAChangedTableIsAnErrorOnce) {
  must(connection_->execute("CREATE TEMP TABLE changing (a int)"));
  const char* const sql = "SELECT * FROM changing";
  must(connection_->execute(sql));
  must(connection_->execute("BEGIN"));
  must(connection_->execute("ALTER TABLE changing ADD COLUMN b int"));
  const Error error = error_of(connection_->execute(sql));
  EXPECT_EQ(error.sqlstate, "0A000");
  EXPECT_EQ(error.outcome, Outcome::kFailed);
  must(connection_->execute("ROLLBACK"));
  EXPECT_EQ(must(connection_->execute(sql)).columns(), 1U);
}

TEST_F(Execute, SurvivesTheLossOfItsPreparedStatements) {
  for (const char* loss : {"DISCARD ALL", "DEALLOCATE ALL",
                           "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"}) {
    EXPECT_EQ(text_of(*connection_, "SELECT 5"), "5");
    must(connection_->execute(loss));
    EXPECT_EQ(text_of(*connection_, "SELECT 5"), "5") << loss;
    EXPECT_EQ(text_of(*connection_, "SELECT 5"), "5") << loss;
  }
}

TEST_F(Execute, PrintsNoNotices) {
  ::testing::internal::CaptureStderr();
  must(connection_->execute("DO $$ BEGIN RAISE WARNING 'hear me'; END $$"));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(Execute, DropsNotifications) {
  must(connection_->execute("LISTEN channel"));
  for (int i = 0; i < 100; ++i) {
    must(connection_->execute("NOTIFY channel, 'payload'"));
  }
  EXPECT_EQ(PQnotifies(connection_->session().pg()), nullptr);
}

TEST_F(Execute, TenThousandStatementsLeaveNothingOpen) {
  must(connection_->execute("SELECT $1::int", {0}));
  const std::size_t before = entries_of("/proc/self/fd");
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(text_of(*connection_, "SELECT $1::int", {i}), std::to_string(i));
  }
  EXPECT_EQ(entries_of("/proc/self/fd"), before);
}

TEST_F(Execute, AChildOfForkIsRefusedAndTheParentGoesOn) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto result = connection_->execute("SELECT 1");
    const bool refused = !result && result.error().kind == ErrorKind::kForked;
    connection_.reset();  // must not say goodbye for the parent
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text_of(*connection_, "SELECT 1"), "1");
}

struct SeenStatement {
  std::string pool, name, sql;
  std::size_t parameters;
  std::optional<Error> error;
};

class RecordingSink : public EventSink {
 public:
  void statement_finished(const StatementEvent& event) noexcept override {
    EXPECT_GT(event.duration.count(), 0);
    seen.push_back(
        {std::string(event.pool), std::string(event.name),
         std::string(event.sql), event.parameter_count,
         event.error == nullptr ? std::nullopt : std::optional(*event.error)});
  }
  std::vector<SeenStatement> seen;
};

TEST_F(Execute, TellsTheSinkOfEachStatementButNotOfMisuse) {
  const auto sink = std::make_shared<RecordingSink>();
  ConnectOptions options = patient_options();
  options.sink = sink;
  options.pool_name = "p";
  connection_ = open_connection(options);
  must(connection_->execute({"named", "SELECT $1::int"}, {1}));
  error_of(connection_->execute("SELECT 1/0"));
  error_of(connection_->execute(std::string_view("SELECT '\0'", 10)));
  ASSERT_EQ(sink->seen.size(), 2U);
  EXPECT_EQ(sink->seen[0].pool, "p");
  EXPECT_EQ(sink->seen[0].name, "named");
  EXPECT_EQ(sink->seen[0].sql, "SELECT $1::int");
  EXPECT_EQ(sink->seen[0].parameters, 1U);
  EXPECT_FALSE(sink->seen[0].error);
  EXPECT_EQ(sink->seen[1].name, "unnamed");
  EXPECT_EQ(sink->seen[1].error.value().sqlstate, "22012");
}

}  // namespace
}  // namespace dbpool::test
