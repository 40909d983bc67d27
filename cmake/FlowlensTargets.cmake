# How targets of this project are made: one place for flags, one for each kind of target.

# Settings of our own code; nothing here reaches those who link the libraries.
function(flowlens_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wno-sign-conversion
    $<$<BOOL:${FLOWLENS_WARNINGS_AS_ERRORS}>:-Werror>
    # GCC 12 at -O3 sees overlapping copies where strings are put together (GCC bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    # GCC clears and copies structs of 100 octets and more by `rep stos` and `rep movs`, which take
    # some 30 cycles to begin: a third of the time of an sFlow sample went there.
    target_compile_options(${target} PRIVATE
      "$<$<NOT:$<CONFIG:Debug>>:-mmemset-strategy=libcall:-1:noalign;-mmemcpy-strategy=libcall:-1:noalign>")
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE "SHELL:--param ggc-min-heapsize=400000")  # KiB; to tidy up less spares a sixth
  endif()
  if(FLOWLENS_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${FLOWLENS_SANITIZE}
      -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
    target_link_options(${target} PRIVATE -fsanitize=${FLOWLENS_SANITIZE})
  endif()
endfunction()

# flowlens_precompile(<target> [header]...): headers of the standard library, and those given, are read once for
# all files, which spares a build from nothing much of its time. Not for the tests with sanitizers: there each file has
# to name what it uses.
function(flowlens_precompile target)
  if(FLOWLENS_SANITIZE)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <charconv> <chrono> <cstdint> <cstring> <filesystem>
    <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <tuple> <unordered_map> <utility>
    <vector> ${ARGN})
  # GCC 12 forgets that such headers are the system's, and sees endless copies in its own strings (GCC bug 105329).
  target_compile_options(${target} PRIVATE
    "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-stringop-overflow>")
endfunction()

# flowlens_library(<name> ROOMS <folder of src/>...): flowlens::<name> from these rooms and the public
# headers whose \file line names one of them.
function(flowlens_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ROOMS")
  set(target flowlens_${name})
  add_library(${target} STATIC)
  add_library(flowlens::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON
    POSITION_INDEPENDENT_CODE ON)
  flowlens_settings(${target})
  flowlens_precompile(${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)

  set(headers)
  foreach(room IN LISTS arg_ROOMS)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*.cpp)
    target_sources(${target} PRIVATE ${sources})
    file(GLOB candidates CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/flowlens/*.hpp)
    foreach(header IN LISTS candidates)
      file(STRINGS ${header} line REGEX "^/// ${room}: " LIMIT_COUNT 1)
      if(line)
        list(APPEND headers ${header})
      endif()
    endforeach()
  endforeach()
  if(name STREQUAL "core")
    list(APPEND headers ${PROJECT_SOURCE_DIR}/include/flowlens/flowlens.hpp
      ${PROJECT_SOURCE_DIR}/include/flowlens/arrow_abi.h
      ${PROJECT_BINARY_DIR}/include/flowlens/version.hpp)
  endif()
  target_sources(${target} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include FILES ${headers})
endfunction()

# flowlens_element_table(<library>): element_table.inc for it, from src/parse/elements/*.csv. Made while
# building and by CMake alone, so the tables have one copy and whoever builds FlowLens needs no more tools.
function(flowlens_element_table name)
  set(output ${PROJECT_BINARY_DIR}/generated/element_table.inc)
  set(script ${PROJECT_SOURCE_DIR}/cmake/ElementTable.cmake)
  file(GLOB tables CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/parse/elements/*.csv)
  add_custom_command(OUTPUT ${output} DEPENDS ${tables} ${script} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${output} -D "SOURCES=${tables}" -P ${script})
  target_sources(flowlens_${name} PRIVATE ${output})
  target_include_directories(flowlens_${name} PRIVATE ${PROJECT_BINARY_DIR}/generated)
endfunction()

# flowlens_scanner(<library> <file of src/> [style]): the C++ that Ragel makes of it, while building. Style -T0
# is small, -G2 fast.
function(flowlens_scanner name file)
  find_program(FLOWLENS_RAGEL ragel)
  if(NOT FLOWLENS_RAGEL)
    message(FATAL_ERROR "ragel is missing: ./dev setup installs it, or: apt install ragel")
  endif()
  set(source ${PROJECT_SOURCE_DIR}/src/${file})
  cmake_path(GET file STEM stem)
  set(style -T0)
  if(ARGC GREATER 2)
    set(style ${ARGV2})
  endif()
  set(output ${PROJECT_BINARY_DIR}/generated/${stem}.cpp)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated)  # Ninja makes the folders of outputs, make does not
  add_custom_command(OUTPUT ${output} DEPENDS ${source} VERBATIM
    COMMAND ${FLOWLENS_RAGEL} -C ${style} -L ${source} -o ${output})
  target_sources(flowlens_${name} PRIVATE ${output})
  # The states of -G2 fall through into one another.
  set_source_files_properties(${output} PROPERTIES COMPILE_OPTIONS -Wno-implicit-fallthrough)
endfunction()

# flowlens_c_program(<name> <source>...): a program in C11 that knows libflowlens and nothing else.
function(flowlens_c_program name)
  add_executable(${name} ${ARGN})
  target_compile_features(${name} PRIVATE c_std_11)
  set_target_properties(${name} PROPERTIES C_EXTENSIONS OFF)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion
    $<$<BOOL:${FLOWLENS_WARNINGS_AS_ERRORS}>:-Werror>)
  if(FLOWLENS_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${FLOWLENS_SANITIZE} -fno-sanitize-recover=all -g1)
    target_link_options(${name} PRIVATE -fsanitize=${FLOWLENS_SANITIZE})
  endif()
  target_link_libraries(${name} PRIVATE flowlens::capi)
endfunction()

# flowlens_test(<name> SOURCES ... [LIBRARIES ...] [LABELS ...] [ARGUMENTS ...]): one doctest program, one ctest entry.
function(flowlens_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES;LABELS;ARGUMENTS")
  find_package(doctest REQUIRED)
  add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
  flowlens_settings(${name})
  if(FLOWLENS_SANITIZE AND "unit" IN_LIST arg_LABELS)
    # They run for seconds: to optimise them takes longer than it saves.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} doctest::doctest)
  add_test(NAME ${name} COMMAND ${name} --no-intro=true ${arg_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}")
endfunction()

# Standalone Asio for a part of the library: headers, needed while building only.
function(flowlens_asio part)
  find_path(FLOWLENS_ASIO_INCLUDE asio.hpp)
  if(NOT FLOWLENS_ASIO_INCLUDE)
    message(FATAL_ERROR "asio.hpp is missing: ./dev setup installs it, or: apt install libasio-dev")
  endif()
  target_include_directories(flowlens_${part} SYSTEM PRIVATE ${FLOWLENS_ASIO_INCLUDE})
  # Asio 1.22 finds std::aligned_alloc only where a header of libstdc++ came before it: all files have to agree.
  target_compile_definitions(flowlens_${part} PRIVATE ASIO_STANDALONE ASIO_NO_DEPRECATED ASIO_DISABLE_STD_ALIGNED_ALLOC)
endfunction()
