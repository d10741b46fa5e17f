# See CMakeLists.txt beside this file, which names the variables.

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK_DIR}")
run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${WORK_DIR}/prefix")

# Neither the sources nor the build may be needed any more: the consumer finds
# everything below the prefix, which has moved.
file(RENAME "${WORK_DIR}/prefix" "${WORK_DIR}/moved")

# The example of the README, word for word.
file(READ "${README}" readme)
string(FIND "${readme}" "```cpp\n" begin)
string(SUBSTRING "${readme}" ${begin} -1 readme)
string(SUBSTRING "${readme}" 7 -1 readme)
string(FIND "${readme}" "\n```" end)
string(SUBSTRING "${readme}" 0 ${end} example)
file(WRITE "${WORK_DIR}/readme_example.cc" "${example}\n")

set(flags "-Wall -Wextra -Werror")
if(SANITIZE)
  string(APPEND flags " -fsanitize=${SANITIZE}")
endif()
run("${CMAKE_COMMAND}" -S "${CONSUMER_DIR}" -B "${WORK_DIR}/build" -G
    "${GENERATOR}" "-DCMAKE_PREFIX_PATH=${WORK_DIR}/moved"
    "-DCMAKE_CXX_COMPILER=${COMPILER}"
    "-DCMAKE_CXX_FLAGS=${flags}" "-DDBPOOL_VERSION=${VERSION}"
    "-DREADME_EXAMPLE=${WORK_DIR}/readme_example.cc")
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
run("${WORK_DIR}/build/consumer" "${VERSION}")
run("${WORK_DIR}/moved/bin/dbpool_exporter" --version)
file(REMOVE_RECURSE "${WORK_DIR}")
