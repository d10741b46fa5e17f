// What the kernel shows of this process: its initial environment and
// arguments (/proc/PID/environ, /proc/PID/cmdline, ps), and its memory.
#ifndef DBPOOL_EXPORTER_SECRETS_H_
#define DBPOOL_EXPORTER_SECRETS_H_

#include <string>
#include <vector>

namespace dbpool::exporter {

// Neither core dumps nor debuggers of the same user, unless `dumpable`.
void set_dumpable(bool dumpable) noexcept;

// Overwrites what may be a secret in the memory that main() was given:
// statements whole, other arguments as far as redact() hides them, and the
// variables that hold or are called secrets, `also` among them. Those that
// libraries may still read, all PG* among them, are moved away first;
// DATABASE_URL and DB_SSL_KEY, which are read once, are removed. Call it when
// both have been copied, before any other thread starts.
void hide_secrets(int argc, char** argv, const std::vector<std::string>& also);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SECRETS_H_
