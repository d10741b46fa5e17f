#include "pool/src/session/send_statement.h"

#include <vector>

namespace dbpool::detail {
namespace {

// Parallel arrays over `params`, which must outlive them.
struct Arrays {
  explicit Arrays(const Params& params)
      : count(static_cast<int>(params.size())) {
    values.reserve(params.size());
    bool any_binary = false;
    for (const Param& param : params.values()) {
      values.push_back(param.is_null ? nullptr : param.value.c_str());
      any_binary = any_binary || param.is_binary;
    }
    if (!any_binary) return;  // libpq takes null pointers for "all text"
    for (const Param& param : params.values()) {
      lengths.push_back(static_cast<int>(param.value.size()));
      formats.push_back(param.is_binary ? 1 : 0);
    }
  }

  int count;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
};

std::vector<Oid> types_of(const Params& params) {
  std::vector<Oid> types;
  types.reserve(params.size());
  for (const Param& param : params.values()) types.push_back(param.type_oid);
  return types;
}

int format_code(ResultFormat format) {
  return format == ResultFormat::kBinary ? 1 : 0;
}

// Null for an empty one, which libpq takes for "none given".
template <typename T>
const T* array_of(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

}  // namespace

bool send_prepare(PGconn* connection, const std::string& name,
                  std::string_view sql, const Params& params) {
  const std::vector<Oid> types = types_of(params);
  return PQsendPrepare(connection, name.c_str(), std::string(sql).c_str(),
                       static_cast<int>(types.size()), array_of(types)) == 1;
}

bool send_prepared(PGconn* connection, const std::string& name,
                   const Params& params, ResultFormat format) {
  const Arrays arrays(params);
  return PQsendQueryPrepared(connection, name.c_str(), arrays.count,
                             array_of(arrays.values), array_of(arrays.lengths),
                             array_of(arrays.formats),
                             format_code(format)) == 1;
}

bool send_unprepared(PGconn* connection, std::string_view sql,
                     const Params& params, ResultFormat format) {
  const Arrays arrays(params);
  const std::vector<Oid> types = types_of(params);
  return PQsendQueryParams(connection, std::string(sql).c_str(), arrays.count,
                           array_of(types), array_of(arrays.values),
                           array_of(arrays.lengths), array_of(arrays.formats),
                           format_code(format)) == 1;
}

}  // namespace dbpool::detail
