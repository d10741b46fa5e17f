#ifndef DBPOOL_EXPORTER_BASE_AT_END_H_
#define DBPOOL_EXPORTER_BASE_AT_END_H_

namespace dbpool::exporter {

// Runs something at the end of a scope, also of one that an exception leaves.
template <typename Action>
struct AtEnd {
  Action action;
  ~AtEnd() { action(); }
};
template <typename Action>
AtEnd(Action) -> AtEnd<Action>;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_AT_END_H_
