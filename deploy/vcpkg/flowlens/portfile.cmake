# An overlay port: it builds the tree that it lies in.
#   vcpkg install "flowlens[collect,store]" --overlay-ports=deploy/vcpkg
cmake_path(GET CURRENT_PORT_DIR PARENT_PATH SOURCE_PATH)
cmake_path(GET SOURCE_PATH PARENT_PATH SOURCE_PATH)
cmake_path(GET SOURCE_PATH PARENT_PATH SOURCE_PATH)

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS FEATURES
  lookup FLOWLENS_WITH_LOOKUP
  curl FLOWLENS_WITH_CURL
  collect FLOWLENS_WITH_COLLECT
  store FLOWLENS_WITH_STORE)
vcpkg_add_to_path("${CURRENT_HOST_INSTALLED_DIR}/tools/ragel")

# No features for PostgreSQL and SNMP: libpqxx is at version 7 there and we are at 6, and net-snmp is for Windows alone.
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS
  ${FEATURE_OPTIONS}
  -DFLOWLENS_BUILD_CAPI=OFF
  -DFLOWLENS_WITH_POSTGRES=OFF
  -DFLOWLENS_WITH_SNMP=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/flowlens)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
