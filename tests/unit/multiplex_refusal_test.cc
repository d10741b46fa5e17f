// Which statements may share a connection.
#include "pool/src/multiplex/multiplex_refusal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dbpool::detail {
namespace {

TEST(MultiplexRefusal, RefusesWhatTouchesTransactionSessionOrCopies) {
  for (const char* const sql : {"BEGIN",
                                "begin;",
                                "START TRANSACTION",
                                "COMMIT",
                                "END",
                                "ROLLBACK",
                                "ABORT",
                                "SAVEPOINT a",
                                "RELEASE a",
                                "PREPARE a AS SELECT 1",
                                "EXECUTE a",
                                "DEALLOCATE a",
                                "SET x = 1",
                                "RESET x",
                                "DISCARD ALL",
                                "LISTEN a",
                                "UNLISTEN a",
                                "DECLARE a CURSOR FOR SELECT 1",
                                "FETCH a",
                                "MOVE a",
                                "CLOSE a",
                                "COPY t TO STDOUT",
                                "LOCK t",
                                "LOAD 'a'",
                                "  \n\tBeGiN",
                                "-- a\nBEGIN",
                                "/* a /* b */ c */BEGIN",
                                ";;BEGIN",
                                "CREATE TEMP TABLE t ()",
                                "create temporary table t ()",
                                "CREATE OR REPLACE TEMP VIEW v AS SELECT 1",
                                "CREATE LOCAL/**/TEMPORARY TABLE t ()"}) {
    EXPECT_TRUE(find_sharing_error(sql)) << sql;
  }
}

TEST(MultiplexRefusal, LetsAllOthersThrough) {
  for (const char* const sql :
       {"", ";", "SELECT 1", "(SELECT 1)", "INSERT INTO t VALUES (1)",
        "WITH a AS (SELECT 1) SELECT * FROM a", "CREATE TABLE temp ()",
        "CREATE UNLOGGED TABLE t ()", "NOTIFY a", "DO $$BEGIN END$$",
        "CALL p()", "/* BEGIN */ SELECT 1", "-- BEGIN", "/* BEGIN", "beginning",
        "VALUES (1)", "SHOW work_mem"}) {
    EXPECT_FALSE(find_sharing_error(sql)) << sql;
  }
}

TEST(MultiplexRefusal, SaysWhatIsRefusedAndWhatToDo) {
  const auto error = find_sharing_error("begin");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorKind::kUsage);
  EXPECT_THAT(error->message, testing::HasSubstr("BEGIN is refused"));
  EXPECT_THAT(error->message, testing::HasSubstr("acquire()"));
}

TEST(MultiplexRefusal, KnowsTheCommandTagsOfTheServer) {
  EXPECT_TRUE(is_unshareable("BEGIN"));
  EXPECT_TRUE(is_unshareable("START TRANSACTION"));
  EXPECT_FALSE(is_unshareable("SELECT 1"));
  EXPECT_FALSE(is_unshareable(""));
}

}  // namespace
}  // namespace dbpool::detail
