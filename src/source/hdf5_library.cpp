// SPDX-License-Identifier: Apache-2.0
#include "source/hdf5_library.h"

#include <dlfcn.h>

#include <optional>

namespace ngforge {
namespace {

// 103 is the interface of HDF5 1.10; Debian calls the build without MPI "serial".
constexpr const char* kNames[] = {"libhdf5_serial.so.103", "libhdf5.so.103"};

Error missing(std::string_view what) {
  return make_error(ErrorCode::unsupported, "expected the library HDF5 1.10 to read this file, found {}", what)
      .of_source()
      .with_hint("install it: apt install libhdf5-103-1");
}

std::optional<Error> load(Hdf5Library& library) {
  void* handle = nullptr;
  for (const char* name : kNames)
    if (handle == nullptr) handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return missing("none");
  // It stays until the program ends: its own handlers run then.
#define FUNCTION(name)                                                             \
  library.name = reinterpret_cast<decltype(library.name)>(::dlsym(handle, #name)); \
  if (library.name == nullptr) return missing("one without " #name);
  NGFORGE_HDF5_FUNCTIONS(FUNCTION)
#undef FUNCTION
  unsigned major = 0, minor = 0, release = 0;
  if (library.H5open() < 0 || library.H5get_libversion(&major, &minor, &release) < 0) return missing("one that fails");
  library.version = fmt::format("{}.{}.{}", major, minor, release);
  // H5Dget_chunk_info_by_coord came with 1.10.5, and types changed their size with 1.12.
  if (major != 1 || minor != 10) return missing(library.version);
  const auto* const native_double = static_cast<const hid_t*>(::dlsym(handle, "H5T_NATIVE_DOUBLE_g"));
  if (native_double == nullptr) return missing("one without H5T_NATIVE_DOUBLE");
  library.native_double = *native_double;
  return std::nullopt;
}

}  // namespace

Result<const Hdf5Library*> hdf5_library() {
  struct Loaded {
    Loaded() : error(load(library)) {}
    Hdf5Library library{};
    std::optional<Error> error;
  };
  static const Loaded loaded;
  if (loaded.error) return *loaded.error;
  return &loaded.library;
}

std::string hdf5_reason(const Hdf5Library& library) {
  std::string reason = "no reason";
  // Upward: from where it failed to the function that was called. The first one is enough.
  library.H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* error, void* data) -> herr_t {
        if (error->desc == nullptr) return 0;
        *static_cast<std::string*>(data) = error->desc;
        return 1;
      },
      &reason);
  return reason;
}

}  // namespace ngforge
