# Defines `cmake --install`: the headers and libraries of core and host, and the package that
# find_package(fallow) reads.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fallow)
install(TARGETS fallow_core fallow_host EXPORT fallowTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(layer base platform zone reporting virtio balloon c host)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/fallow/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fallow
          FILES_MATCHING PATTERN "*.h")
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/fallow/fallow.h ${PROJECT_SOURCE_DIR}/fallow/balloon.h ${PROJECT_SOURCE_DIR}/fallow/host.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fallow)

install(EXPORT fallowTargets NAMESPACE fallow:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/fallowConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/fallowConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fallowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/fallowConfig.cmake ${PROJECT_BINARY_DIR}/fallowConfigVersion.cmake
        DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
