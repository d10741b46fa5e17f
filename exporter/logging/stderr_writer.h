// StderrWriter: writes lines to standard error on a thread of its own.
//
// Whoever logs must never wait for whoever reads the log: with a pipe that
// nobody drains, a blocking write would stop the pool, the pages and even the
// shutdown. What does not fit into the queue is dropped and counted, and the
// number is told once the reader is back.
#ifndef DBPOOL_EXPORTER_LOGGING_STDERR_WRITER_H_
#define DBPOOL_EXPORTER_LOGGING_STDERR_WRITER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace dbpool::exporter {

// Thread-safety: any thread.
class StderrWriter {
 public:
  // Bytes that may wait; about a minute of a busy log.
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;

  // The line that tells how many were dropped, with its newline.
  using DroppedLine = std::function<std::string(std::uint64_t count)>;

  // Does not own the descriptor.
  explicit StderrWriter(DroppedLine dropped_line, int descriptor = 2);
  // Blocks until all is written, but no longer than a second: then the
  // thread is left behind with what it has.
  ~StderrWriter();
  StderrWriter(const StderrWriter&) = delete;
  StderrWriter& operator=(const StderrWriter&) = delete;

  // `line` ends with a newline. Never blocks for the reader.
  void write(std::string_view line);
  // False when something was still unwritten after that time.
  bool flush(std::chrono::milliseconds at_most);

 private:
  struct Shared;
  static void loop(const std::shared_ptr<Shared>& shared);

  const std::shared_ptr<Shared> shared_;  // with the thread
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_STDERR_WRITER_H_
