#ifndef DBPOOL_EXPORTER_BASE_BOUNDED_FILE_H_
#define DBPOOL_EXPORTER_BASE_BOUNDED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace dbpool::exporter {

// A pipe can be read once: good for what is never read again.
enum class Pipes : std::uint8_t { kRead, kRefuse };

// The first `most` bytes of a file. Waits for nobody: a pipe without a writer
// is empty. The error is a reason such as "No such file or directory".
tl::expected<std::string, std::string> read_start_of(const std::string& path,
                                                     std::size_t most,
                                                     Pipes pipes);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_BOUNDED_FILE_H_
