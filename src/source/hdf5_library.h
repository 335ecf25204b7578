// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

#include "ngforge/error.h"

namespace ngforge {

/// The functions of libhdf5 that are used. The library is loaded when the first HDF5 file is opened: it brings forty
/// others with it, which no other format should wait for.
struct Hdf5Library {
  // clang-format off
#define NGFORGE_HDF5_FUNCTIONS(FUNCTION) \
  FUNCTION(H5open) FUNCTION(H5get_libversion) FUNCTION(H5Eset_auto2) FUNCTION(H5Ewalk2) FUNCTION(H5Fopen) \
  FUNCTION(H5Fclose) FUNCTION(H5Oopen) FUNCTION(H5Oclose) FUNCTION(H5Ovisit2) FUNCTION(H5Iget_type) \
  FUNCTION(H5Dopen2) FUNCTION(H5Dclose) FUNCTION(H5Dget_space) FUNCTION(H5Dget_type) \
  FUNCTION(H5Dget_create_plist) FUNCTION(H5Dget_offset) FUNCTION(H5Dget_chunk_info_by_coord) \
  FUNCTION(H5Dread_chunk) FUNCTION(H5Dread) FUNCTION(H5Sclose) FUNCTION(H5Sget_simple_extent_ndims) \
  FUNCTION(H5Sget_simple_extent_dims) FUNCTION(H5Sget_simple_extent_npoints) FUNCTION(H5Sselect_hyperslab) \
  FUNCTION(H5Screate_simple) FUNCTION(H5Tclose) FUNCTION(H5Tget_class) FUNCTION(H5Tget_size) \
  FUNCTION(H5Tget_order) FUNCTION(H5Tget_sign) FUNCTION(H5Tget_precision) FUNCTION(H5Tget_offset) \
  FUNCTION(H5Tget_fields) FUNCTION(H5Tget_super) FUNCTION(H5Tget_nmembers) FUNCTION(H5Tget_member_type) \
  FUNCTION(H5Pclose) FUNCTION(H5Pget_layout) FUNCTION(H5Pget_chunk) FUNCTION(H5Pget_chunk_opts) \
  FUNCTION(H5Pget_external_count) FUNCTION(H5Pget_nfilters) FUNCTION(H5Pget_filter2) \
  FUNCTION(H5Pget_fill_value) FUNCTION(H5Pget_virtual_count) \
  FUNCTION(H5Pget_virtual_filename) FUNCTION(H5Zfilter_avail) FUNCTION(H5Aexists) FUNCTION(H5Aopen) \
  FUNCTION(H5Aclose) FUNCTION(H5Aget_space) FUNCTION(H5Aget_type) FUNCTION(H5Aread)
// clang-format on
#define FUNCTION(name) decltype(&::name) name;
  NGFORGE_HDF5_FUNCTIONS(FUNCTION)
#undef FUNCTION
  hid_t native_double;                 // H5T_NATIVE_DOUBLE
  std::string version;                 // "1.10.8"
  mutable std::recursive_mutex mutex;  // handles take it once more when they close
};

/// Errors: unsupported (the library is not installed, or is another version; concerns_source).
Result<const Hdf5Library*> hdf5_library();

/// Holds the library, which is called by one thread at a time, and keeps it from printing.
class Hdf5Lock {
 public:
  explicit Hdf5Lock(const Hdf5Library& library) : lock_(library.mutex) {
    library.H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

/// What the library said of its last failure: the innermost reason. Needs the lock.
std::string hdf5_reason(const Hdf5Library& library);

/// Something of the library that is open.
class Hdf5Handle {
 public:
  Hdf5Handle() = default;
  Hdf5Handle(const Hdf5Library& library, hid_t id, herr_t (*close)(hid_t))
      : library_(&library), id_(id), close_(close) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept
      : library_(other.library_), id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(library_, other.library_);
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Hdf5Handle() {
    if (id_ < 0) return;
    const Hdf5Lock lock(*library_);
    close_(id_);
  }
  hid_t get() const { return id_; }
  explicit operator bool() const { return id_ >= 0; }

 private:
  const Hdf5Library* library_ = nullptr;
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

}  // namespace ngforge
