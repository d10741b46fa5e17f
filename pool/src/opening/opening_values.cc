#include "pool/src/opening/opening_values.h"

#include <charconv>
#include <utility>

namespace dbpool::detail {

ConnValues with_defaults(ConnValues values, const ConnValues& effective) {
  // libpq's "prefer" blocks in Kerberos libraries and costs a round trip,
  // wherever a ticket cache exists, for an encryption that nobody set up.
  if (value_of(effective, "gssencmode", "prefer") == "prefer") {
    values.try_emplace("gssencmode", "disable");
  }
  struct Default {
    const char* keyword;
    const char* value;
  };
  // A host that vanished is noticed in seconds, not after the kernel's two
  // hours: keepalives for a silent wire, the other (ms) for unanswered data.
  constexpr Default kDefaults[] = {{"keepalives_idle", "30"},
                                   {"keepalives_interval", "10"},
                                   {"keepalives_count", "3"},
                                   {"tcp_user_timeout", "10000"},
                                   {"fallback_application_name", "dbpool"}};
  for (const Default& each : kDefaults) {
    if (!effective.contains(each.keyword)) {
      values.try_emplace(each.keyword, each.value);
    }
  }
  return values;
}

ConnValues with_backstop(ConnValues values, const ConnValues& effective,
                         Duration timeout) {
  const auto milliseconds =
      std::chrono::ceil<std::chrono::milliseconds>(timeout);
  std::string options =
      "-c statement_timeout=" + std::to_string(milliseconds.count());
  const std::string given = value_of(effective, "options", "");
  if (!given.empty()) options += ' ' + given;
  values.insert_or_assign("options", std::move(options));
  return values;
}

Duration host_limit(const ConnValues& effective) {
  const std::string text = value_of(effective, "connect_timeout", "0");
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds > 0 ? Duration(std::chrono::seconds(seconds))
                     : Duration::max();
}

}  // namespace dbpool::detail
