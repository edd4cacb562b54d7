# Defines `cmake --install`: the headers and libraries of core and host, the package that find_package(fallow)
# reads, and the files that pkg-config reads. Every destination is relative to the prefix.
# tests/package/check-install compares the installed files with tests/package/installed.txt.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fallow)
set(installed_libraries core)
if(NOT FALLOW_CORE_ONLY)
  list(APPEND installed_libraries host)
endif()
list(TRANSFORM installed_libraries PREPEND fallow_ OUTPUT_VARIABLE installed_targets)
install(TARGETS ${installed_targets} EXPORT fallowTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/fallow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

install(EXPORT fallowTargets NAMESPACE fallow:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/fallowConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/fallowConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fallowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fallowConfig.cmake ${PROJECT_BINARY_DIR}/fallowConfigVersion.cmake
        DESTINATION ${package_dir})

# pkg-config derives the prefix from the place of the file, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  message(FATAL_ERROR "CMAKE_INSTALL_LIBDIR is ${CMAKE_INSTALL_LIBDIR}; a folder below the prefix is needed, such as lib")
endif()
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
# What a link with the static library needs besides. A shared library states its own needs.
if(BUILD_SHARED_LIBS)
  set(pc_static "Libs.private:")
else()
  set(pc_static "Libs:")
endif()
foreach(library IN LISTS installed_libraries)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/fallow-${library}.pc.in ${PROJECT_BINARY_DIR}/fallow-${library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/fallow-${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
