# The Debian packages: dbpool-exporter, and dbpool-dev with the library. Made
# by cpack from the preset "package"; tests/package/run builds and tries them.

set(_deploy "${PROJECT_SOURCE_DIR}/exporter/deploy")
set(_made "${PROJECT_BINARY_DIR}/package")
set(_share "${CMAKE_INSTALL_DATADIR}/dbpool-exporter")
set(_doc "${CMAKE_INSTALL_DATADIR}/doc")
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME exporter)

# What is told of the program is made of the program, when it is complete.
install(
  CODE "execute_process(
    COMMAND \"${_deploy}/package-files\" \"${PROJECT_BINARY_DIR}\"
            \"${PROJECT_VERSION}\" \"${_made}\"
    COMMAND_ERROR_IS_FATAL ANY)"
  COMPONENT exporter)
install(FILES README.md "${_made}/copyright" "${_made}/sbom.cdx.json"
        DESTINATION "${_doc}/dbpool-exporter")
install(FILES "${_made}/dbpool_exporter.1.gz"
        DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES exporter/deploy/systemd/dbpool-exporter.service
        DESTINATION /lib/systemd/system)
# It has the password of the database.
install(
  FILES exporter/deploy/debian/default
  DESTINATION /etc/default
  RENAME dbpool-exporter
  PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(FILES alerts/dbpool.rules.yml alerts/alertmanager.example.yml
        DESTINATION "${_share}/alerts")
install(DIRECTORY alerts/runbooks DESTINATION "${_share}/alerts")
install(FILES dashboards/overview.json dashboards/pool.json
              dashboards/database.json dashboards/workload.json
              dashboards/fleet.json
        DESTINATION "${_share}/dashboards")
install(DIRECTORY exporter/deploy/kubernetes exporter/deploy/fleet
        DESTINATION "${_share}" USE_SOURCE_PERMISSIONS)
install(
  FILES LICENSE
  DESTINATION "${_doc}/dbpool-dev"
  RENAME copyright
  COMPONENT dev)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "dbpool_exporter <packages@dbpool.example>")
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/debs")
set(CPACK_COMPONENTS_ALL exporter dev)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)  # for what is not below /usr
# Whatever the umask is.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_POST_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/.cmake/same_debs.cmake")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_EXPORTER_PACKAGE_NAME dbpool-exporter)
set(CPACK_DEBIAN_EXPORTER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_EXPORTER_PACKAGE_SHLIBDEPS ON)
# The system's roots, which the database's certificate is verified by.
set(CPACK_DEBIAN_EXPORTER_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_EXPORTER_PACKAGE_SUGGESTS "prometheus, postgresql")
set(CPACK_COMPONENT_EXPORTER_DESCRIPTION
    "It tells whether requests wait for a connection, since when, why, and who
holds the connections. With alert rules and Grafana dashboards.")
set(CPACK_DEBIAN_EXPORTER_PACKAGE_CONTROL_EXTRA
    "${_deploy}/debian/conffiles;${_deploy}/debian/postinst;${_deploy}/debian/prerm;${_deploy}/debian/postrm")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME dbpool-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libasio-dev (>= 1:1.22), libexpected-dev, libpq-dev, libssl-dev, prometheus-cpp-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "Headers and static libraries of the pool and of its metrics for
prometheus-cpp, for CMake's find_package(dbpool) and for pkg-config.")
include(CPack)
