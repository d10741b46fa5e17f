// Job: one multiplexed statement, as the multiplexer's brain sees it.
#ifndef DBPOOL_POOL_SRC_BRAIN_JOB_H_
#define DBPOOL_POOL_SRC_BRAIN_JOB_H_

#include <cassert>
#include <cstdint>
#include <optional>

#include "dbpool/options.h"

namespace dbpool::detail {

// The caller fills the first block; the brain owns the rest until the job is
// done.
struct Job {
  TimePoint submitted_at = {};
  TimePoint wait_until = TimePoint::max();  // unsent by then: it fails
  std::optional<Duration> timeout = {};     // once it is sent
  void* owner = nullptr;                    // never touched here

  enum class State : std::uint8_t { kNew, kQueued, kSent, kDone };
  State state = State::kNew;
  // Its caller has an answer; what the server says of it is discarded.
  bool answered = false;
  bool retried = false;  // it went back to the queue once
  std::uint32_t carrier = 0;
  TimePoint sent_at = {};
  TimePoint deadline = TimePoint::max();  // of the caller, once it is sent
  Job* previous = nullptr;
  Job* next = nullptr;
};

// A list of jobs, in order; intrusive, so that no event allocates.
class JobList {
 public:
  Job* first() const noexcept { return first_; }
  Job* last() const noexcept { return last_; }
  std::uint32_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void push_back(Job& job) noexcept {
    job.previous = last_;
    job.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &job;
    last_ = &job;
    ++size_;
  }

  void push_front(Job& job) noexcept {
    job.previous = nullptr;
    job.next = first_;
    (first_ != nullptr ? first_->previous : last_) = &job;
    first_ = &job;
    ++size_;
  }

  void remove(Job& job) noexcept {
    assert(size_ > 0);
    (job.previous != nullptr ? job.previous->next : first_) = job.next;
    (job.next != nullptr ? job.next->previous : last_) = job.previous;
    job.previous = job.next = nullptr;
    --size_;
  }

 private:
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::uint32_t size_ = 0;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_JOB_H_
