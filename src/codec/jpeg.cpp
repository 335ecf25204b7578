// SPDX-License-Identifier: Apache-2.0
// The jpeg encoding (precomputed specification, 1.6): one picture per chunk, 1 component (grey) or 3 (RGB, stored as
// YCbCr); its pixels row by row are the voxels in the order x, y, z. Any width and height with that product will do:
// rows of x have neighbours in y (and now and then in z) above one another, rows of x and y have those in z.
//
// libjpeg-turbo 2.1.5 writes broken pictures from a compressor that has written progressive ones before and reports
// success: compressors here only ever write baseline ones.
#include <cstring>
#include <memory>
#include <span>

#include <turbojpeg.h>

#include "codec/codec.h"
#include "codec/image_chunk.h"

namespace ngforge {
namespace {

constexpr Index kLongestSide = 65500;  // JPEG_MAX_DIMENSION of libjpeg, less than the format's own 65535

constexpr CodecOption kQuality{"jpeg-quality", 85, 1, 100, "Quality of jpeg"};
constexpr int kPlaneXy = 0, kPlaneXz = 1;
constexpr const char* kPlanes[] = {"xy", "xz"};
constexpr CodecOption kPlane{
    "jpeg-plane", kPlaneXy, kPlaneXy, kPlaneXz, "Plane of jpeg: voxels above one another differ in y, or in z",
    kPlanes};
constexpr CodecOption kOptions[] = {kQuality, kPlane};

struct DestroyHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, DestroyHandle>;

struct FreeJpeg {
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

// Channels need not be colours: those of 4:4:4 mix as little as the format allows.
int subsampling(Index channels) {
  return channels == 1 ? TJSAMP_GRAY : TJSAMP_444;
}

bool supports(DataType type, Index channels) {
  return type == DataType::uint8 && (channels == 1 || channels == 3);
}

Error unsupported_voxels(DataType type, Index channels) {
  return make_error(ErrorCode::unsupported, "jpeg: expected 1 or 3 channels of uint8, found {} of {}", channels,
                    name_of(type));
}

Result<ImageShape> picture_of(const VoxelVec& size, const CodecOptions& options) {
  if (options.number(kPlane) == kPlaneXy) return image_shape("jpeg", size, kLongestSide);
  const ImageShape shape{size.x * size.y, size.z};
  if (shape.width <= kLongestSide && shape.height <= kLongestSide) return shape;
  return make_error(ErrorCode::limit,
                    "--jpeg-plane xz: expected chunks of x * y and z of at most {}, found {} x {} x {} voxels",
                    kLongestSide, size.x, size.y, size.z);
}

Result<void> check_size(const VoxelVec& size, const CodecOptions& options) {
  NGFORGE_CHECK(picture_of(size, options));
  return {};
}

// The only plane of a grey picture is what its voxels are: without the library's colour conversion, which does nothing
// for it, the same bytes take a fifth less time.
int compress_grey(void* compressor, const BlockView& view, const ImageShape& shape, int quality, unsigned char** bytes,
                  unsigned long* size) {
  const auto* plane = reinterpret_cast<const unsigned char*>(view.data);
  const int width = static_cast<int>(shape.width);
  return tjCompressFromYUVPlanes(compressor, &plane, width, nullptr, static_cast<int>(shape.height), TJSAMP_GRAY, bytes,
                                 size, quality, 0);
}

int compress_rgb(void* compressor, const BlockView& view, const ImageShape& shape, int quality, unsigned char** bytes,
                 unsigned long* size) {
  Buffer pixels(view.byte_count());
  gather_pixels(view, 0, static_cast<std::size_t>(view.box.volume()), pixels.data());
  return tjCompress2(compressor, reinterpret_cast<const unsigned char*>(pixels.data()), static_cast<int>(shape.width),
                     0, static_cast<int>(shape.height), TJPF_RGB, bytes, size, TJSAMP_444, quality, 0);
}

Result<void> encode(const BlockView& view, const CodecOptions& options, Bytes& out) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  NGFORGE_TRY(const ImageShape shape, picture_of(view.size(), options));
  thread_local const Handle compressor(tjInitCompress());
  if (!compressor) return make_error(ErrorCode::internal, "jpeg: no compressor: {}", tjGetErrorStr2(nullptr));
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const auto compress = view.channels == 1 ? compress_grey : compress_rgb;
  const int status = compress(compressor.get(), view, shape, options.number(kQuality), &bytes, &size);
  const std::unique_ptr<unsigned char, FreeJpeg> owner(bytes);
  if (status != 0) return make_error(ErrorCode::internal, "jpeg: {}", tjGetErrorStr2(compressor.get()));
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  out.assign(begin, begin + size);
  return {};
}

std::uint64_t most_bytes(const VoxelVec& size, DataType, Index channels, const CodecOptions& options) {
  const auto shape = picture_of(size, options);
  if (!shape) return 0;
  return tjBufSize(static_cast<int>(shape->width), static_cast<int>(shape->height), subsampling(channels));
}

const char* components_of(int colors) {
  switch (colors) {
    case TJCS_GRAY: return "1 (grey)";
    case TJCS_RGB:
    case TJCS_YCbCr: return "3 (colours)";
    default: return "4 (CMYK)";
  }
}

// The library scales a picture down silently when it is asked for another size than that of the picture.
Result<ImageShape> read_shape(void* decompressor, std::span<const std::byte> bytes, const MutableBlockView& view) {
  int width = 0, height = 0, sampling = 0, colors = 0;
  if (tjDecompressHeader3(decompressor, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), &width,
                          &height, &sampling, &colors) != 0)
    return make_error(ErrorCode::invalid_data, "jpeg: expected a picture, found {} bytes with {}", bytes.size(),
                      tjGetErrorStr2(decompressor));
  if (Index{width} * height != view.box.volume())
    return make_error(ErrorCode::invalid_data, "jpeg: expected a picture of {} pixels, found {} x {}",
                      view.box.volume(), width, height);
  const bool is_grey = colors == TJCS_GRAY, is_colored = colors == TJCS_RGB || colors == TJCS_YCbCr;
  if (view.channels == 1 ? !is_grey : !is_colored)
    return make_error(ErrorCode::invalid_data, "jpeg: expected {} component(s), found {}", view.channels,
                      components_of(colors));
  return ImageShape{width, height};
}

// Some progressive pictures of a few bytes would take minutes.
constexpr int kDecodeFlags = TJFLAG_LIMITSCANS;

int decompress_grey(void* decompressor, std::span<const std::byte> bytes, const ImageShape& shape,
                    const MutableBlockView& view) {
  auto* plane = reinterpret_cast<unsigned char*>(view.data);
  return tjDecompressToYUVPlanes(decompressor, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                 &plane, static_cast<int>(shape.width), nullptr, static_cast<int>(shape.height),
                                 kDecodeFlags);
}

int decompress_rgb(void* decompressor, std::span<const std::byte> bytes, const ImageShape& shape,
                   const MutableBlockView& view) {
  // To rows that begin at multiples of 32 bytes the library writes past the caches, where they are then missed.
  constexpr std::size_t kRowStep = 32, kRowBegin = 16;
  const auto width = static_cast<std::size_t>(shape.width), height = static_cast<std::size_t>(shape.height);
  const std::size_t pitch = (3 * width + kRowStep - 1) / kRowStep * kRowStep;
  Buffer space(kRowBegin + height * pitch);
  std::byte* const rows = space.data() + kRowBegin;
  const int status = tjDecompress2(decompressor, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                   reinterpret_cast<unsigned char*>(rows), static_cast<int>(width),
                                   static_cast<int>(pitch), static_cast<int>(height), TJPF_RGB, kDecodeFlags);
  if (status != 0) return status;
  for (std::size_t y = 0; y < height; ++y) scatter_pixels(rows + y * pitch, y * width, width, view);
  return 0;
}

Result<void> decode(std::span<const std::byte> bytes, const CodecOptions&, const MutableBlockView& view) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  constexpr std::byte kEnd[] = {std::byte{0xff}, std::byte{0xd9}};
  if (bytes.size() < sizeof kEnd || std::memcmp(bytes.data() + bytes.size() - sizeof kEnd, kEnd, sizeof kEnd) != 0)
    return make_error(ErrorCode::invalid_data, "jpeg: expected the marker ff d9 at the end of {} bytes, found none",
                      bytes.size());
  thread_local const Handle decompressor(tjInitDecompress());
  if (!decompressor) return make_error(ErrorCode::internal, "jpeg: no decompressor: {}", tjGetErrorStr2(nullptr));
  NGFORGE_TRY(const ImageShape shape, read_shape(decompressor.get(), bytes, view));
  // What the library calls warnings are parts of the picture that it made up.
  const auto decompress = view.channels == 1 ? decompress_grey : decompress_rgb;
  if (decompress(decompressor.get(), bytes, shape, view) != 0)
    return make_error(ErrorCode::invalid_data, "jpeg: expected a whole picture of {} x {} pixels, found {}",
                      shape.width, shape.height, tjGetErrorStr2(decompressor.get()));
  return {};
}

}  // namespace

extern const CodecDescriptor jpeg_codec;
const CodecDescriptor jpeg_codec{.name = "jpeg",
                                 .alias = "jpg",
                                 .title = "jpeg: lossy pictures, 1 or 3 channels of uint8",
                                 .is_lossy = true,
                                 .is_compressed = true,
                                 .is_plain = false,
                                 .has_block_size = false,
                                 .options = kOptions,
                                 .supports = supports,
                                 .check_size = check_size,
                                 .encode = encode,
                                 .most_bytes = most_bytes,
                                 .decode = decode};

}  // namespace ngforge
