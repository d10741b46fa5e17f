#include "pool/src/base/crew.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/eventually.h"

namespace dbpool::detail {
namespace {

constexpr std::chrono::seconds kPatience(60);

// Its detached threads may look at it at any time, so it is never destroyed.
Crew& new_crew(Duration hung_after = Duration::max(), std::size_t threads = 3) {
  static std::vector<std::unique_ptr<Crew>>& all =
      *new std::vector<std::unique_ptr<Crew>>;
  return *all.emplace_back(
      std::make_unique<Crew>(CrewLimits{.thread_name = "crew-test",
                                        .threads = threads,
                                        .queue = 5,
                                        .threads_for_one = 2,
                                        .queue_for_one = 3,
                                        .hung_after = hung_after}));
}

bool is_done(const std::shared_ptr<Ticket>& ticket) {
  return test::eventually(kPatience, [&] { return ticket->done(); });
}

class CrewTest : public ::testing::Test {
 protected:
  ~CrewTest() override { end_.set_value(); }

  // Work that lasts as long as the test; returns when it has begun.
  void hang(const std::string& key) { hang(crew_, key); }
  void hang(Crew& crew, const std::string& key) {
    const auto begun = std::make_shared<std::promise<void>>();
    hanging_.push_back(crew.add(
        [begun, ended = ended_] {
          begun->set_value();
          ended.wait();
        },
        key));
    ASSERT_EQ(begun->get_future().wait_for(kPatience),
              std::future_status::ready);
  }
  std::shared_ptr<Ticket> add(const std::string& key) {
    return crew_.add([] {}, key);
  }

  Crew& crew_ = new_crew();
  std::promise<void> end_;
  const std::shared_future<void> ended_ = end_.get_future().share();
  std::vector<std::shared_ptr<Ticket>> hanging_;
};

TEST_F(CrewTest, WhatHangsForOneLeavesThreadsForOthers) {
  hang("frozen");
  hang("frozen");
  const auto third = add("frozen");
  EXPECT_TRUE(is_done(add("well")));
  EXPECT_TRUE(is_done(add("other")));
  EXPECT_FALSE(third->done());
}

TEST_F(CrewTest, WhoHangsForLongGetsASubstitute) {
  Crew& crew = new_crew(std::chrono::milliseconds(1));
  hang(crew, "frozen");
  hang(crew, "frozen");
  const auto next = crew.add([] {}, "frozen");
  EXPECT_TRUE(test::eventually(kPatience, [&] {
    crew.add([] {}, "frozen");  // nobody wants it
    return next->done();
  }));
}

TEST_F(CrewTest, SubstitutesTakeNobodysThread) {
  const auto hung_after = std::chrono::milliseconds(50);
  Crew& crew = new_crew(hung_after, 5);
  hang(crew, "frozen");
  hang(crew, "frozen");
  for (int i = 0; i < 2; ++i) {
    hanging_.push_back(crew.add([ended = ended_] { ended.wait(); }, "frozen"));
  }
  const TimePoint later = Clock::now() + hung_after;
  ASSERT_TRUE(
      test::eventually(kPatience, [&] { return Clock::now() > later; }));
  EXPECT_TRUE(is_done(crew.add([] {}, "other")));
}

TEST_F(CrewTest, WhatWaitsForItsShareIsDoneWhenThatIsFree) {
  const auto free = std::make_shared<std::promise<void>>();
  hang("slow");
  const auto first =
      crew_.add([freed = free->get_future().share()] { freed.wait(); }, "slow");
  const auto second = add("slow");
  EXPECT_TRUE(is_done(add("other")));
  free->set_value();
  EXPECT_TRUE(is_done(first));
  EXPECT_TRUE(is_done(second));
}

TEST_F(CrewTest, WhatIsDroppedInTheQueueHoldsNoDescriptor) {
  hang("slow");
  hang("slow");
  std::shared_ptr<Ticket> queued = add("slow");
  ASSERT_NE(queued, nullptr);
  const std::weak_ptr<Ticket> dropped = queued;
  queued.reset();
  EXPECT_TRUE(dropped.expired());
}

TEST_F(CrewTest, AShareOfTheQueueIsRefusedMoreAndGetsRoomByWhatNobodyWants) {
  hang("frozen");
  hang("frozen");
  std::vector<std::shared_ptr<Ticket>> queued = {add("frozen"), add("frozen"),
                                                 add("frozen")};
  EXPECT_EQ(add("frozen"), nullptr);
  EXPECT_TRUE(is_done(add("well")));
  queued.pop_back();
  EXPECT_NE(add("frozen"), nullptr);
}

}  // namespace
}  // namespace dbpool::detail
