# dbpool_civetweb: the HTTP server's library, by DBPOOL_CIVETWEB:
#   auto     the system's when it can do TLS, else the source that
#            .ci/fetch-civetweb put into build/civetweb; without that the
#            system's all the same, and the program refuses TLS at its start
#   system   the system's
#   bundled  the source in build/civetweb
# Whether it can do TLS is told to what links it: DBPOOL_CIVETWEB_TLS is 0 or 1.

find_package(civetweb CONFIG QUIET)
set(_civetweb_source "${PROJECT_SOURCE_DIR}/build/civetweb")

# Debian's library loads OpenSSL with dlopen() and dies on the first HTTPS
# request: the names are those of OpenSSL 1.1. One that can be trusted is
# linked to the same OpenSSL as we are.
function(_dbpool_civetweb_has_tls result)
  set(${result} 0 PARENT_SCOPE)
  if(NOT TARGET civetweb::civetweb OR NOT CMAKE_READELF)
    return()
  endif()
  get_target_property(_ssl OpenSSL::SSL LOCATION)
  get_target_property(_civetweb civetweb::civetweb LOCATION)
  foreach(_file _ssl _civetweb)
    execute_process(COMMAND "${CMAKE_READELF}" -d "${${_file}}"
                    OUTPUT_VARIABLE ${_file}_dynamic ERROR_QUIET)
  endforeach()
  if(_ssl_dynamic MATCHES "SONAME[^\n]*\\[(libssl\\.so[^]]*)\\]")
    string(FIND "${_civetweb_dynamic}" "[${CMAKE_MATCH_1}]" _at)
    if(NOT _at EQUAL -1)
      set(${result} 1 PARENT_SCOPE)
    endif()
  endif()
endfunction()

function(_dbpool_bundle_civetweb)
  add_library(dbpool_civetweb STATIC "${_civetweb_source}/src/civetweb.c")
  target_include_directories(dbpool_civetweb SYSTEM
                             PUBLIC "${_civetweb_source}/include")
  target_compile_definitions(
    dbpool_civetweb
    PUBLIC DBPOOL_CIVETWEB_TLS=1
    PRIVATE NO_SSL_DL OPENSSL_API_1_1 NO_FILES NO_CGI USE_IPV6)
  # Neither its warnings nor what sanitizers say of it are for us to mend.
  target_compile_options(dbpool_civetweb PRIVATE -w)
  if(DBPOOL_SANITIZE)
    target_compile_options(dbpool_civetweb PRIVATE -fno-sanitize=all)
  endif()
  if(DBPOOL_FUZZ)
    # What strangers can do to its memory is.
    target_compile_options(dbpool_civetweb
                           PRIVATE -fsanitize=address,fuzzer-no-link)
  endif()
  find_package(Threads REQUIRED)
  target_link_libraries(dbpool_civetweb PRIVATE OpenSSL::SSL Threads::Threads)
endfunction()

function(_dbpool_choose_civetweb)
  if(NOT DBPOOL_CIVETWEB MATCHES "^(auto|system|bundled)$")
    message(FATAL_ERROR "DBPOOL_CIVETWEB is \"${DBPOOL_CIVETWEB}\"; "
                        "expected auto, system or bundled")
  endif()
  _dbpool_civetweb_has_tls(_system_tls)
  set(_has_source FALSE)
  if(EXISTS "${_civetweb_source}/src/civetweb.c")
    set(_has_source TRUE)
  endif()
  if(DBPOOL_CIVETWEB STREQUAL "bundled"
     OR (DBPOOL_CIVETWEB STREQUAL "auto" AND NOT _system_tls AND _has_source))
    if(NOT _has_source)
      message(FATAL_ERROR "The source of civetweb is not in build/civetweb; "
                          "run .ci/fetch-civetweb, which puts it there")
    endif()
    message(STATUS "civetweb: its source in build/civetweb, with TLS")
    _dbpool_bundle_civetweb()
    return()
  endif()
  if(NOT TARGET civetweb::civetweb)
    message(FATAL_ERROR "No civetweb here; run .ci/fetch-civetweb, which "
                        "fetches its source")
  endif()
  add_library(dbpool_civetweb INTERFACE)
  target_link_libraries(dbpool_civetweb INTERFACE civetweb::civetweb)
  target_compile_definitions(dbpool_civetweb
                             INTERFACE DBPOOL_CIVETWEB_TLS=${_system_tls})
  if(_system_tls)
    message(STATUS "civetweb: the system's, with TLS")
  else()
    message(WARNING "The system's civetweb cannot do TLS: the exporter will "
                    "refuse tls_server_config at its start. Run "
                    ".ci/fetch-civetweb and configure again for one that can")
  endif()
endfunction()

_dbpool_choose_civetweb()
