// Tag: a short name for who holds a connection, without allocation, so that
// it can be copied under the pool's lock.
#ifndef DBPOOL_TAG_H_
#define DBPOOL_TAG_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace dbpool {

class Tag {
 public:
  static constexpr std::size_t kMaxBytes = 63;  // the rest is cut

  constexpr Tag() noexcept = default;
  constexpr Tag(std::string_view text) noexcept  // NOLINT: a view of text
      : size_(static_cast<std::uint8_t>(std::min(text.size(), kMaxBytes))) {
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  constexpr Tag(const char* text) noexcept  // NOLINT
      : Tag(std::string_view(text)) {}

  constexpr std::string_view view() const noexcept {
    return {bytes_.data(), size_};
  }

 private:
  std::array<char, kMaxBytes> bytes_ = {};
  std::uint8_t size_ = 0;
};

}  // namespace dbpool

#endif  // DBPOOL_TAG_H_
