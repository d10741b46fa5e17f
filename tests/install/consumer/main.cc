// A service that embeds the pool, as another project would write it. Its
// database is down: port 9 of the loopback discards.
#include <dbpool/pool.h>
#include <dbpool/prometheus/pool_collector.h>
#include <dbpool/version.h>
#include <prometheus/metric_family.h>

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  if (argc != 2 || dbpool::version() != std::string_view(argv[1])) {
    std::fputs("the library has another version\n", stderr);
    return 1;
  }

  auto target =
      dbpool::ConnectionString::parse("postgresql://app@127.0.0.1:9/app");
  if (!target) {
    std::fprintf(stderr, "%s\n", target.error().message.c_str());
    return 1;
  }
  auto pool = dbpool::Pool::create(*target);
  if (!pool) {
    std::fprintf(stderr, "%s\n", pool.error().message.c_str());
    return 1;
  }

  const dbpool::prometheus::PoolCollector collector(*pool);
  for (const auto& family : collector.Collect()) {
    if (family.name == "dbpool_total_connections") return 0;
  }
  std::fputs("the collector has no dbpool_total_connections\n", stderr);
  return 1;
}
