#include "pool/src/brain/wait_queue.h"

#include <cassert>

namespace dbpool::detail {

WaitQueue::WaitQueue(std::uint32_t bound) : bound_(bound) {
  heap_.reserve(bound);
}

void WaitQueue::set_bound(std::uint32_t bound,
                          std::vector<Entry>& room) noexcept {
  if (room.capacity() > heap_.capacity()) {
    room.assign(heap_.begin(), heap_.end());  // within the capacity
    heap_.swap(room);
  }
  assert(bound <= heap_.capacity());
  bound_ = bound;
}

void WaitQueue::push(Waiter& waiter) noexcept {
  assert(!full());
  waiter.previous = tail_;
  waiter.next = nullptr;
  (tail_ ? tail_->next : head_) = &waiter;
  tail_ = &waiter;
  ++size_;
  heap_insert(waiter);
}

void WaitQueue::remove(Waiter& waiter) noexcept {
  assert(size_ > 0);
  (waiter.previous ? waiter.previous->next : head_) = waiter.next;
  (waiter.next ? waiter.next->previous : tail_) = waiter.previous;
  waiter.previous = nullptr;
  waiter.next = nullptr;
  --size_;
  heap_remove(waiter);
}

Waiter* WaitQueue::first_to_expire() const noexcept {
  return heap_.empty() ? nullptr : heap_.front().waiter;
}

TimePoint WaitQueue::first_deadline() const noexcept {
  return heap_.empty() ? TimePoint::max() : heap_.front().deadline;
}

bool WaitQueue::is_within(const Waiter& waiter,
                          std::uint32_t places) const noexcept {
  const Waiter* at = head_;
  for (; at != nullptr && places > 0; --places) {
    if (at == &waiter) return true;
    at = at->next;
  }
  return false;
}

void WaitQueue::heap_insert(Waiter& waiter) noexcept {
  if (waiter.deadline == TimePoint::max()) {
    waiter.heap_index = kNotInHeap;
    return;
  }
  heap_.push_back({waiter.deadline, &waiter});  // within the capacity
  sift_up(heap_.size() - 1, heap_.back());
}

void WaitQueue::heap_remove(Waiter& waiter) noexcept {
  if (waiter.heap_index == kNotInHeap) return;
  const std::size_t hole = waiter.heap_index;
  assert(hole < heap_.size() && heap_[hole].waiter == &waiter);
  const Entry last = heap_.back();
  heap_.pop_back();
  waiter.heap_index = kNotInHeap;
  if (hole == heap_.size()) return;
  if (hole > 0 && last.deadline < heap_[(hole - 1) / 2].deadline) {
    sift_up(hole, last);
  } else {
    sift_down(hole, last);
  }
}

void WaitQueue::sift_up(std::size_t index, Entry entry) noexcept {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent].deadline <= entry.deadline) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void WaitQueue::sift_down(std::size_t index, Entry entry) noexcept {
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() &&
        heap_[child + 1].deadline < heap_[child].deadline) {
      ++child;
    }
    if (entry.deadline <= heap_[child].deadline) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, entry);
}

void WaitQueue::place(std::size_t index, Entry entry) noexcept {
  heap_[index] = entry;
  entry.waiter->heap_index = static_cast<std::uint32_t>(index);
}

}  // namespace dbpool::detail
