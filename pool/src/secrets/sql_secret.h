// Secrets that stand in SQL as literals: ALTER ROLE r PASSWORD 'p'.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_SECRETS_SQL_SECRET_H_
#define DBPOOL_POOL_SRC_SECRETS_SQL_SECRET_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "pool/src/secrets/scan.h"

namespace dbpool::detail {

// The literal that follows the word [word.begin, word.end) of `text`, as in
// ALTER ROLE r PASSWORD 'p', OPTIONS (password 'p'), f(password => $$p$$),
// set_config('x.password', E'p', true) and {"password": "p"}; nothing if none
// does. What follows a plain = is not looked at. `quoted`: the word stands
// within "…", whose end ends everything. In doubt where the literal ends
// (quotes doubled or escaped, none that closes, parts that are joined), it is
// all of the rest. Linear in the literal, and bounded where there is none.
std::optional<Span> literal_after(std::string_view text, Span word,
                                  bool quoted);

// What follows the word PASSWORD in CREATE or ALTER of a role, user or group
// where that is no literal, as in ALTER ROLE r PASSWORD p: a mistake, and all
// of the rest is in doubt. Nothing where it is NULL or hidden already.
std::optional<Span> bare_password(std::string_view text, Span word,
                                  bool quoted);

// The arguments within the ( ) at `at`, as of crypt('p', salt), where one of
// them is or has a literal. In doubt all of the rest.
std::optional<Span> secret_arguments(std::string_view text, std::size_t at,
                                     bool quoted);

// Where the literal ends that begins at `at` with E', U&', $tag$ or the like;
// nothing if none does.
std::optional<std::size_t> marked_literal_end(std::string_view text,
                                              std::size_t at, bool quoted);

// A text quoted by a server as the place of a mistake, if it begins at `at`
// and is a literal: at or near "'p". In the quotes, which stay.
std::optional<Span> literal_at_mistake(std::string_view text, std::size_t at);

// Does the ' at `close` surely end what the ' before `begin` began? Not where
// it may begin a literal itself: 'password=' || 'p' and format('… %L', 'p').
bool is_surely_closed(std::string_view text, std::size_t begin,
                      std::size_t close) noexcept;

// Does a placeholder of format() begin at `at`, whose value comes later?
bool is_placeholder(std::string_view text, std::size_t at) noexcept;

// Is the ' before `i` followed by another one that ends no empty literal, as
// where a literal stands within another?
bool is_doubled_quote(std::string_view text, std::size_t i) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SECRETS_SQL_SECRET_H_
