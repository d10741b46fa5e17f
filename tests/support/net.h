#ifndef DBPOOL_TESTS_SUPPORT_NET_H_
#define DBPOOL_TESTS_SUPPORT_NET_H_

#include "tests/support/unique_fd.h"

namespace dbpool::test {

// A TCP port of 127.0.0.1 on which nobody listens now. Chosen at random below
// the range that the kernel gives to clients, so that two test programs
// hardly ever choose the same one.
int free_port();

// A socket connected to 127.0.0.1:port; throws std::runtime_error.
UniqueFd connect_to(int port);
// The same with [::1]:port.
UniqueFd connect_to_ipv6(int port);

// A socket that listens on 127.0.0.1:port but accepts nobody.
UniqueFd listen_on(int port, int backlog = 16);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_NET_H_
