#include "exporter/logging/stderr_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string dropped_line(std::uint64_t count) {
  return "dropped " + std::to_string(count) + "\n";
}

class StderrWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::pipe(ends_.data()), 0);
    writer_.emplace(dropped_line, ends_[1]);
  }
  void TearDown() override {
    writer_.reset();
    for (const int end : ends_) ::close(end);
  }

  std::string read_until(const std::string& end) {
    std::string text;
    std::array<char, 65536> buffer;
    while (!text.ends_with(end)) {
      const auto got = ::read(ends_[0], buffer.data(), buffer.size());
      if (got <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  std::array<int, 2> ends_ = {-1, -1};
  std::uint64_t dropped_now_ = 0;
  std::optional<StderrWriter> writer_;
};

TEST_F(StderrWriterTest, LinesArriveInOrder) {
  writer_->write("one\n");
  writer_->write("two\n");
  EXPECT_TRUE(writer_->flush(seconds(60)));
  EXPECT_EQ(read_until("two\n"), "one\ntwo\n");
}

TEST_F(StderrWriterTest,
       NobodyWaitsForAReaderWhoDoesNotReadAndEveryLineIsCounted) {
  constexpr std::uint64_t kLines = 10'000;  // more than pipe and queue hold
  for (std::uint64_t i = 0; i < kLines; ++i) {
    writer_->write(std::string(1023, 'x') + "\n");
  }
  EXPECT_FALSE(writer_->flush(milliseconds(1)));

  std::uint64_t read = 0;
  std::uint64_t dropped = 0;
  std::FILE* const reader = ::fdopen(::dup(ends_[0]), "r");
  std::array<char, 2048> line;
  while (read + dropped < kLines &&
         std::fgets(line.data(), line.size(), reader) != nullptr) {
    if (std::sscanf(line.data(), "dropped %" SCNu64, &dropped_now_) == 1) {
      dropped += dropped_now_;
    } else {
      ++read;
    }
  }
  std::fclose(reader);
  EXPECT_EQ(read + dropped, kLines);
  EXPECT_GT(dropped, 0u);
}

}  // namespace
}  // namespace dbpool::exporter
