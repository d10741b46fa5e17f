# Run by cpack: takes the time of packaging out of the archives, which CPack
# puts there whatever SOURCE_DATE_EPOCH is.
foreach(_deb IN LISTS CPACK_PACKAGE_FILES)
  set(_parts "${_deb}.parts")
  file(REMOVE_RECURSE "${_parts}")
  file(MAKE_DIRECTORY "${_parts}")
  execute_process(COMMAND ar x "${_deb}" WORKING_DIRECTORY "${_parts}"
                  COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE "${_deb}")
  execute_process(
    COMMAND ar qcDS "${_deb}" debian-binary control.tar.gz data.tar.xz
    WORKING_DIRECTORY "${_parts}" COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE "${_parts}")
endforeach()
