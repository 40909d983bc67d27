# cmake -D PORT_DIR=<port> -D FEATURES=<feature>;... -D WORK=<folder> -P vcpkg_stand_in.cmake
#
# What vcpkg would do with the port, in its layout (packages, buildtrees, debug beside release), with libraries of
# this system in place of its own. vcpkg itself is not run here: its download of tools is none of a test's business.
# The functions below do as documented, as far as the port asks.
cmake_minimum_required(VERSION 3.25)
set(PORT flowlens)
set(CURRENT_PORT_DIR ${PORT_DIR})
set(CURRENT_PACKAGES_DIR ${WORK}/packages/flowlens_x64-linux)
set(CURRENT_HOST_INSTALLED_DIR ${WORK}/installed/x64-linux)
set(CURRENT_BUILDTREES_DIR ${WORK}/buildtrees/flowlens)

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_FEATURE_OPTIONS" "FEATURES")
  set(options)
  while(arg_FEATURES)
    list(POP_FRONT arg_FEATURES feature variable)
    set(value OFF)
    if(feature IN_LIST FEATURES)
      set(value ON)
    endif()
    list(APPEND options -D${variable}=${value})
  endwhile()
  set(${arg_OUT_FEATURE_OPTIONS} ${options} PARENT_SCOPE)
endfunction()

function(vcpkg_add_to_path)
endfunction()

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  foreach(type Debug Release)
    set(prefix ${CURRENT_PACKAGES_DIR})
    if(type STREQUAL "Debug")
      string(APPEND prefix /debug)
    endif()
    run(${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR}/${type} -G Ninja ${arg_OPTIONS}
      -DCMAKE_BUILD_TYPE=${type} -DCMAKE_INSTALL_PREFIX=${prefix} -DBUILD_SHARED_LIBS=OFF
      -DCMAKE_INSTALL_LIBDIR:STRING=lib -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  endforeach()
endfunction()

function(vcpkg_cmake_install)
  foreach(type Debug Release)
    run(${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR}/${type} --target install)
  endforeach()
endfunction()

# Both configurations meet in share/<port>, and find the prefix from there: one folder up less than before.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  file(GLOB files ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/*.cmake)
  file(COPY ${files} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT})
  file(GLOB debug ${CURRENT_PACKAGES_DIR}/debug/${arg_CONFIG_PATH}/*-debug.cmake)
  foreach(file IN LISTS debug)
    file(READ ${file} text)
    string(REPLACE "\${_IMPORT_PREFIX}/lib" "\${_IMPORT_PREFIX}/debug/lib" text "${text}")
    get_filename_component(name ${file} NAME)
    file(WRITE ${CURRENT_PACKAGES_DIR}/share/${PORT}/${name} "${text}")
  endforeach()
  file(GLOB files ${CURRENT_PACKAGES_DIR}/share/${PORT}/*.cmake)
  foreach(file IN LISTS files)
    file(READ ${file} text)
    string(REPLACE "/../../../" "/../../" text "${text}")
    string(REGEX REPLACE "(get_filename_component\\(_IMPORT_PREFIX \"\\\${_IMPORT_PREFIX}\" PATH\\)\n)+"
      "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\n"
      text "${text}")
    file(WRITE ${file} "${text}")
  endforeach()
  file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/lib/cmake ${CURRENT_PACKAGES_DIR}/debug/lib/cmake)
endfunction()

function(vcpkg_fixup_pkgconfig)
  run(pkg-config --validate ${CURRENT_PACKAGES_DIR}/lib/pkgconfig/flowlens-core.pc)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(INSTALL ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT} RENAME copyright)
endfunction()

include(${PORT_DIR}/portfile.cmake)
