# SPDX-License-Identifier: Apache-2.0
# What the library links. The build and the installed package both read this list: whoever includes it has defined
# ngforge_find(PACKAGE ...) after find_package, and ngforge_find_module(PREFIX MODULE) after pkg_check_modules.
ngforge_find(PkgConfig)
ngforge_find(Threads)
ngforge_find(fmt CONFIG)
ngforge_find(tl-expected CONFIG)
ngforge_find(ZLIB)
ngforge_find(hwy CONFIG)
ngforge_find(libjpeg-turbo CONFIG)
ngforge_find(TIFF)
ngforge_find(pugixml CONFIG)
# DracoPy in a virtual environment, which PATH leads to, brings an older libdraco for itself.
ngforge_find(draco CONFIG NO_SYSTEM_ENVIRONMENT_PATH)
ngforge_find(zstd CONFIG)
ngforge_find(BZip2)
ngforge_find_module(blosc blosc)
ngforge_find_module(lz4 liblz4)
ngforge_find_module(spng spng)
ngforge_find_module(jxl libjxl)
ngforge_find_module(libdeflate libdeflate)
