# fallow_precompiled(SET TARGET) compiles the target with the precompiled headers of the set, if
# FALLOW_PRECOMPILE is ON. The sets are `tests` (GoogleTest) and `apps` (fmt, nlohmann/json); a target uses at
# most one of them.
#
# A file that forgets to include one of these headers still compiles. The preset `dev` detects the omission:
# it precompiles nothing, and compiles every file of the libraries, the command line and the tests. So does
# clang-tidy, which uses the preset `clang`. With g++ 12 the option is not useful: code inlined from
# precompiled headers causes warnings about impossible accesses.
set(precompiled_tests <gtest/gtest.h> <nlohmann/json.hpp> <algorithm> <array> <atomic> <chrono> <cstring> <functional>
                      <memory> <mutex> <random> <string> <thread> <vector>)
set(precompiled_apps <fmt/format.h> <nlohmann/json.hpp> <algorithm> <array> <chrono> <cstring> <functional> <memory>
                     <optional> <span> <string> <vector>)

function(fallow_precompiled set target)
  if(NOT FALLOW_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET fallow_precompiled_${set})
    set(source ${PROJECT_BINARY_DIR}/fallow_precompiled_${set}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(fallow_precompiled_${set} OBJECT ${source})
    target_link_libraries(fallow_precompiled_${set} PRIVATE fallow_warnings ${ARGN})
    target_precompile_headers(fallow_precompiled_${set} PRIVATE ${precompiled_${set}})
  endif()
  target_precompile_headers(${target} REUSE_FROM fallow_precompiled_${set})
endfunction()
