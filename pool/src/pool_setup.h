// PoolSetup: what a pool was told, its options and its database, as one value
// that is replaced as a whole and never changed.
//
// Thread-safety: immutable.
#ifndef DBPOOL_POOL_SRC_POOL_SETUP_H_
#define DBPOOL_POOL_SRC_POOL_SETUP_H_

#include <memory>
#include <string>

#include "dbpool/connect.h"
#include "dbpool/options.h"
#include "pool/src/session/session.h"

namespace dbpool::detail {

struct PoolSetup {
  // The target as labels; libpq's defaults are looked up once.
  struct Endpoint {
    explicit Endpoint(const ConnectionString& target);
    std::string host, port, database, user;
  };

  PoolOptions options;
  std::shared_ptr<const ConnectionString> target;
  Endpoint endpoint;
  std::shared_ptr<const SessionContext> context;  // of sessions to be opened
};
using PoolSetupPtr = std::shared_ptr<const PoolSetup>;

PoolSetupPtr make_setup(const PoolOptions& options, ConnectionString target,
                        SessionContext context);
// The context stays the same object unless the options change it.
PoolSetupPtr with_options(const PoolSetup& setup, const PoolOptions& options);
PoolSetupPtr with_target(const PoolSetup& setup,
                         std::shared_ptr<const ConnectionString> target);

// kUsage if `wanted` differs in what cannot change while a pool runs; names
// the first such field.
Expected<void> check_constant(const PoolOptions& in_force,
                              const PoolOptions& wanted);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_POOL_SETUP_H_
