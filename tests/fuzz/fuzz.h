// What the fuzz targets share. Each is one source file that defines
// LLVMFuzzerTestOneInput(): linked with libFuzzer (the CMake preset `fuzz`) it
// looks for inputs that break a promise, linked with replay.cc it runs those
// that are kept.
#ifndef DBPOOL_TESTS_FUZZ_FUZZ_H_
#define DBPOOL_TESTS_FUZZ_FUZZ_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace dbpool::fuzz {

// What must be shown nowhere. An input says with kPlant where it stands.
inline constexpr std::string_view kSecret = "pl4nted-S3cret";
inline constexpr char kPlant = '\x02';
// Stands for a line break where lines part the input.
inline constexpr char kBreak = '\x01';

// Ends the process where a promise is broken, which is a finding.
inline void require(bool holds, const char* promise,
                    std::string_view shown = "") {
  if (holds) return;
  std::fprintf(stderr, "BROKEN: %s\n%.*s\n", promise,
               static_cast<int>(shown.size()), shown.data());
  std::abort();
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline bool has_secret(std::string_view text) {
  return text.find(kSecret) != std::string_view::npos;
}

inline void require_no_secret(std::string_view text) {
  require(!has_secret(text), "no text shows the planted secret", text);
}

inline void require_one_line(std::string_view text) {
  require(!text.empty() &&
              std::ranges::none_of(
                  text,
                  [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }),
          "an error is one line without control characters", text);
}

// `text` with the secret where it is planted.
inline std::string planted(std::string_view text) {
  std::string whole;
  for (const char c : text) {
    if (c == kPlant) {
      whole += kSecret;
    } else {
      whole += c;
    }
  }
  return whole;
}

inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace dbpool::fuzz

#endif  // DBPOOL_TESTS_FUZZ_FUZZ_H_
