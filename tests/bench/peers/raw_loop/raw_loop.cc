// usage: dbpool_raw_loop THREADS DEPTH
//
// The limit: libpq alone. Each thread keeps its share of the connections busy
// from one epoll loop; nobody waits for a connection. With a DEPTH above 1
// that many statements go out at once, in libpq's pipeline mode, each with a
// sync point of its own, as callers that know nothing of each other need.

#include <libpq-fe.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "tests/bench/peers/meter.h"

namespace dbpool::bench {
namespace {

class Lane {
 public:
  Lane(int epoll, int depth) : pg_(PQconnectdb("")), depth_(depth) {
    PGresult* const prepared = PQprepare(pg_, "one", "SELECT 1", 0, nullptr);
    require(PQresultStatus(prepared) == PGRES_COMMAND_OK);
    PQclear(prepared);
    require(PQsetnonblocking(pg_, 1) == 0);
    if (depth_ > 1) require(PQenterPipelineMode(pg_) == 1);
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = this}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, PQsocket(pg_), &event);
    send();
  }
  ~Lane() { PQfinish(pg_); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Reads what is there; sends anew once all that was sent is answered.
  void on_readable(Tally& tally) {
    require(PQconsumeInput(pg_) == 1);
    while (PQisBusy(pg_) == 0) {
      PGresult* const result = PQgetResult(pg_);
      if (result == nullptr) {
        // The end of one statement; without a pipeline, of all.
        if (depth_ == 1) return finish(tally);
        continue;
      }
      const ExecStatusType status = PQresultStatus(result);
      PQclear(result);
      if (status == PGRES_PIPELINE_SYNC) {
        if (open_ == 1) return finish(tally);
        tally.done();
        --open_;
      } else {
        require(status == PGRES_TUPLES_OK);
      }
    }
  }

 private:
  void finish(Tally& tally) {
    tally.done();
    send();
  }

  void send() {
    for (open_ = 0; open_ < depth_; ++open_) {
      require(PQsendQueryPrepared(pg_, "one", 0, nullptr, nullptr, nullptr,
                                  0) == 1);
      if (depth_ > 1) require(PQpipelineSync(pg_) == 1);
    }
    require(PQflush(pg_) == 0);  // so little always fits into the socket
  }

  void require(bool good) const {
    if (good) return;
    std::fputs(PQerrorMessage(pg_), stderr);
    std::_Exit(EXIT_FAILURE);
  }

  PGconn* const pg_;
  const int depth_;
  int open_ = 0;  // statements without an answer
};

void run_loop(int connections, int depth, Tally& tally) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::deque<Lane> lanes;
  for (int i = 0; i < connections; ++i) lanes.emplace_back(epoll, depth);
  std::array<epoll_event, 64> events;
  while (tally.running()) {
    const int count = ::epoll_wait(epoll, events.data(), events.size(), 100);
    for (int i = 0; i < count; ++i) {
      auto* const lane =
          static_cast<Lane*>(events[static_cast<std::size_t>(i)].data.ptr);
      lane->on_readable(tally);
    }
  }
  ::close(epoll);
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  const int threads = argc == 3 ? std::atoi(argv[1]) : 0;
  const int depth = argc == 3 ? std::atoi(argv[2]) : 0;
  if (threads < 1 || depth < 1) {
    std::fputs("usage: dbpool_raw_loop THREADS DEPTH\n", stderr);
    return 2;
  }
  const dbpool::bench::Task task;
  dbpool::bench::measure(
      task, threads, [&](int thread, dbpool::bench::Tally& tally) {
        const int share = task.connections / threads +
                          (thread < task.connections % threads ? 1 : 0);
        dbpool::bench::run_loop(share, depth, tally);
      });
}
