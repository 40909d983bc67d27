# Install and export, so that find_package(flowlens), pkg-config and packages find what was built. Each part of the
# library has a set of targets of its own: who asks for the core alone needs nothing that the others link.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/flowlens)
set(flowlens_parts)  # in the order of what they need of each other
foreach(part core lookup collect store capi)
  if(NOT TARGET flowlens_${part})
    continue()
  endif()
  list(APPEND flowlens_parts ${part})
  install(TARGETS flowlens_${part} EXPORT flowlens-${part}-targets
    ARCHIVE COMPONENT dev
    LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev
    FILE_SET HEADERS COMPONENT dev)
  install(EXPORT flowlens-${part}-targets NAMESPACE flowlens:: DESTINATION ${package_dir} COMPONENT dev)
endforeach()

configure_package_config_file(cmake/flowlens-config.cmake.in flowlens-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(flowlens-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/flowlens-config.cmake ${PROJECT_BINARY_DIR}/flowlens-config-version.cmake
  DESTINATION ${package_dir} COMPONENT dev)

# flowlens_pc(<name> DESCRIPTION <text> [REQUIRES <module>...] [LIBS <flags>]): <name>.pc. Archives name all that they
# link as Requires, since whoever links an archive links that, too. Paths are told from the place of the file, so
# that an installation may be moved.
function(flowlens_pc name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "DESCRIPTION;LIBS" "REQUIRES")
  set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  string(REGEX REPLACE "[^/]+" ".." pc_to_prefix ${pc_dir})
  list(JOIN arg_REQUIRES ", " requires)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/part.pc.in ${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${pc_dir} COMPONENT dev)
endfunction()

flowlens_pc(flowlens-core DESCRIPTION "${PROJECT_DESCRIPTION} (the core)" LIBS "-lflowlens_core")
if(TARGET flowlens_lookup)
  set(requires flowlens-core libmaxminddb libcares)
  if(FLOWLENS_WITH_CURL)
    list(APPEND requires "libcurl >= 7.86" pugixml)
  endif()
  if(FLOWLENS_WITH_SNMP)
    list(APPEND requires netsnmp)
  endif()
  flowlens_pc(flowlens-lookup DESCRIPTION "FlowLens: GeoIP, names by DNS, clouds and inventories"
    REQUIRES ${requires} LIBS "-lflowlens_lookup -pthread")
endif()
if(TARGET flowlens_collect)
  flowlens_pc(flowlens-collect DESCRIPTION "FlowLens: sockets, captures and flow logs"
    REQUIRES flowlens-core libpcap openssl zlib LIBS "-lflowlens_collect -pthread")
endif()
if(TARGET flowlens_store)
  set(requires flowlens-core sqlite3)
  if(FLOWLENS_WITH_POSTGRES)
    list(APPEND requires libpqxx libpq)
  endif()
  flowlens_pc(flowlens-store DESCRIPTION "FlowLens: maps in SQLite and PostgreSQL"
    REQUIRES ${requires} LIBS "-lflowlens_store -lSQLiteCpp -pthread")  # SQLiteCpp has no .pc of its own
endif()
if(TARGET flowlens_capi)
  flowlens_pc(flowlens DESCRIPTION "${PROJECT_DESCRIPTION} (for C)" LIBS "-lflowlens")
endif()

if(TARGET flowlensd)
  install(TARGETS flowlensd COMPONENT daemon)
endif()
