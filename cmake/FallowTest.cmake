# fallow_test(NAME SOURCES a.cc ... [LIBRARIES lib ...] [LABEL unit|model|fault|stress|e2e] [TIMEOUT seconds]
# [SERIAL]) defines one GoogleTest program, linked with fallow::host. Each of its cases is a ctest test with
# the label. With sanitizers, or emulated, a process starts slowly: there the whole program is one test. SERIAL:
# the test judges times, so no other test runs in parallel.

# Debian packages GoogleTest for its own architecture, and its sources for the others.
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
  # The code under test is built as shipped. The many tests around it compile in half the time with these
  # options.
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
