// The built-in types that this library reads or writes in binary. Their
// numbers never change (PostgreSQL, src/include/catalog/pg_type.dat).
#ifndef DBPOOL_POOL_SRC_SESSION_TYPE_OIDS_H_
#define DBPOOL_POOL_SRC_SESSION_TYPE_OIDS_H_

#include <cstdint>

namespace dbpool::detail {

inline constexpr std::uint32_t kBoolOid = 16;
inline constexpr std::uint32_t kByteaOid = 17;
inline constexpr std::uint32_t kCharOid = 18;
inline constexpr std::uint32_t kNameOid = 19;
inline constexpr std::uint32_t kInt8Oid = 20;
inline constexpr std::uint32_t kInt2Oid = 21;
inline constexpr std::uint32_t kInt4Oid = 23;
inline constexpr std::uint32_t kTextOid = 25;
inline constexpr std::uint32_t kOidOid = 26;
inline constexpr std::uint32_t kJsonOid = 114;
inline constexpr std::uint32_t kXmlOid = 142;
inline constexpr std::uint32_t kFloat4Oid = 700;
inline constexpr std::uint32_t kFloat8Oid = 701;
inline constexpr std::uint32_t kUnknownOid = 705;
inline constexpr std::uint32_t kBpcharOid = 1042;
inline constexpr std::uint32_t kVarcharOid = 1043;
inline constexpr std::uint32_t kNumericOid = 1700;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_TYPE_OIDS_H_
