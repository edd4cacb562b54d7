# Compiles the core a second time, as for a program without an operating system (FreestandingFlags.cmake), and
# checks the archive's undefined symbols against tools/freestanding-symbols.txt.
include(FreestandingFlags)

add_library(fallow_freestanding STATIC $<TARGET_PROPERTY:fallow_core,SOURCES>)
target_include_directories(fallow_freestanding PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(fallow_freestanding PRIVATE fallow_warnings)
include(HeadersAlone)
fallow_headers_alone(fallow_freestanding_headers fallow/base fallow/platform fallow/zone fallow/reporting fallow/virtio
                     fallow/balloon fallow/c)

foreach(target fallow_freestanding fallow_freestanding_headers)
  target_compile_options(${target} PRIVATE ${freestanding_flags})
  set_target_properties(${target} PROPERTIES EXPORT_COMPILE_COMMANDS OFF)  # clang-tidy reads each file once
endforeach()

# An instrumented archive contains its sanitizer's symbols, so it cannot be checked.
if(NOT FALLOW_SANITIZE AND NOT FALLOW_FUZZ)
  string(REPLACE "SHELL:" "" flags "${freestanding_flags}")
  string(REPLACE "-isystem " "-isystem;" flags "${flags}")
  set(check ${PROJECT_SOURCE_DIR}/tools/check-freestanding)
  add_test(NAME freestanding.symbols COMMAND ${check} symbols $<TARGET_FILE:fallow_freestanding>)
  add_test(NAME freestanding.headers COMMAND ${check} headers ${CMAKE_CXX_COMPILER} -std=c++20 ${flags})
  add_test(NAME freestanding.self-test COMMAND ${check} self-test ${CMAKE_CXX_COMPILER})
  set_tests_properties(freestanding.symbols freestanding.headers freestanding.self-test PROPERTIES LABELS freestanding)
endif()
