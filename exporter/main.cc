// dbpool_exporter: settings, log and signals; app.h has the rest.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "exporter/app.h"
#include "exporter/base/signals.h"
#include "exporter/logging/logger.h"
#include "exporter/secrets.h"
#include "exporter/settings/settings.h"

namespace dbpool::exporter {

namespace {

int leave_early(const EarlyExit& early) {
  std::fputs(early.output.c_str(), stdout);
  for (const std::string& line : early.errors) {
    std::fprintf(stderr, "dbpool_exporter: %s\n", line.c_str());
  }
  return early.code;
}

// Connections, threads of pools and clients need descriptors, and what a shell
// or a service manager gives at first is few.
void allow_descriptors() {
  constexpr rlim_t kEnough = 65536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, kEnough);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // as before if refused
}

int run(int argc, char** argv) {
  allow_descriptors();
  Signals::hold_hangup();
  set_dumpable(false);
  const auto load = [arguments =
                         std::vector<std::string>(argv + 1, argv + argc),
                     environment = copy_environment(environ)] {
    return load_settings(arguments, environment);
  };
  auto settings = load();
  if (!settings) return leave_early(settings.error());
  hide_secrets(argc, argv, settings->expanded_variables);
  if (settings->dumpable) set_dumpable(true);
  Logger log(settings->log);
  Signals signals({
      .on_second_stop =
          [&log](int signal) {
            log.warn("second signal: ending at once",
                     {{"signal", signal_name(signal)}});
            log.flush();
          },
  });
  const bool check_only = settings->check_only;
  App app(*std::move(settings), load, log, signals);
  return check_only ? app.check() : app.run();
}

}  // namespace

}  // namespace dbpool::exporter

int main(int argc, char** argv) {
  try {
    return dbpool::exporter::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dbpool_exporter: %s\n", error.what());
    return dbpool::exporter::kExitUnclean;
  }
}
