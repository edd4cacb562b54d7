# freestanding_flags are the options that make only the standard headers of tools/freestanding-headers.txt
# reachable, without any other C or C++ library header, and disable exceptions and RTTI.
#
# They support libstdc++, whose directories CMake has found already. Its internals (bits/, ext/, debug/) must
# be reachable from the allowed headers; tools/check-layers rejects them in Fallow's own files.
include_guard(GLOBAL)

set(freestanding_dir ${PROJECT_BINARY_DIR}/freestanding)
set(freestanding_std ${freestanding_dir}/std)            # the allowed headers
set(freestanding_replaced ${freestanding_dir}/replaced)  # libstdc++'s view of the operating system
set(freestanding_internals "")

foreach(dir IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
  if(EXISTS ${dir}/type_traits AND EXISTS ${dir}/bits)
    set(libstdcxx_dir ${dir})
  elseif(EXISTS ${dir}/bits/c++config.h)
    set(libstdcxx_config_dir ${dir})
  elseif(EXISTS ${dir}/stddef.h AND EXISTS ${dir}/stdarg.h AND NOT EXISTS ${dir}/stdlib.h)
    set(compiler_dir ${dir})  # stddef.h and stdint.h, which belong to the compiler
  endif()
endforeach()
if(NOT libstdcxx_dir OR NOT libstdcxx_config_dir OR NOT compiler_dir)
  message(FATAL_ERROR "freestanding: no libstdc++ found in ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES}")
endif()

file(STRINGS ${PROJECT_SOURCE_DIR}/tools/freestanding-headers.txt allowed_headers REGEX "^[^#]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/freestanding-headers.txt)
file(REMOVE_RECURSE ${freestanding_std})  # a header that is allowed no longer
foreach(header IN LISTS allowed_headers)
  file(CONFIGURE OUTPUT ${freestanding_std}/${header} CONTENT "#include \"${libstdcxx_dir}/${header}\"\n")
endforeach()

# Without threads and futexes <atomic> has no wait(), and needs no system header.
file(CONFIGURE OUTPUT ${freestanding_replaced}/bits/c++config.h CONTENT
"#pragma once
#include \"${libstdcxx_config_dir}/bits/c++config.h\"
#undef _GLIBCXX_HAS_GTHREADS
#undef _GLIBCXX_HAVE_LINUX_FUTEX
")
file(CONFIGURE OUTPUT ${freestanding_replaced}/bits/os_defines.h CONTENT "")
file(CONFIGURE OUTPUT ${freestanding_replaced}/bits/gthr.h CONTENT "")

foreach(source libstdcxx_dir libstdcxx_config_dir)
  set(internals ${freestanding_dir}/${source})
  file(MAKE_DIRECTORY ${internals})
  foreach(part bits ext debug)
    if(EXISTS ${${source}}/${part})
      file(CREATE_LINK ${${source}}/${part} ${internals}/${part} SYMBOLIC)
    endif()
  endforeach()
  list(APPEND freestanding_internals ${internals})
endforeach()

set(freestanding_flags -ffreestanding -fno-exceptions -fno-rtti -nostdinc -nostdinc++)
foreach(dir ${freestanding_replaced} ${freestanding_std} ${freestanding_internals} ${compiler_dir})
  list(APPEND freestanding_flags "SHELL:-isystem ${dir}")
endforeach()
