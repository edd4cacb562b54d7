# The libraries, from the sources that this recipe belongs to. A registry replaces the next line by
# vcpkg_from_git() or vcpkg_download_distfile() with the address and the checksum of a release.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DFALLOW_TOOLS=OFF -DFALLOW_TESTS=OFF -DFALLOW_EXAMPLES=OFF -DFALLOW_WERROR=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME fallow CONFIG_PATH lib/cmake/fallow)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
