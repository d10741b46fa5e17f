// Each cause, really made: the verdict names it in time, and clears.
#include <gtest/gtest.h>

#include "tests/verdicts/scene.h"

namespace dbpool::test {
namespace {

void expect_named(const std::vector<Fault>& faults) {
  const Course course = play(faults, 7);
  EXPECT_EQ(course.calm, Cause::kNone);
  EXPECT_TRUE(course.is_named())
      << to_string(course.named) << ": " << course.finding;
  EXPECT_TRUE(course.is_cleared())
      << std::chrono::duration<double>(course.cleared_after).count() << " s";
}

TEST(Verdicts, ALockOfAForeignSession) { expect_named({Fault::kLock}); }
TEST(Verdicts, StatementsThatSleep) { expect_named({Fault::kSlow}); }
TEST(Verdicts, AThreadThatLeaks) { expect_named({Fault::kLeak}); }
TEST(Verdicts, CallersThatThink) { expect_named({Fault::kThink}); }
TEST(Verdicts, MoreLoadThanThePoolServes) { expect_named({Fault::kLoad}); }
TEST(Verdicts, SlotsThatAreTaken) { expect_named({Fault::kSlots}); }
TEST(Verdicts, OpeningsThatAreSlow) { expect_named({Fault::kOpening}); }
TEST(Verdicts, ADatabaseThatIsStopped) { expect_named({Fault::kDown}); }

TEST(Verdicts, ADatabaseThatIsFrozen) { expect_named({Fault::kFrozen}); }

TEST(Verdicts, OfALockAndALeakOne) {
  expect_named({Fault::kLock, Fault::kLeak});
}

TEST(Verdicts, OfSlowStatementsAndTooMuchLoadOne) {
  expect_named({Fault::kSlow, Fault::kLoad});
}

}  // namespace
}  // namespace dbpool::test
