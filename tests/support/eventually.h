#ifndef DBPOOL_TESTS_SUPPORT_EVENTUALLY_H_
#define DBPOOL_TESTS_SUPPORT_EVENTUALLY_H_

#include <chrono>
#include <functional>

namespace dbpool::test {

// Calls `predicate` every few milliseconds until it holds or `deadline` has
// passed; asks once more at the end. Tells whether it held. For what cannot
// be awaited otherwise, such as the state of a server. What is dear to ask
// is given a longer pause in between.
bool eventually(std::chrono::milliseconds deadline,
                const std::function<bool()>& predicate,
                std::chrono::milliseconds pause = std::chrono::milliseconds(5));

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_EVENTUALLY_H_
