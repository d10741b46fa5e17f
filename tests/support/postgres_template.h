#ifndef DBPOOL_TESTS_SUPPORT_POSTGRES_TEMPLATE_H_
#define DBPOOL_TESTS_SUPPORT_POSTGRES_TEMPLATE_H_

#include <sys/types.h>

#include <string>

namespace dbpool::test {

// Whom the server runs as: PostgreSQL refuses root. {0, 0} is "as we do".
struct ServerUser {
  uid_t uid = 0;
  gid_t gid = 0;
};
ServerUser server_user();

// Makes `path` and all below it belong to the server's user.
void give_to_server_user(const std::string& path);

// Puts a fresh data folder, with the app role, at `data_dir`. initdb runs
// once for a process; once for all processes that have the environment
// variable DBPOOL_TEST_TEMPLATE in common, a folder that may be made.
void copy_template(const std::string& data_dir);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_POSTGRES_TEMPLATE_H_
