// TextBuffer: text that grows at its end and keeps its memory.
#ifndef DBPOOL_EXPORTER_HTTP_TEXT_BUFFER_H_
#define DBPOOL_EXPORTER_HTTP_TEXT_BUFFER_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace dbpool::exporter {

// std::string looks at its capacity, moves a terminator and calls a function
// for each append; here the writer says once how much it needs and then
// writes on.
//
// Thread-safety: none.
class TextBuffer {
 public:
  // Room for `size` more bytes: where they go. Valid until the next call.
  char* room(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return memory_.get() + size_;
  }
  // The text now ends at `end`, which lies within the room.
  void end_at(const char* end) noexcept {
    assert(end >= memory_.get() && end <= memory_.get() + capacity_);
    size_ = static_cast<std::size_t>(end - memory_.get());
  }

  std::string_view view() const noexcept { return {memory_.get(), size_}; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept { size_ = 0; }

 private:
  void grow(std::size_t size) {
    const std::size_t capacity = std::max(size_ + size, 2 * capacity_);
    std::unique_ptr<char[]> memory(new char[capacity]);
    if (size_ > 0) std::memcpy(memory.get(), memory_.get(), size_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_TEXT_BUFFER_H_
