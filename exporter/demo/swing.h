// Swing: the demo's load over time, as data.
//
// With a pool of 10 connections and leases of 50 ms at most 200 requests a
// second get through; what arrives beyond that waits.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_DEMO_SWING_H_
#define DBPOOL_EXPORTER_DEMO_SWING_H_

#include <array>
#include <chrono>
#include <string_view>

#include "dbpool/options.h"
#include "exporter/workload/options.h"

namespace dbpool::exporter {

struct SwingPhase {
  std::string_view name;
  std::chrono::seconds length;
  double rate;  // arrivals a second
};

inline constexpr std::array<SwingPhase, 8> kSwing = {{
    {"calm", std::chrono::seconds(20), 40},
    {"burst", std::chrono::seconds(4), 290},
    {"calm", std::chrono::seconds(11), 40},
    {"burst", std::chrono::seconds(5), 320},
    {"calm", std::chrono::seconds(10), 40},
    {"busy", std::chrono::seconds(15), 150},
    // The queue grows by 70 a second; after some 15 s the oldest requests
    // reach the acquire deadline of 5 s.
    {"exhaustion", std::chrono::seconds(25), 270},
    {"recovery", std::chrono::seconds(30), 40},
}};

// The phase `elapsed` after the start, of a swing that repeats for ever and
// runs `speed` times as fast.
const SwingPhase& swing_at(Duration elapsed, double speed);

// The whole swing at speed 1.
std::chrono::seconds swing_length();

// The demo's pool and load. The rate is set by the swing.
inline constexpr std::uint32_t kDemoMaxConnections = 10;
WorkloadOptions demo_workload();

// $DBPOOL_DEMO_SPEED: how many times as fast the swing runs, 1 … 100; for
// tests. Anything else counts as 1.
double demo_speed();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DEMO_SWING_H_
