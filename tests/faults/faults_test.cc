// The quickest of the faults, once each, and five minutes of them at random: no
// row is lost, crossed or belied, and the requests are served again. How soon
// is for the table (tests/faults/run).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/faults/course.h"

namespace dbpool::test {
namespace {

Figures figures_after(const std::string& name) {
  const std::vector<Fault> faults = all_faults();
  const auto fault = std::ranges::find(faults, name, &Fault::name);
  if (fault == faults.end()) throw std::runtime_error("no fault " + name);
  return play(*fault, {.injections = 1});
}

void expect_true_to_its_word(const Figures& figures) {
  EXPECT_GT(figures.acknowledged, 0u);
  EXPECT_EQ(figures.lost, 0u);
  EXPECT_EQ(figures.crossed, 0u);
  EXPECT_EQ(figures.twice, 0u);
  EXPECT_EQ(figures.belied, 0u);
  EXPECT_TRUE(figures.is_served) << "it did not recover";
}

void expect_kept(const std::string& name) {
  expect_true_to_its_word(figures_after(name));
}

TEST(Faults, ABackendThatIsKilled) { expect_kept("a backend killed (-9)"); }
TEST(Faults, APostmasterThatIsKilled) {
  expect_kept("the postmaster killed (-9)");
}
TEST(Faults, SessionsThatAreTerminatedAtWork) {
  expect_kept("busy sessions terminated");
}
TEST(Faults, ConnectionsThatAreReset) { expect_kept("connections reset"); }
TEST(Faults, ConnectionsThatAreCutAmidAResult) {
  expect_kept("cut amid a result");
}
TEST(Faults, ALinkThatIsDownForASecond) { expect_kept("link down, 1 s"); }
TEST(Faults, AStandbyThatIsPromoted) { expect_kept("failover to the standby"); }
TEST(Faults, FiveMinutesOfThemAtRandom) {
  expect_true_to_its_word(
      play_at_random(all_faults(), std::chrono::minutes(5), {}));
}

}  // namespace
}  // namespace dbpool::test
