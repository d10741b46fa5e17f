# How everything here is compiled: language, launcher, warnings, sanitizers.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE
        RelWithDebInfo
        CACHE STRING "Build type" FORCE)
  endif()
  find_program(DBPOOL_CCACHE ccache)
  if(DBPOOL_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/.cmake/with-ccache"
                                    "${DBPOOL_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
    if(DBPOOL_PCH)
      add_compile_options(-fpch-preprocess)
    endif()
  endif()
endif()

if(DBPOOL_PACKAGE)
  # Reproducible: no path of this machine gets in, as by __FILE__. What would
  # be stripped is not made.
  add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." -g0)
endif()

# What every target of this project is compiled with; never exported.
add_library(dbpool_warnings INTERFACE)
target_compile_options(
  dbpool_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow
                            $<$<BOOL:${DBPOOL_WERROR}>:-Werror>)

if(DBPOOL_SANITIZE)
  add_compile_options(-fsanitize=${DBPOOL_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DBPOOL_SANITIZE})
  if(DBPOOL_SANITIZE MATCHES "thread")
    # ThreadSanitizer does not understand the fences round Asio's handlers,
    # and g++ warns of them; the mutexes of its queues order the same.
    add_compile_definitions(ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

if(DBPOOL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# dbpool_precompile(<target> <header>…): what most of its sources include is
# compiled once. All the same each source includes what it uses; builds without
# DBPOOL_PCH check.
function(dbpool_precompile target)
  if(DBPOOL_PCH)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# dbpool_private(<target>): the compile settings of the project, and its root
# folder for private includes such as "pool/src/brain/pool_state.h".
function(dbpool_private target)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:dbpool_warnings>)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
endfunction()
