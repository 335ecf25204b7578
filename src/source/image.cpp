// SPDX-License-Identifier: Apache-2.0
// One picture that is a volume of one slice. TIFF is a format of its own, in tiff.cpp.
#include "source/page_stack.h"

namespace ngforge {
namespace {

int sniff(std::span<const std::byte> head, std::string_view) {
  const ImageDescriptor* const image = find_image(head);
  return image != nullptr ? 90 : 0;
}

Result<std::unique_ptr<VolumeSource>> open(std::shared_ptr<ByteSource> bytes, const SourceRequest& request) {
  PageStack stack;
  stack.header.fingerprint = bytes->fingerprint();
  stack.header.stored_bytes = bytes->stored_bytes();
  stack.files = {bytes->place()};
  stack.planes = {{0, 0}};
  NGFORGE_TRY(auto image_bytes, image_bytes_of(std::move(bytes)));
  NGFORGE_TRY(auto file, open_image(std::move(image_bytes)));
  stack.header.format = file->format();
  stack.header.details = "one picture";
  return open_stack(std::move(stack), std::move(file), request.options);
}

}  // namespace

extern const SourceDescriptor image_source;
const SourceDescriptor image_source{.name = "image",
                                    .title = "PNG, JPEG or BMP picture",
                                    .url_scheme = "image",
                                    .is_folder = false,
                                    .suffixes = ".png .jpeg .jpg .bmp",
                                    .takes_orientation = true,
                                    .sniff = sniff,
                                    .open_bytes = open};

}  // namespace ngforge
