#include "exporter/workload/script/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "exporter/workload/script/load.h"
#include "exporter/workload/script/run.h"
#include "tests/support/temp_dir.h"

namespace dbpool::exporter::script {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// What a run of `text` does: SQL as it is, pauses as "sleep <us>", an error
// as "error: …".
std::vector<std::string> steps_of(const std::string& text,
                                  Variables variables = Variables({})) {
  auto commands = parse_commands("s", text);
  if (!commands) return {"refused: " + commands.error()};
  const Script script{
      .name = "s", .file = "s.sql", .commands = *std::move(commands)};
  Random random(1);
  Run run(script, variables, random);
  std::vector<std::string> steps;
  for (;;) {
    const auto step = run.next();
    if (!step) {
      steps.push_back("error: " + step.error());
      return steps;
    }
    if (std::holds_alternative<Run::End>(*step)) return steps;
    if (const auto* pause = std::get_if<Run::Pause>(&*step)) {
      const auto us =
          std::chrono::duration_cast<std::chrono::microseconds>(pause->length);
      steps.push_back("sleep " + std::to_string(us.count()));
    } else {
      steps.push_back(std::get<Run::Query>(*step).sql);
    }
  }
}

std::string refusal(const std::string& text) {
  const auto commands = parse_commands("s", text);
  return commands ? "accepted" : commands.error();
}

// Whether the first statement of `text` is prepared.
bool prepared(const std::string& text) {
  const Script script{
      .name = "s", .file = "s", .commands = parse_commands("s", text).value()};
  Variables variables({});
  Random random(1);
  Run run(script, variables, random);
  return std::get<Run::Query>(run.next().value()).prepare;
}

TEST(ScriptTest, StatementsEndWithSemicolonsOutsideOfQuotes) {
  EXPECT_THAT(
      steps_of("SELECT ';', \"a;b\", $$;$$, $x$ ; $$ ; $x$, E'\\';' ;\n"
               "SELECT (1;2);SELECT 'it''s;' /* ; /* ; */ ; */;;"
               "-- no; statement\nSELECT 3 -- three; of them\n + 4"),
      ElementsAre("SELECT ';', \"a;b\", $$;$$, $x$ ; $$ ; $x$, E'\\';' ",
                  "SELECT (1;2)", "SELECT 'it''s;' /* ; /* ; */ ; */",
                  "SELECT 3 \n + 4"));
}

TEST(ScriptTest, ABackslashCommandEndsAStatementAndALine) {
  EXPECT_THAT(steps_of("SELECT 1\n\\set a 5 + \\\n  1\nSELECT :a"),
              ElementsAre("SELECT 1\n", "SELECT 6"));
  EXPECT_THAT(steps_of("\\set a 1\r\nSELECT :a;\r\n"), ElementsAre("SELECT 1"));
}

TEST(ScriptTest, CommentsAloneAreNoStatement) {
  EXPECT_THAT(steps_of("/* one */; -- two\n/* three */\nSELECT 4;/**/"),
              ElementsAre("/* three */\nSELECT 4"));
}

TEST(ScriptTest, VariablesAreWrittenIntoTheTextQuotesOrNot) {
  EXPECT_THAT(steps_of("\\set n -5\n\\set d 2.50\n\\set b true\n"
                       "\\set nil null\n"
                       "SELECT :n::int, ':d days', :b, :nil, a[1:2], "
                       "'12:34', :unknown, ':n';"),
              ElementsAre("SELECT -5::int, '2.5 days', true, NULL, a[1:2], "
                          "'12:34', :unknown, '-5'"));
}

TEST(ScriptTest, OnlyTextThatNeverChangesIsPrepared) {
  EXPECT_TRUE(prepared("SELECT 1::int"));
  EXPECT_FALSE(prepared("SELECT :scale"));
}

TEST(ScriptTest, QueriesAreNamedByScriptAndLine) {
  const auto commands = parse_commands(
      "tpcb", "-- first\n\\set a 1\nBEGIN;\n\n SELECT\n 1; END;");
  std::vector<std::string> names;
  for (const Command& each : commands.value()) {
    const auto* sql = std::get_if<SqlCommand>(&each.what);
    if (sql != nullptr) names.push_back(sql->query_name);
  }
  EXPECT_THAT(names, ElementsAre("tpcb:3", "tpcb:5", "tpcb:6"));
}

TEST(ScriptTest, TheFirstTrueBranchRuns) {
  const auto taken = [](const std::string& a) {
    return steps_of("\\set a " + a +
                    "\n\\if :a = 1\nSELECT 1;\n\\if :a = 2\nSELECT 0;\n"
                    "\\else\nSELECT 11;\n\\endif\n\\elif :a = 2\nSELECT 2;\n"
                    "\\elif :a < 4\nSELECT 3;\n\\else\nSELECT 4;\n\\endif\n"
                    "SELECT 5;");
  };
  EXPECT_THAT(taken("1"), ElementsAre("SELECT 1", "SELECT 11", "SELECT 5"));
  EXPECT_THAT(taken("2"), ElementsAre("SELECT 2", "SELECT 5"));
  EXPECT_THAT(taken("3"), ElementsAre("SELECT 3", "SELECT 5"));
  EXPECT_THAT(taken("4"), ElementsAre("SELECT 4", "SELECT 5"));
  EXPECT_THAT(steps_of("\\if null\nSELECT 1;\n\\endif\n"), ElementsAre());
}

TEST(ScriptTest, SleepTakesUnitsAndVariables) {
  EXPECT_THAT(steps_of("\\set t 7\n\\sleep 2\n\\sleep 3 ms\n\\sleep 4us\n"
                       "\\sleep :t MS\n\\sleep -1 s\n"),
              ElementsAre("sleep 2000000", "sleep 3000", "sleep 4",
                          "sleep 7000", "sleep 0"));
  EXPECT_THAT(steps_of("\\set t true\n\\sleep :t"),
              ElementsAre("error: s.sql:2: \\sleep: cannot coerce boolean to "
                          "double"));
}

TEST(ScriptTest, WhatAnExpressionMeetsIsToldWithItsLine) {
  EXPECT_THAT(
      steps_of("SELECT 1;\n\\set a 1 / (:client_id - 0)\n"),
      ElementsAre("SELECT 1", "error: s.sql:2: \\set: division by zero"));
}

TEST(ScriptTest, WhatIsNotSupportedIsRefusedWithLineAndCommand) {
  EXPECT_THAT(refusal("SELECT 1;\n\\shell ls"),
              StartsWith("2: \\shell: not supported; expected"));
  EXPECT_THAT(refusal("\\setshell a ls"), StartsWith("1: \\setshell: "));
  EXPECT_THAT(refusal("\\startpipeline"), StartsWith("1: \\startpipeline: "));
  EXPECT_THAT(refusal("\n\nSELECT 1 \\; SELECT 2;"), StartsWith("3: \\;: "));
  EXPECT_THAT(refusal("\\set a debug(1)"),
              StartsWith("1: \\set: unsupported function \"debug\""));
}

TEST(ScriptTest, WhatIsWrongIsRefusedWithLineAndCommand) {
  EXPECT_THAT(refusal("\n\\set 1a 2"), StartsWith("2: \\set: expected a var"));
  EXPECT_THAT(refusal("\\set a"), HasSubstr("syntax error at its end"));
  EXPECT_THAT(refusal("\\sleep x"), StartsWith("1: \\sleep: expected"));
  EXPECT_THAT(refusal("\\sleep 1 min"), StartsWith("1: \\sleep: expected"));
  EXPECT_THAT(refusal("\\sleep 1 s s"), StartsWith("1: \\sleep: expected"));
  EXPECT_THAT(refusal("\\if true\n\\if false\n\\endif\n"),
              StartsWith("1: \\if: not ended"));
  EXPECT_THAT(refusal("\\endif"), StartsWith("1: \\endif: expected an \\if"));
  EXPECT_THAT(refusal("\\if true\n\\else\n\\elif true\n\\endif"),
              StartsWith("3: \\elif: stands after \\else"));
  EXPECT_THAT(refusal("\\set a 1\n\\gset"), StartsWith("2: \\gset: "));
  EXPECT_THAT(refusal("SELECT 1;\n\\gset\n\\gset"), StartsWith("3: \\gset: "));
  EXPECT_THAT(refusal("SELECT 1;\n\nSELECT 'a\n;\n"),
              StartsWith("3: SQL: a quoted text"));
}

class ScriptFilesTest : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    test::write_file(dir_.path() + "/" + name, text);
    return dir_.path() + "/" + name;
  }
  static std::string load_refusal(const std::vector<std::string>& given) {
    const auto scripts = load_scripts(given);
    return scripts ? "accepted" : scripts.error();
  }

  const test::TempDir dir_;
};

TEST_F(ScriptFilesTest, WeightsFollowTheLastAt) {
  const std::string path = file("a@b.sql", "SELECT 1;");
  const auto scripts =
      load_scripts(std::vector{path + "@3", path + "@0", path + "@1"});
  ASSERT_TRUE(scripts) << scripts.error();
  EXPECT_EQ((*scripts)[0].weight, 3U);
  EXPECT_EQ((*scripts)[1].weight, 0U);
  EXPECT_EQ((*scripts)[0].name, "a_b");
  EXPECT_EQ((*scripts)[1].name, "a_b_2");
  EXPECT_EQ(std::get<SqlCommand>((*scripts)[2].commands[0].what).query_name,
            "a_b_3:1");
  EXPECT_THAT(load_refusal({path}), HasSubstr("expected a file, then @"));
  EXPECT_THAT(load_refusal({path + "@-1"}), HasSubstr("weight from 0 to"));
  EXPECT_THAT(load_refusal({path + "@0"}), HasSubstr("no script has a weight"));
}

TEST_F(ScriptFilesTest, ErrorsNameFileLineAndCommand) {
  const std::string bad = file("bad.sql", "SELECT 1;\n\\shell ls\n");
  EXPECT_THAT(load_refusal({bad}),
              StartsWith(bad + ":2: \\shell: not supported"));
  EXPECT_THAT(load_refusal({dir_.path() + "/none.sql"}),
              HasSubstr("none.sql: No such file or directory"));
  EXPECT_THAT(load_refusal({file("empty.sql", "-- nothing\n")}),
              HasSubstr("empty.sql: is empty"));
  EXPECT_THAT(load_refusal({"builtin:tpcc"}),
              HasSubstr("expected one of tpcb-like"));
}

TEST_F(ScriptFilesTest, VariablesThatNobodySetsAreRefused) {
  const std::string user = file("user.sql", "\\set a :b + 1\nSELECT :c;");
  EXPECT_THAT(load_refusal({user}),
              HasSubstr("user.sql:1: \\set: undefined variable \"b\""));
  // Those of one client outlast its scripts.
  EXPECT_EQ(load_refusal({user, file("setter.sql", "\\set b 1\nSELECT 1;")}),
            "accepted");
  EXPECT_EQ(load_refusal({user, file("asker.sql", "SELECT 1 AS b \\gset")}),
            "accepted");
}

TEST_F(ScriptFilesTest, PgbenchsOwnScriptsAreThere) {
  const auto scripts = load_scripts(std::vector<std::string>{
      "builtin:tpcb-like@2", "builtin:simple-update", "builtin:select-only"});
  ASSERT_TRUE(scripts) << scripts.error();
  EXPECT_EQ((*scripts)[0].name, "tpcb_like");
  EXPECT_EQ((*scripts)[0].weight, 2U);
  EXPECT_TRUE((*scripts)[0].is_builtin);
}

}  // namespace
}  // namespace dbpool::exporter::script
