#include "pool/src/canceller.h"

#include <array>

#include "pool/src/one_per_process.h"

namespace dbpool::detail {
namespace {

OnePerProcess<Crew> crews;

}  // namespace

std::shared_ptr<Ticket> request_cancel(PGconn* connection) {
  const std::shared_ptr<PGcancel> cancel(PQgetCancel(connection),
                                         &PQfreeCancel);
  std::shared_ptr<Ticket> ticket;
  if (cancel != nullptr) {
    const CrewLimits limits{"dbpool-cancel", kMaxCancelThreads,
                            kMaxCancelQueue};
    ticket = crews.get(limits).add([cancel] {
      std::array<char, 256> reason;
      PQcancel(cancel.get(), reason.data(), static_cast<int>(reason.size()));
    });
  }
  if (ticket == nullptr) {
    ticket = std::make_shared<Ticket>();
    ticket->finish();
  }
  return ticket;
}

}  // namespace dbpool::detail
