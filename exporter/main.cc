#include <cstdio>
#include <string>

#include "dbpool/version.h"
#include "exporter/build_revision.h"

int main() {
  const std::string version(dbpool::version());
  const std::string revision(dbpool::exporter::build_revision());
  std::printf("dbpool_exporter %s (%s)\n", version.c_str(), revision.c_str());
  return 0;
}
