// Connection strings: what is refused shows nothing of itself, what is taken
// never shows its password, and its description describes itself.

#include "dbpool/connect.h"
#include "exporter/settings/database_url.h"
#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {
namespace {

// Whether the password is all of it that holds the secret.
bool is_in_password_alone(const ConnectionString& target) {
  bool is_password = false;
  for (const auto& [keyword, value] : target.values()) {
    if (!has_secret(value)) continue;
    if (keyword != "password") return false;
    is_password = true;
  }
  return is_password;
}

void check_refused(const std::string& text, const Error& error) {
  require(error.kind == ErrorKind::kUsage, "a refusal is a mistake in usage");
  const std::string explained =
      exporter::explain_database_url(text, error.message);
  for (const std::string& line : {error.message, explained}) {
    require_one_line(line);
    require_no_secret(line);
  }
}

void check_description(const ConnectionString& target) {
  const std::string text = target.description();
  require_one_line(text);
  require(!target.hosts().empty(), "there is a host", text);
  const auto again = ConnectionString::parse(text);
  if (!again) return;  // a host that is none
  require(again->description() == text, "a description describes itself",
          text + "\n" + again->description());
}

void check_password(const ConnectionString& target, const std::string& text) {
  require_no_secret(target.description());
  require_no_secret(target.redact(text));
  require_no_secret(redact(text));
  if (target.get("password") == kSecret) {
    require_no_secret(target.redact("FATAL: \"" + std::string(kSecret) + "\""));
  }
  if (const auto checked = target.check_completed(); !checked) {
    require_one_line(checked.error().message);
    require_no_secret(checked.error().message);
  }
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool::fuzz;
  const std::string text = planted(view(data, size));
  const auto target = dbpool::ConnectionString::parse(text);
  if (!target) {
    check_refused(text, target.error());
    return 0;
  }
  if (target->check_completed()) check_description(*target);
  if (is_in_password_alone(*target)) check_password(*target, text);
  return 0;
}
