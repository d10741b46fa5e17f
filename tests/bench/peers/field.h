// Who is measured, and in what.
#ifndef DBPOOL_TESTS_BENCH_PEERS_FIELD_H_
#define DBPOOL_TESTS_BENCH_PEERS_FIELD_H_

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/support/postgres.h"

namespace dbpool::bench {

enum class Course {
  kUnix,         // 64 clients on 10 connections, SELECT 1, over a Unix socket
  kTcp,          // the same over TCP on the loopback
  kAcquireOne,   // acquire and release without a query, 1 thread
  kAcquireMany,  // the same, 32 threads
};
inline constexpr std::array kCourses = {
    Course::kUnix, Course::kTcp, Course::kAcquireOne, Course::kAcquireMany};
inline constexpr int kClients = 64;
inline constexpr int kThreadsOfMany = 32;
inline constexpr int kConnections = 10;

// Those that others are compared with.
inline constexpr char kRawLoopOne[] = "raw loop, 1 thread";
inline constexpr char kRawLoopTwo[] = "raw loop, 2 threads";
inline constexpr char kMutexPool[] = "plain mutex pool";
inline constexpr char kSoci[] = "SOCI";
inline constexpr char kHikariCp[] = "HikariCP";
inline constexpr char kAsyncOne[] = "dbpool async, 1 thread";
inline constexpr char kAsyncTwo[] = "dbpool async, 2 threads";
inline constexpr char kPipelinedOne[] = "dbpool pipelined by 8, 1 thread";
inline constexpr char kBlocking[] = "dbpool blocking";

struct Entry {
  Course course;
  std::string name;
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
};

struct Field {
  bool quick = false;  // TCP only, and nobody who needs packages
  int seconds = 2;     // of one measurement
  std::string only;    // regular expression for names; empty: all
};

// In the order of the tables.
std::vector<Entry> entries_of(const Field& field,
                              const test::Postgres& postgres);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_PEERS_FIELD_H_
