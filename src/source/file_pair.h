// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/byte_source.h"

namespace ngforge {

/// Whether a file is called like the half of a pair that holds the voxels: .img, .img.gz (any case).
bool is_image_half(std::string_view name);
/// The same, and not called .gz: never to be inflated.
bool is_plain_image(std::string_view name);

/// A header in a file of its own beside that of the voxels.
struct FilePair {
  std::shared_ptr<ByteSource> header, image;
};

/// Finds the other half of a pair: x.img or x.img.gz to x.hdr, x.hdr or x.hdr.gz to x.img. Only what is called .gz is
/// inflated: voxels may begin with the magic bytes of gzip by chance; `half` must have been opened so. Errors:
/// not_found (with both names), unsupported (standard input, other names), those of ByteSource::open; all concern the
/// source.
Result<FilePair> open_pair(std::shared_ptr<ByteSource> half);

}  // namespace ngforge
