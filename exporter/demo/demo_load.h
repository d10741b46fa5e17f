// DemoLoad: swings a workload between calm and exhaustion, and tells the
// pool's state in words every few seconds.
#ifndef DBPOOL_EXPORTER_DEMO_DEMO_LOAD_H_
#define DBPOOL_EXPORTER_DEMO_DEMO_LOAD_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>

#include "dbpool/pool.h"
#include "exporter/demo/swing.h"
#include "exporter/workload/workload.h"

namespace dbpool::exporter {

// Thread-safety: start() and stop() belong to the owner. Lifetime: pool,
// workload and `print` must outlive stop(); `print` is called from the
// demo's own thread.
class DemoLoad {
 public:
  // `workload` runs with demo_workload(). `print` gets whole lines without a
  // newline, e.g. "12:03:04  exhausted  10/10 active, …".
  DemoLoad(const Pool& pool, Workload& workload,
           std::function<void(std::string_view)> print,
           double speed = demo_speed());
  ~DemoLoad() { stop(); }
  DemoLoad(const DemoLoad&) = delete;
  DemoLoad& operator=(const DemoLoad&) = delete;

  void start();  // once; the workload must be running
  void stop();   // blocks for a moment; leaves the workload as it is

 private:
  void run(const std::stop_token& stop);

  // Constant after construction.
  const Pool& pool_;
  Workload& workload_;
  const std::function<void(std::string_view)> print_;
  const double speed_;

  std::mutex mutex_;  // for waiting only
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DEMO_DEMO_LOAD_H_
