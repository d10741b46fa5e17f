# find_package(dbpool) for others: dbpool::pool, and dbpool::prometheus when
# the exporter is built.

include(CMakePackageConfigHelpers)

set(_dbpool_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dbpool")

install(TARGETS dbpool EXPORT dbpoolPoolTargets)
install(DIRECTORY pool/include/dbpool TYPE INCLUDE)
install(
  EXPORT dbpoolPoolTargets
  NAMESPACE dbpool::
  DESTINATION "${_dbpool_config_dir}")

if(DBPOOL_BUILD_EXPORTER)
  install(TARGETS dbpool_exporter RUNTIME)
  install(TARGETS dbpool_prometheus EXPORT dbpoolPrometheusTargets)
  install(DIRECTORY exporter/include/dbpool TYPE INCLUDE)
  install(
    EXPORT dbpoolPrometheusTargets
    NAMESPACE dbpool::
    DESTINATION "${_dbpool_config_dir}")
endif()

configure_package_config_file(
  .cmake/dbpoolConfig.cmake.in "${PROJECT_BINARY_DIR}/dbpoolConfig.cmake"
  INSTALL_DESTINATION "${_dbpool_config_dir}")
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/dbpoolConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/dbpoolConfig.cmake"
        "${PROJECT_BINARY_DIR}/dbpoolConfigVersion.cmake" .cmake/FindAsio.cmake
  DESTINATION "${_dbpool_config_dir}")
