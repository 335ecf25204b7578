# SPDX-License-Identifier: Apache-2.0
# The built Neuroglancer client inside the program. NGFORGE_VIEWER: WHEEL takes it from PyPI's `neuroglancer` wheel at build time
# (hash pinned in tools/fetch_viewer.py), a folder takes a client that was built by other means, OFF leaves it out.
# Gives the static library ngforge_viewer_assets with the table of src/viewer/assets.h.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)

set(assets ${CMAKE_BINARY_DIR}/viewer_assets)
set(client ${CMAKE_BINARY_DIR}/viewer_client)
set(fetch ${CMAKE_SOURCE_DIR}/tools/fetch_viewer.py)
set(embed ${CMAKE_SOURCE_DIR}/tools/embed_assets.py)
if(NGFORGE_VIEWER STREQUAL "WHEEL")
  add_custom_command(OUTPUT ${client}/index.html
    COMMAND Python3::Interpreter ${fetch} ${client}
    DEPENDS ${fetch} COMMENT "Taking the Neuroglancer client from its wheel" VERBATIM)
elseif(NOT NGFORGE_VIEWER STREQUAL "OFF")
  get_filename_component(client ${NGFORGE_VIEWER} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
endif()
if(NGFORGE_VIEWER STREQUAL "OFF")
  set(client_arguments)
  set(client_depends)
else()
  set(client_arguments ${client})
  set(client_depends ${client}/index.html)
endif()
add_custom_command(OUTPUT ${assets}/assets.S ${assets}/assets.cpp
  COMMAND Python3::Interpreter ${embed} ${assets} ${client_arguments}
  DEPENDS ${embed} ${client_depends} COMMENT "Packing the viewer" VERBATIM)
add_library(ngforge_viewer_assets STATIC ${assets}/assets.S ${assets}/assets.cpp)
target_include_directories(ngforge_viewer_assets PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
