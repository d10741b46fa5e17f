# cmake -DSOURCE_DIR=… -DINPUT=… -DOUTPUT=… -P write_revision.cmake
# Writes the short hash of the commit into a source file, at build time. The
# file is touched only when the hash changed, so that nothing is recompiled
# for nothing.

set(DBPOOL_REVISION "unknown")
find_program(GIT git)
if(GIT)
  execute_process(
    COMMAND "${GIT}" -C "${SOURCE_DIR}" rev-parse --short=12 HEAD
    OUTPUT_VARIABLE _hash
    OUTPUT_STRIP_TRAILING_WHITESPACE
    ERROR_QUIET
    RESULT_VARIABLE _status)
  if(_status EQUAL 0)
    set(DBPOOL_REVISION "${_hash}")
  endif()
endif()
configure_file("${INPUT}" "${OUTPUT}" @ONLY)
