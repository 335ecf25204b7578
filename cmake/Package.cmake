# SPDX-License-Identifier: Apache-2.0
# `cpack`: ngforge_VERSION_amd64.deb (the program) and libngforge-dev_VERSION_amd64.deb (the library), for Debian 12.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ngforge)
set(CPACK_PACKAGE_VENDOR ngforge)
# Nobody reads mail for it: .invalid says so.
set(CPACK_PACKAGE_CONTACT "ngforge developers <ngforge@ngforge.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL program library)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME ngforge)
set(CPACK_DEBIAN_PROGRAM_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
# Loaded when an HDF5 file is opened, and what `serve --open` starts.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS libhdf5-103-1)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS xdg-utils)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "volumes, labels and meshes for the Neuroglancer viewer
Converts NIfTI, TIFF, Zarr, HDF5 and other volumes to multi-resolution
Neuroglancer datasets and back, in bounded memory, and makes meshes of
labels. A server in the program shows files and datasets at once; it
brings the viewer along. The commands of neuroglancer-scripts are there
under their own names.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libngforge-dev)
set(CPACK_DEBIAN_LIBRARY_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
# What a static library needs: the packages of what cmake/LibraryDependencies.cmake finds.
set(library_packages libblosc-dev libbz2-dev libdeflate-dev libdraco-dev libexpected-dev libfmt-dev libhwy-dev libjpeg62-turbo-dev
  libjxl-dev liblz4-dev libpugixml-dev libspng-dev libtiff-dev libturbojpeg0-dev libzstd-dev pkg-config zlib1g-dev)
if(libisal_FOUND)
  list(APPEND library_packages libisal-dev)
endif()
list(JOIN library_packages ", " CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "volumes, labels and meshes for the Neuroglancer viewer - C++ library
What the program ngforge does, for C++: a static library, its headers, and
files for CMake (find_package(ngforge)) and pkg-config.")
include(CPack)

# Debian wants a changelog of its own beside ours. Only what cpack installs, under a prefix that ends in /usr, has it.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT documents/changelog.Debian CONTENT "ngforge (@PROJECT_VERSION@-1) bookworm; urgency=medium

  * What is new is in changelog.gz.

 -- @CPACK_PACKAGE_CONTACT@  @now@
" @ONLY)
foreach(component program library)
  install(CODE "
    if(CMAKE_INSTALL_PREFIX MATCHES \"/usr\$\")
      set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${${component}_documents}\")
      execute_process(COMMAND gzip -9nc \"${documents}/changelog.Debian\" OUTPUT_FILE \"\${folder}/changelog.Debian.gz\"
        COMMAND_ERROR_IS_FATAL ANY)
    endif()" COMPONENT ${component})
endforeach()
