#include "exporter/logging/stderr_writer.h"

#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "exporter/base/signals_blocked.h"

namespace dbpool::exporter {

namespace {

constexpr auto kLastWait = std::chrono::seconds(1);

// Blocks as long as the reader lets it. A descriptor that is closed or broken
// takes nothing: the text is lost.
void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

struct StderrWriter::Shared {
  Shared(DroppedLine line, int to)
      : dropped_line(std::move(line)), descriptor(to) {}

  // Constant after construction.
  const DroppedLine dropped_line;
  const int descriptor;

  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  std::string queue;
  std::uint64_t dropped = 0;
  bool is_writing = false;
  bool is_over = false;
};

StderrWriter::StderrWriter(DroppedLine dropped_line, int descriptor)
    : shared_(std::make_shared<Shared>(std::move(dropped_line), descriptor)) {
  const SignalsBlocked blocked;
  std::thread([shared = shared_] { loop(shared); }).detach();
}

StderrWriter::~StderrWriter() {
  flush(kLastWait);
  const std::lock_guard lock(shared_->mutex);
  shared_->is_over = true;
  shared_->changed.notify_all();
}

void StderrWriter::write(std::string_view line) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->queue.size() + line.size() > kMostBytes) {
    ++shared_->dropped;
    return;
  }
  shared_->queue += line;
  shared_->changed.notify_all();
}

bool StderrWriter::flush(std::chrono::milliseconds at_most) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, at_most, [this] {
    return shared_->queue.empty() && !shared_->is_writing;
  });
}

void StderrWriter::loop(const std::shared_ptr<Shared>& shared) {
  pthread_setname_np(pthread_self(), "log");
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(
        lock, [&] { return !shared->queue.empty() || shared->is_over; });
    if (shared->queue.empty()) return;
    std::string text = std::exchange(shared->queue, {});
    if (const auto dropped = std::exchange(shared->dropped, 0); dropped > 0) {
      text += shared->dropped_line(dropped);
    }
    shared->is_writing = true;
    lock.unlock();
    write_all(shared->descriptor, text);
    lock.lock();
    shared->is_writing = false;
    shared->changed.notify_all();
  }
}

}  // namespace dbpool::exporter
