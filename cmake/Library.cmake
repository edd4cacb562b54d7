# fallow_library(NAME) sets what fallow_core and fallow_host have in common. BUILD_SHARED_LIBS decides whether they
# are static or shared. A shared library exports the names that cmake/fallow.map lists, under two versions.
#
# The soname counts incompatible changes of the C interface (tools/check-abi). The version of the C++ names is the
# minor version of Fallow: a program that was compiled against other headers is refused when it starts.
set(fallow_soversion 0)

set(fallow_map ${PROJECT_BINARY_DIR}/fallow.map)
configure_file(${CMAKE_CURRENT_LIST_DIR}/fallow.map.in ${fallow_map} @ONLY)

function(fallow_library name)
  set(target fallow_${name})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON
                                             VERSION ${PROJECT_VERSION} SOVERSION ${fallow_soversion}
                                             INSTALL_RPATH $ORIGIN)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:fallow_warnings>)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    # A call within the library goes straight to its target.
    target_compile_options(${target} PRIVATE -fno-semantic-interposition)
    target_link_options(${target} PRIVATE LINKER:--version-script=${fallow_map})
    if(name STREQUAL core)
      # A shared library runs under an operating system, so it can state what a failed check does. A program that
      # defines fallow_panic itself replaces this one, as it does with the static libraries. The definition cannot be
      # left to the host library: a linker drops a shared library that a program itself does not refer to.
      add_library(fallow_hosted_panic OBJECT ${PROJECT_SOURCE_DIR}/fallow/host/hosted_panic.cc)
      set_target_properties(fallow_hosted_panic PROPERTIES POSITION_INDEPENDENT_CODE ON)
      target_include_directories(fallow_hosted_panic PRIVATE ${PROJECT_SOURCE_DIR})
      target_link_libraries(fallow_hosted_panic PRIVATE fallow_warnings)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:fallow_hosted_panic>)
    endif()
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${fallow_map})
  endif()
endfunction()
