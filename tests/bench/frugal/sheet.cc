#include "tests/bench/frugal/sheet.h"

#include <cstdio>

namespace dbpool::bench {
namespace {

// The columns of a terminal, not bytes: some of the texts are no ASCII.
void print_name(const std::string& what) {
  constexpr int kColumn = 62;
  int width = 0;
  for (const char c : what) width += (c & 0xc0) != 0x80 ? 1 : 0;
  std::printf("%s%*s", what.c_str(), width < kColumn ? kColumn - width : 1, "");
}

}  // namespace

void Sheet::promise(const std::string& what, double value, double limit,
                    const char* unit) {
  const bool good = value <= limit;
  is_kept_ = is_kept_ && good;
  print_name(what);
  std::printf("%9.3f <= %6.1f %-4s %s\n", value, limit, unit,
              good ? "kept" : "MISSED");
  std::fflush(stdout);
}

void Sheet::remark(const std::string& what, double value, const char* unit) {
  print_name("  " + what);
  std::printf("%9.3f           %s\n", value, unit);
  std::fflush(stdout);
}

}  // namespace dbpool::bench
