#include "pool/src/session/session_activity.h"

#include "dbpool/utf8.h"

namespace dbpool::detail {
namespace {

bool is_open(TransactionStatus transaction) noexcept {
  return transaction == TransactionStatus::kInTransaction ||
         transaction == TransactionStatus::kInError;
}

}  // namespace

void SessionActivity::begin(const Statement& statement,
                            TimePoint now) noexcept {
  const std::lock_guard lock(mutex_);
  facts_.seen = true;
  facts_.running = true;
  if (!is_open(facts_.transaction)) facts_.transaction_began_at = now;
  facts_.started_at = now;
  facts_.name.assign(statement.name);
  facts_.sql.assign(statement.sql);
}

void SessionActivity::end(TransactionStatus transaction,
                          TimePoint now) noexcept {
  const std::lock_guard lock(mutex_);
  if (facts_.running) facts_.ended_at = now;
  facts_.running = false;
  facts_.transaction = transaction;
}

SessionActivity::Facts SessionActivity::facts() const noexcept {
  const std::lock_guard lock(mutex_);
  return facts_;
}

void describe(const SessionActivity::Facts& facts,
              const ConnectionString& target, TimePoint now,
              ConnectionStats& out) {
  // The statement may have begun after `now` was read.
  const auto since = [now](TimePoint then) {
    return std::max(now - then, Duration::zero());
  };
  out.transaction =
      facts.running ? TransactionStatus::kActive : facts.transaction;
  if (is_open(facts.transaction)) {
    out.in_transaction = since(facts.transaction_began_at);
  }
  if (!facts.seen) return;
  StatementStats& statement = out.statement.emplace();
  statement.name = facts.name.view();
  // Redacted before it is cut: the cut could hide what marks a secret.
  statement.text =
      utf8_prefix(target.redact(facts.sql.view()), kShownStatementCharacters);
  statement.running = facts.running;
  statement.started_ago = since(facts.started_at);
  statement.took =
      facts.running ? statement.started_ago : facts.ended_at - facts.started_at;
}

}  // namespace dbpool::detail
