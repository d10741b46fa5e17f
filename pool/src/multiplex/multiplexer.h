// Multiplexer: runs the statements of Pool::async_execute(), many callers' on
// one connection, on a thread of its own.
//
// It carries out what its brain (brain/multiplex_state.h) decides. Connections
// come from the pool through the ordinary acquire and go back as leases do;
// the thread ends when the pool is closed and the last of them went back.
//
// Thread-safety: the public functions from any thread, but for start(),
// end_thread() and forget_thread(), which are the Pool's.
#ifndef DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEXER_H_
#define DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEXER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pool/src/base/unique_fd.h"
#include "pool/src/brain/multiplex_state.h"
#include "pool/src/multiplex/multiplex_carrier.h"
#include "pool/src/multiplex/multiplex_inbox.h"
#include "pool/src/waiting/acquire_request.h"

namespace dbpool::detail {

class PoolCore;

class Multiplexer final : public std::enable_shared_from_this<Multiplexer> {
 public:
  // Throws std::system_error without descriptors. The core must outlive what
  // start() runs.
  explicit Multiplexer(PoolCore& core);

  // Starts the thread, which shares the core.
  void start(std::shared_ptr<PoolCore> core);
  // See Pool::async_execute().
  void execute(std::string name, std::string sql, Params params,
               const ExecuteOptions& options,
               CompletionPtr<Expected<Rows>> completion);
  // What was not sent fails; what was sent ends.
  void close() noexcept { inbox_->close(); }
  // The pool's options have changed.
  void reconfigure() noexcept { inbox_->reconfigure(); }
  MultiplexStats stats() const;
  // Joins the thread if it ends soon, else lets it go.
  void end_thread(bool soon) noexcept;
  // In a child after fork() it can be neither.
  void forget_thread() noexcept { static_cast<void>(thread_.release()); }

 private:
  // Its one acquire that is under way.
  class LeaseRequest final : public AcquireRequest {
   public:
    explicit LeaseRequest(MultiplexInbox& inbox);
    void finish(Expected<Lease> result) noexcept override {
      inbox_.put(std::move(result));
    }

   private:
    MultiplexInbox& inbox_;
  };

  void run();
  // The parts of a round.
  void read_mail();
  void end_acquire(Expected<Lease> lease);
  void read_carriers();
  void read(std::uint32_t number);
  void settle();
  void ask_for_leases();
  void flush_carriers();
  void publish();
  void sleep();

  void add_carrier(Lease lease);
  void lose(std::uint32_t number);
  void watch(std::uint32_t number, int how, bool writable);
  void carry_out();
  void carry_out(const MultiplexAction& action);
  void answer(const MultiplexAction& action);
  Error error_of(const MultiplexAction& action);
  Error refusal_of(JobEnd end);
  void report(const MultiplexStatement& statement, const Error* error) const;

  // Constant after construction.
  PoolCore& core_;
  const std::shared_ptr<const SessionContext> context_;  // to report by
  const std::shared_ptr<MultiplexInbox> inbox_;
  const UniqueFd epoll_;

  std::unique_ptr<std::thread> thread_;  // the Pool's

  // The multiplexer's thread only.
  MultiplexState brain_;
  MultiplexInbox::Mail mail_;
  std::vector<std::uint32_t> ready_;  // carriers with something to read
  std::vector<std::unique_ptr<MultiplexCarrier>> carriers_;  // by number
  std::vector<std::uint32_t> touched_;                       // to be flushed
  std::vector<MultiplexAction> actions_;  // being carried out
  std::optional<LeaseRequest> request_;
  std::optional<Error> no_lease_;  // why the last acquire failed
  // One wording for all that fail for one reason in one round.
  std::array<std::optional<Error>, 3> refusals_;

  mutable std::mutex stats_mutex_;
  // Guarded by stats_mutex_.
  MultiplexStats stats_;  // at stats_at_
  TimePoint stats_at_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEXER_H_
