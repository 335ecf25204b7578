# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` and `cpack` give: the component `program` (ngforge, its nine other names, documents) and the component
# `library` (libngforge.a, headers, files for CMake and pkg-config). Everything stays whole when the prefix is moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The rooms behind include/ngforge as one archive. Its objects are those of the rooms: nothing is compiled twice.
set(archive_objects)
set(archive_libraries)
foreach(room IN LISTS NGFORGE_LIBRARY_ROOMS)
  list(APPEND archive_objects $<TARGET_OBJECTS:ngforge_${room}>)
  get_target_property(libraries ngforge_${room} LINK_LIBRARIES)
  list(APPEND archive_libraries ${libraries})
endforeach()
list(REMOVE_DUPLICATES archive_libraries)
# The rooms themselves, what the public headers need, and what is nothing but headers.
list(FILTER archive_libraries EXCLUDE REGEX "^ngforge_|^fmt::|^tl::|^nlohmann_json::|^Boost::headers$|^hdf5_headers$")
add_library(ngforge_archive STATIC ${archive_objects})
set_target_properties(ngforge_archive PROPERTIES OUTPUT_NAME ngforge EXPORT_NAME ngforge LINKER_LANGUAGE CXX)
target_compile_features(ngforge_archive PUBLIC cxx_std_20)
target_link_libraries(ngforge_archive PUBLIC fmt::fmt tl::expected PRIVATE ${archive_libraries} ${CMAKE_DL_LIBS})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ngforge)
install(TARGETS ngforge_archive EXPORT ngforgeTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT ngforgeTargets NAMESPACE ngforge:: DESTINATION ${package_folder} COMPONENT library)
install(DIRECTORY include/ngforge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
configure_package_config_file(cmake/ngforgeConfig.cmake.in ngforgeConfig.cmake INSTALL_DESTINATION ${package_folder}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 any version may change the interface.
write_basic_package_version_file(ngforgeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ngforgeConfig.cmake ${CMAKE_BINARY_DIR}/ngforgeConfigVersion.cmake
  cmake/LibraryDependencies.cmake DESTINATION ${package_folder} COMPONENT library)

set(PC_REQUIRES "blosc, liblz4, libdeflate, spng, libjxl, libtiff-4, libzstd, zlib, draco, pugixml, libhwy, libturbojpeg, libjpeg")
set(PC_LIBS "-lbz2 -ldl -pthread")
if(libisal_FOUND)
  string(APPEND PC_REQUIRES ", libisal")
endif()
file(RELATIVE_PATH PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" PC_TO_PREFIX "${PC_TO_PREFIX}")
configure_file(cmake/ngforge.pc.in ngforge.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ngforge.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)

install(TARGETS ngforge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
# Links beside the program, without a folder in them.
foreach(name IN LISTS NGFORGE_OTHER_NAMES)
  install(PROGRAMS ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${name} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endforeach()

# A wheel (pyproject.toml) cannot hold links: there the other names are scripts.
if(SKBUILD)
  install(TARGETS ngforge RUNTIME DESTINATION ${SKBUILD_SCRIPTS_DIR} COMPONENT wheel)
  foreach(name IN LISTS NGFORGE_OTHER_NAMES)
    file(CONFIGURE OUTPUT wheel_scripts/${name} CONTENT "#!/bin/sh\nexec \"$(dirname \"$(readlink -f \"$0\")\")/ngforge\" @name@ \"$@\"\n" @ONLY)
    install(PROGRAMS ${CMAKE_BINARY_DIR}/wheel_scripts/${name} DESTINATION ${SKBUILD_SCRIPTS_DIR} COMPONENT wheel)
  endforeach()
endif()

# The program writes what tells of its options.
set(documents ${CMAKE_BINARY_DIR}/documents)
set(program_documents ${CMAKE_INSTALL_DATAROOTDIR}/doc/ngforge)
set(library_documents ${CMAKE_INSTALL_DATAROOTDIR}/doc/libngforge-dev)
add_custom_command(OUTPUT ${documents}/ngforge.1.gz ${documents}/ngforge.bash ${documents}/_ngforge ${documents}/ngforge.fish
  COMMAND ${CMAKE_COMMAND} -E make_directory ${documents}
  COMMAND ngforge man | gzip -9n > ${documents}/ngforge.1.gz
  COMMAND ngforge completion bash > ${documents}/ngforge.bash
  COMMAND ngforge completion zsh > ${documents}/_ngforge
  COMMAND ngforge completion fish > ${documents}/ngforge.fish
  DEPENDS ngforge VERBATIM)
add_custom_command(OUTPUT ${documents}/changelog.gz
  COMMAND ${CMAKE_COMMAND} -E make_directory ${documents}
  COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/CHANGELOG.md > ${documents}/changelog.gz
  DEPENDS CHANGELOG.md VERBATIM)
add_custom_target(documents ALL DEPENDS ${documents}/ngforge.1.gz ${documents}/changelog.gz)
install(FILES ${documents}/ngforge.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${documents}/ngforge.bash DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions
  RENAME ngforge COMPONENT program)
install(FILES ${documents}/ngforge.fish DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d COMPONENT program)
# Debian's zsh looks for what packages bring elsewhere than for what administrators install. cpack's prefix ends in /usr.
install(CODE "
  set(folder \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATAROOTDIR}/zsh/site-functions\")
  if(CMAKE_INSTALL_PREFIX MATCHES \"/usr\$\")
    set(folder \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATAROOTDIR}/zsh/vendor-completions\")
  endif()
  file(INSTALL \"${documents}/_ngforge\" DESTINATION \"\${folder}\")" COMPONENT program)
# Page and completion under the other names; _ngforge knows them itself.
foreach(name IN LISTS NGFORGE_OTHER_NAMES)
  foreach(link "man/ngforge.1.gz:man/${name}.1.gz" "bash/ngforge:bash/${name}" "fish/ngforge.fish:fish/${name}.fish")
    string(REGEX MATCH "^([a-z]+)/(.+):(.+)$" ignored ${link})
    file(MAKE_DIRECTORY ${documents}/links/${CMAKE_MATCH_1})
    file(CREATE_LINK ${CMAKE_MATCH_2} ${documents}/links/${CMAKE_MATCH_3} SYMBOLIC)
  endforeach()
endforeach()
install(DIRECTORY ${documents}/links/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(DIRECTORY ${documents}/links/bash/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions COMPONENT program)
install(DIRECTORY ${documents}/links/fish/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d COMPONENT program)
foreach(component program library)
  install(FILES packaging/copyright ${documents}/changelog.gz DESTINATION ${${component}_documents} COMPONENT ${component})
endforeach()
