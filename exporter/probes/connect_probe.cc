#include "exporter/probes/connect_probe.h"

#include <array>
#include <utility>

namespace dbpool::exporter {

ConnectProbe::ConnectProbe(ConnectionString target,
                           std::optional<Duration> server_statement_timeout)
    : target_(std::move(target)),
      server_statement_timeout_(server_statement_timeout) {}

std::span<const std::string_view> ConnectProbe::reasons() const noexcept {
  static constexpr std::array<std::string_view, 8> kReasons = {
      "resolve",     "refused", "timeout",
      "tls",         "auth",    "too_many_connections",
      "starting_up", "other"};
  return kReasons;
}

ProbeResult ConnectProbe::run(Duration timeout, const std::stop_token& stop) {
  phases_ = {};
  ConnectOptions options;
  options.timeout = timeout;
  options.stop = stop;
  options.server_statement_timeout = server_statement_timeout_;
  auto connected = connect(target_, options);
  if (!connected) return Unexpected(std::move(connected.error()));
  phases_ = connected->phases;
  return {};
}

}  // namespace dbpool::exporter
