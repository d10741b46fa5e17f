// The query of /probe: what is taken of it is a target and nothing else, to the
// library as well; a refusal repeats nothing of it.

#include "exporter/http/probe_handler.h"

#include <algorithm>

#include "dbpool/connect.h"
#include "exporter/targets/target_name.h"
#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {
namespace {

bool is_plain(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

void check_taken(const exporter::TargetName& target) {
  const std::string text = to_string(target);
  require(is_plain(target.host, target.literal ? ".:" : ".-_"),
          "a host is a name or an address", text);
  require(
      target.literal || (!target.host.empty() && target.host.size() <= 253 &&
                         !exporter::IpAddress::parse(target.host)),
      "a name is not an address", text);
  require(is_plain(target.database, "_-.$"), "a database is a name", text);
  if (target.database.empty()) return;  // the module's will be in its place
  const auto again = exporter::parse_target(text);
  require(again && to_string(*again) == text, "a target is normalised", text);
  auto database = ConnectionString::parse("host=h user=u");
  require(database->set("host", target.host).has_value() &&
              database->set("dbname", target.database).has_value(),
          "the library takes them", text);
  require(database->hosts().size() == 1 && !database->hosts()[0].is_socket() &&
              database->check_completed().has_value(),
          "they are one host and one database", text);
}

void check(std::string_view query) {
  const std::string text = planted(query);
  const auto asked = exporter::read_probe_request(
      {.method = "GET", .path = "/probe", .query = text});
  if (!asked) {
    require_one_line(asked.error());
    require_no_secret(asked.error());
    return;
  }
  const auto target = exporter::parse_target(asked->target);
  if (target) {
    check_taken(*target);
  } else {
    require_one_line(target.error());
    require_no_secret(target.error());
  }
}

}  // namespace
}  // namespace dbpool::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  dbpool::fuzz::check(dbpool::fuzz::view(data, size));
  return 0;
}
