# fallow_test(NAME SOURCES a.cc ... [LIBRARIES lib ...] [LABEL unit|model|fault|stress|e2e] [TIMEOUT seconds] [SERIAL])
#
# SERIAL: it judges times, so nothing else runs beside it.
# One GoogleTest program; each of its cases is a test of ctest's, with the label. Where a process takes long to start (with
# sanitizers, or emulated) the whole program is one test. Linked with fallow::host.
# Debian has GoogleTest for its own architecture only, and its sources for the others.
if(CMAKE_CROSSCOMPILING)
  add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
else()
  find_package(GTest REQUIRED)
endif()
include(GoogleTest)

function(fallow_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "LABEL;TIMEOUT" "SOURCES;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "fallow_test(${name}): SOURCES are needed; not understood: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE fallow::host ${arg_LIBRARIES} fallow_warnings GTest::gtest_main)
  # What is tested is as it is shipped; the tests around it are many, and compile in half the time like this.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1 -g1>)
  fallow_precompiled(tests ${name} GTest::gtest)
  if(FALLOW_SANITIZE OR CMAKE_CROSSCOMPILING)
    math(EXPR timeout "10 * ${arg_TIMEOUT}")
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${timeout})
  else()
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
                         PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL})
  endif()
endfunction()
