// SPDX-License-Identifier: Apache-2.0
#include "image/tiff.h"

#include <cstring>
#include <utility>

#include "source/page_stack.h"
#include "source/tiff_series.h"

namespace ngforge {
namespace {

int sniff(std::span<const std::byte> head, std::string_view) {
  const ImageDescriptor* const image = find_image(head);
  return image != nullptr && std::strcmp(image->name, "tiff") == 0 ? 95 : 0;
}

Result<PageStack> read_series(TiffFile& file, const std::string& path, const std::string& number) {
  NGFORGE_TRY(auto ome, read_ome_series(file, path, number));
  if (ome) return std::move(*ome);
  if (!number.empty())
    return make_error(ErrorCode::invalid_argument, "{}: expected nothing behind \"tiff:\" (no OME-TIFF), found \"{}\"",
                      path, number);
  NGFORGE_TRY(auto imagej, read_imagej_series(file, path));
  if (imagej) return std::move(*imagej);
  NGFORGE_TRY(auto shaped, read_shaped_series(file, path));
  if (shaped) return std::move(*shaped);
  return read_plain_series(file, path);
}

Result<std::unique_ptr<VolumeSource>> open(std::shared_ptr<ByteSource> bytes, const SourceRequest& request) {
  const std::string path = bytes->place(), fingerprint = bytes->fingerprint();
  const std::uint64_t stored_bytes = bytes->stored_bytes();
  NGFORGE_TRY(auto image_bytes, image_bytes_of(std::move(bytes)));
  NGFORGE_TRY(auto file, open_tiff(std::move(image_bytes)));
  NGFORGE_TRY(PageStack stack, read_series(*file, path, request.inside));
  stack.header.fingerprint = fingerprint;
  stack.header.stored_bytes = stored_bytes;
  return open_stack(std::move(stack), std::move(file), request.options);
}

}  // namespace

extern const SourceDescriptor tiff_source;
const SourceDescriptor tiff_source{.name = "tiff",
                                   .title = "TIFF: pages, BigTIFF, ImageJ hyperstacks, OME-TIFF (.tif, .tiff)",
                                   .url_scheme = "tiff",
                                   .is_folder = false,
                                   .takes_inside = true,
                                   .suffixes = ".ome.tiff .ome.tif .tiff .tif",
                                   .takes_orientation = true,
                                   .sniff = sniff,
                                   .open_bytes = open};

}  // namespace ngforge
