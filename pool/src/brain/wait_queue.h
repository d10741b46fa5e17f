// WaitQueue: the requests that wait, first in, first out, and a heap of their
// deadlines. Bounded; allocates in its constructor only.
//
// Thread-safety: none. Ownership: links the callers' nodes, owns none.
#ifndef DBPOOL_POOL_SRC_BRAIN_WAIT_QUEUE_H_
#define DBPOOL_POOL_SRC_BRAIN_WAIT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pool/src/brain/waiter.h"

namespace dbpool::detail {

class WaitQueue {
 public:
  // Of a deadline. The key lies beside the pointer so that sifting touches no
  // waiter but the one that moves.
  struct Entry {
    TimePoint deadline;
    Waiter* waiter;
  };

  explicit WaitQueue(std::uint32_t bound);

  // Those that wait stay, also beyond a lower bound. Moves into `room` if its
  // capacity is larger, and leaves the old storage there; one of the two must
  // have room for `bound`.
  void set_bound(std::uint32_t bound, std::vector<Entry>& room) noexcept;

  std::uint32_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ >= bound_; }
  std::uint32_t bound() const noexcept { return bound_; }
  Waiter* head() const noexcept { return head_; }

  // The queue must not be full. O(log n), usually O(1): deadlines mostly
  // come in order.
  void push(Waiter& waiter) noexcept;
  // From any place. O(log n).
  void remove(Waiter& waiter) noexcept;

  // The waiter whose deadline is first; nullptr if none has a deadline.
  Waiter* first_to_expire() const noexcept;
  TimePoint first_deadline() const noexcept;  // TimePoint::max() if none

  // True if fewer than `places` waiters stand before `waiter`. O(places).
  bool is_within(const Waiter& waiter, std::uint32_t places) const noexcept;

 private:
  static constexpr std::uint32_t kNotInHeap = UINT32_MAX;

  void heap_insert(Waiter& waiter) noexcept;
  void heap_remove(Waiter& waiter) noexcept;
  void sift_up(std::size_t index, Entry entry) noexcept;
  void sift_down(std::size_t index, Entry entry) noexcept;
  void place(std::size_t index, Entry entry) noexcept;

  std::uint32_t bound_;
  std::uint32_t size_ = 0;
  Waiter* head_ = nullptr;
  Waiter* tail_ = nullptr;
  std::vector<Entry> heap_;  // its capacity is the highest bound so far
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_WAIT_QUEUE_H_
