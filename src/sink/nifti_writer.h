// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/types.h"
#include "pipeline/thread_pool.h"

namespace ngforge {

/// What a NIfTI file says of its volume.
struct NiftiImage {
  VoxelVec size_vox;   // axes i, j, k of the file
  Index channels = 1;  // 4th dimension, or the components of RGB24 and RGBA32
  DataType type = DataType::uint8;
  bool is_rgb = false;    // uint8 with 3 or 4 channels that mean colours, handed over interleaved
  bool is_label = false;  // intent LABEL
  Affine affine_centre_to_mm;
};

/// Writes a .nii or .nii.gz file from front to back: NIfTI-1, or NIfTI-2 when a side is longer than 32767. sform
/// always, qform when the axes are orthogonal. Gzip is one member, deflated in independent blocks of 1 MiB on the pool:
/// the bytes depend on the level only. The file grows as PATH.partial and takes its name in finish().
class NiftiWriter {
 public:
  /// `pool` must outlive the writer; no task of it may wait for the writer. Errors: already_exists (unless
  /// `overwrite`), permission, io.
  static Result<std::unique_ptr<NiftiWriter>> create(const std::string& path, const NiftiImage& image, int level,
                                                     bool overwrite, ThreadPool& pool);
  virtual ~NiftiWriter() = default;
  /// The next values in file order. Errors: io.
  virtual Result<void> append(std::span<const std::byte> values) = 0;
  /// Ends the file and gives it its name. Without it, the partial file is removed.
  virtual Result<void> finish() = 0;
};

/// The header with its four extension bytes: 352 or 544 bytes.
std::vector<std::byte> nifti_header(const NiftiImage& image);

}  // namespace ngforge
