// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/image_file.h"
#include "source/byte_source.h"
#include "source/source.h"

namespace ngforge {

/// Where one plane of a volume lies.
struct PlanePlace {
  std::uint32_t file = 0, page = 0;
};

/// A volume made of pages: i is the column, j the row, k the slice.
struct PageStack {
  /// What the pages do not say: format, details, fingerprint, stored_bytes, voxel size. The rest is filled in.
  VolumeHeader header;
  std::vector<std::string> files;
  std::vector<PlanePlace> planes;  // [channel][time][slice], slice fastest
  /// Of a single plane: its smaller copies, each smaller than the one before, where they are pages too.
  std::vector<PlanePlace> copies;
  Index slices = 1, times = 1, channels = 1;
  /// Length of a voxel along column, row and slice, if it is known.
  std::optional<std::array<double, 3>> voxel_size_mm;
};

/// "40 slices, 3 channels, 7 times", without what there is one of.
std::string describe_axes(const PageStack& stack);

/// The volume of a stack. `first` is files[0], already open. Looks at every page, which must all be alike.
/// Channels of the volume: time fastest, then the samples of a pixel, then the channels of the stack.
/// Its levels are the smaller copies of the pages; slices are as far apart in all of them. What a level needs is looked
/// at when it is opened: as many copies of every page as of the first, all alike.
/// Errors: invalid_data (a page that is not there or not like the first, with its file), invalid_argument
/// (options.input_orientation), those of open_image.
Result<std::unique_ptr<VolumeSource>> open_stack(PageStack stack, std::shared_ptr<ImageFile> first,
                                                 const SourceOptions& options);

/// A file as it was opened for sniffing. Errors: unsupported (a stream: pictures are read in any order).
Result<std::shared_ptr<ImageBytes>> image_bytes_of(std::shared_ptr<ByteSource> bytes);

}  // namespace ngforge
