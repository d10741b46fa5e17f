#ifndef DBPOOL_TESTS_BENCH_FRUGAL_SHEET_H_
#define DBPOOL_TESTS_BENCH_FRUGAL_SHEET_H_

#include <string>

namespace dbpool::bench {

// The lines that dbpool_frugal_bench prints, each as soon as it is known.
class Sheet {
 public:
  // A promise: `value` must be at most `limit`.
  void promise(const std::string& what, double value, double limit,
               const char* unit);
  // What explains a promise and has no limit itself.
  void remark(const std::string& what, double value, const char* unit);

  bool is_kept() const { return is_kept_; }

 private:
  bool is_kept_ = true;
};

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_FRUGAL_SHEET_H_
