#include "pool/src/session/canceller.h"

#include <array>
#include <string>

#include "pool/src/base/one_per_process.h"

namespace dbpool::detail {
namespace {

OnePerProcess<Crew> crews;

// The server, as far as one that hangs is concerned.
std::string server_of(const PGconn* connection) {
  std::string server;
  for (const char* part :
       {PQhost(connection), PQhostaddr(connection), PQport(connection)}) {
    if (part != nullptr) server += part;
    server += ' ';
  }
  return server;
}

}  // namespace

std::shared_ptr<Ticket> request_cancel(PGconn* connection) {
  const std::shared_ptr<PGcancel> cancel(PQgetCancel(connection),
                                         &PQfreeCancel);
  std::shared_ptr<Ticket> ticket;
  if (cancel != nullptr) {
    const CrewLimits limits{"dbpool-cancel",       kMaxCancelThreads,
                            kMaxCancelQueue,       kMaxCancelThreadsForOne,
                            kMaxCancelQueueForOne, kCancelHangs};
    const auto send = [cancel] {
      std::array<char, 256> reason;
      PQcancel(cancel.get(), reason.data(), static_cast<int>(reason.size()));
    };
    ticket = crews.get(limits).add(send, server_of(connection));
  }
  if (ticket == nullptr) {
    ticket = std::make_shared<Ticket>();
    ticket->finish();
  }
  return ticket;
}

}  // namespace dbpool::detail
