# The same sources give the same files, whatever folder they are built in: paths in assertions and in debug
# information are relative to the root of the sources. tools/check-reproducible compares two builds.
#
# ccache (CCACHE_BASEDIR) may pass paths relative to the build folder instead; both forms are mapped.
function(fallow_prefix_map)
  if(CMAKE_CXX_FLAGS MATCHES "--coverage")
    return()  # gcov finds the sources through the paths in the object files
  endif()
  file(RELATIVE_PATH to_root ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
  set(map "")
  foreach(from ${PROJECT_BINARY_DIR}=build ${PROJECT_SOURCE_DIR}/= ${to_root}=)
    list(APPEND map -ffile-prefix-map=${from})
  endforeach()
  add_compile_options(${map})
endfunction()

# Where a built program finds the shared libraries, without the name of the build folder. CMake overwrites the place on
# installation, but the file keeps its length.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
