# Install and export, so that find_package(flowlens) and pkg-config find what was built.
include(CMakePackageConfigHelpers)

set(installed flowlens_core flowlens_all)
foreach(part lookup collect store)
  if(TARGET flowlens_${part})
    list(APPEND installed flowlens_${part})
  endif()
endforeach()

install(TARGETS ${installed} EXPORT flowlens-targets FILE_SET HEADERS)
install(EXPORT flowlens-targets NAMESPACE flowlens::
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/flowlens)

configure_package_config_file(cmake/flowlens-config.cmake.in flowlens-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/flowlens)
write_basic_package_version_file(flowlens-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/flowlens-config.cmake
  ${PROJECT_BINARY_DIR}/flowlens-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/flowlens)

configure_file(cmake/flowlens.pc.in flowlens.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/flowlens.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET flowlensd)
  install(TARGETS flowlensd)
endif()
