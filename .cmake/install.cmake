# find_package(dbpool) and pkg-config for others: dbpool::pool, and
# dbpool::prometheus when the exporter is built. Of two components: exporter is
# the program, dev the rest.

include(CMakePackageConfigHelpers)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)
set(_dbpool_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/dbpool")

install(TARGETS dbpool EXPORT dbpoolPoolTargets)
install(DIRECTORY pool/include/dbpool TYPE INCLUDE)
install(
  EXPORT dbpoolPoolTargets
  NAMESPACE dbpool::
  DESTINATION "${_dbpool_config_dir}")

if(DBPOOL_BUILD_EXPORTER)
  install(TARGETS dbpool_exporter RUNTIME COMPONENT exporter)
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

# Found beside the libraries wherever these are. Who links static ones links
# what they use.
set(_dbpool_pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH _dbpool_pc_prefix "/${_dbpool_pkgconfig_dir}" "/")
string(REGEX REPLACE "/$" "" _dbpool_pc_prefix "${_dbpool_pc_prefix}")
set(_dbpool_pc_private "")
if(BUILD_SHARED_LIBS)
  set(_dbpool_pc_private ".private")
endif()
set(_dbpool_pcs dbpool)
if(DBPOOL_BUILD_EXPORTER)
  list(APPEND _dbpool_pcs dbpool-prometheus)
endif()
foreach(_pc IN LISTS _dbpool_pcs)
  configure_file(".cmake/${_pc}.pc.in" "${PROJECT_BINARY_DIR}/${_pc}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${_pc}.pc"
          DESTINATION "${_dbpool_pkgconfig_dir}")
endforeach()
