#include "pool/src/pool_setup.h"

#include <string_view>
#include <utility>

namespace dbpool::detail {
namespace {

std::shared_ptr<const SessionContext> with_options(SessionContext context,
                                                   const PoolOptions& options) {
  context.server_statement_timeout = options.server_statement_timeout;
  context.max_prepared_statements = options.max_prepared_statements;
  return std::make_shared<const SessionContext>(std::move(context));
}

Expected<void> must_equal(bool equal, std::string_view field) {
  if (equal) return {};
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = "PoolOptions::";
  error.message.append(field).append(" cannot change while the pool runs");
  return Unexpected(std::move(error));
}

}  // namespace

PoolSetup::Endpoint::Endpoint(const ConnectionString& target)
    : host(target.host()),
      port(target.port()),
      database(target.database()),
      user(target.user()) {}

PoolSetupPtr make_setup(const PoolOptions& options, ConnectionString target,
                        SessionContext context) {
  PoolSetup::Endpoint endpoint(target);
  return std::make_shared<const PoolSetup>(PoolSetup{
      .options = options,
      .target = std::make_shared<const ConnectionString>(std::move(target)),
      .endpoint = std::move(endpoint),
      .context = with_options(std::move(context), options)});
}

PoolSetupPtr with_options(const PoolSetup& setup, const PoolOptions& options) {
  const SessionContext& context = *setup.context;
  const bool same =
      context.server_statement_timeout == options.server_statement_timeout &&
      context.max_prepared_statements == options.max_prepared_statements;
  return std::make_shared<const PoolSetup>(PoolSetup{
      .options = options,
      .target = setup.target,
      .endpoint = setup.endpoint,
      .context = same ? setup.context : with_options(*setup.context, options)});
}

PoolSetupPtr with_target(const PoolSetup& setup,
                         std::shared_ptr<const ConnectionString> target) {
  PoolSetup::Endpoint endpoint(*target);
  return std::make_shared<const PoolSetup>(
      PoolSetup{.options = setup.options,
                .target = std::move(target),
                .endpoint = std::move(endpoint),
                .context = setup.context});
}

Expected<void> check_constant(const PoolOptions& in_force,
                              const PoolOptions& wanted) {
  Expected<void> result = must_equal(wanted.name == in_force.name, "name");
  const auto check = [&result](const auto& one, const auto& other,
                               std::string_view field) {
    if (result) result = must_equal(one == other, field);
  };
  check(wanted.pipeline_depth, in_force.pipeline_depth, "pipeline_depth");
  check(wanted.max_query_names, in_force.max_query_names, "max_query_names");
  check(wanted.random_seed, in_force.random_seed, "random_seed");
  return result;
}

}  // namespace dbpool::detail
