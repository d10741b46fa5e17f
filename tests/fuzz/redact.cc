// redact() and hide_secret(): whatever stands around a secret that is called
// by its name, none of it is left. The first byte says what it is called.

#include "dbpool/error.h"

#include <array>

#include "pool/src/secrets/known_secret.h"
#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {
namespace {

constexpr std::array<std::string_view, 16> kCalled = {
    "postgresql://app:\x02@db/x",
    "postgresql://app:\x02@db:5432/x?sslmode=require",
    "postgresql://db/x?user=app&password=\x02",
    "password=\x02",
    "password='\x02'",
    "host=db password=\x02 user=app",
    "sslpassword = \x02",
    "PGPASSWORD=\x02",
    "{\"password\": \"\x02\"}",
    "ALTER ROLE r PASSWORD '\x02';",
    "ALTER ROLE r PASSWORD E'\x02';",
    "CREATE USER MAPPING FOR r SERVER s OPTIONS (user 'r', password '\x02')",
    "SELECT crypt('\x02', gen_salt('bf'))",
    "SELECT set_config('my.password', '\x02', true)",
    "password => $$\x02$$",
    "postgresql%3A%2F%2Fapp%3A\x02%40db%2Fx"};

void check_named(std::string_view input) {
  const auto which = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  // Before and after it, on lines of their own.
  const std::size_t cut = input.find(kPlant);
  const std::string before(input.substr(0, cut));
  const std::string after(
      cut == std::string_view::npos ? "" : input.substr(cut + 1));
  const std::string text =
      before + "\n" + planted(kCalled[which % kCalled.size()]) + "\n" + after;
  if (has_secret(before) || has_secret(after)) return;
  const std::string safe = redact(text);
  require_no_secret(safe);
  require(safe.size() <= text.size() * 3 + 3, "a mask is short", safe);
  require_no_secret(redact(safe));
}

void check_known(std::string_view input) {
  std::string text = planted(input);
  detail::hide_secret(text, kSecret);
  require_no_secret(text);
  std::string other(input);
  detail::hide_secret(other, input.substr(0, input.size() / 4));
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  dbpool::fuzz::check_named(dbpool::fuzz::view(data, size));
  dbpool::fuzz::check_known(dbpool::fuzz::view(data, size));
  return 0;
}
