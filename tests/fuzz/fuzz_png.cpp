// SPDX-License-Identifier: Apache-2.0
// One chunk of png. Four bytes say what it should hold, the rest is the chunk:
//   bytes 0-2  size of the chunk less one, modulo 32
//   byte 3     channels less one (two low bits); uint16 if bit 2 is set; with bit 3 the rest is not a file but the
//              filtered rows of one, interlaced if bit 4 is set: what checksums otherwise keep a fuzzer away from
// What decodes is what libspng reads in it, and comes back after encoding.
#include <memory>
#include <string_view>
#include <vector>

#include <libdeflate.h>
#include <spng.h>

#include "core/byte_cursor.h"
#include "picture_chunk.h"

namespace {

using namespace ngforge;

constexpr std::size_t kHeadBytes = 4;

void append(Bytes& bytes, std::uint32_t number) {
  bytes.resize(bytes.size() + 4);
  store<std::endian::big>(bytes.data() + bytes.size() - 4, number);
}

void append(Bytes& bytes, std::string_view text) {
  for (const char letter : text) bytes.push_back(static_cast<std::byte>(letter));
}

void append_chunk(Bytes& file, std::string_view type, const Bytes& data) {
  append(file, static_cast<std::uint32_t>(data.size()));
  const std::size_t checked = file.size();
  append(file, type);
  file.insert(file.end(), data.begin(), data.end());
  append(file, static_cast<std::uint32_t>(libdeflate_crc32(0, file.data() + checked, file.size() - checked)));
}

// A file around filtered rows, one voxel along x per pixel of a row.
Bytes file_around(std::span<const std::byte> rows, const VoxelVec& size, DataType type, Index channels,
                  bool is_interlaced) {
  Bytes file, header;
  append(file, "\x89PNG\r\n\x1a\n");
  append(header, static_cast<std::uint32_t>(size.x));
  append(header, static_cast<std::uint32_t>(size.y * size.z));
  constexpr int kColorTypes[] = {0, 4, 2, 6};
  for (const int value : {size_of(type) == 1 ? 8 : 16, kColorTypes[channels - 1], 0, 0, is_interlaced ? 1 : 0})
    header.push_back(static_cast<std::byte>(value));
  append_chunk(file, "IHDR", header);
  static libdeflate_compressor* const compressor = libdeflate_alloc_compressor(1);
  Bytes packed(libdeflate_zlib_compress_bound(compressor, rows.size()));
  packed.resize(libdeflate_zlib_compress(compressor, rows.data(), rows.size(), packed.data(), packed.size()));
  append_chunk(file, "IDAT", packed);
  append_chunk(file, "IEND", {});
  return file;
}

// Chunks that pictures can do without are not looked at: libspng refuses some, which we pass over.
void compare_with_libspng(std::span<const std::byte> png, const Block& values) {
  const std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> context(spng_ctx_new(0), spng_ctx_free);
  spng_set_png_buffer(context.get(), png.data(), png.size());
  spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
  const auto voxels = static_cast<std::size_t>(values.box().volume());
  const auto channels = static_cast<std::size_t>(values.channels());
  const std::size_t value = size_of(values.type());
  std::vector<std::byte> pixels(values.bytes().size());
  if (spng_decode_image(context.get(), pixels.data(), pixels.size(), SPNG_FMT_PNG, 0) != 0) return;
  for (std::size_t i = 0; i < voxels; ++i)
    for (std::size_t c = 0; c < channels; ++c)
      demand(std::memcmp(&pixels[(i * channels + c) * value], &values.bytes()[(c * voxels + i) * value], value) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeadBytes) return 0;
  static const CodecDescriptor& codec = *find_codec("png");
  const Box box = fuzzed_box(data);
  const Index channels = 1 + data[3] % 4;
  const DataType type = (data[3] & 4) == 0 ? DataType::uint8 : DataType::uint16;
  const auto rest = std::as_bytes(std::span(data, size)).subspan(kHeadBytes);
  Bytes file;
  if ((data[3] & 8) != 0) file = file_around(rest, box.size(), type, channels, (data[3] & 16) != 0);
  const std::span<const std::byte> chunk = file.empty() ? rest : file;
  Block values(type, box, channels);
  std::memset(values.bytes().data(), 0x5a, values.bytes().size());
  if (!codec.decode(chunk, {}, values.view())) return 0;
  compare_with_libspng(chunk, values);
  if (!codec.supports(type, channels)) return 0;
  Bytes encoded;
  demand(codec.encode(values.view(), {}, encoded).has_value());
  demand(encoded.size() <= codec.most_bytes(box.size(), type, channels, {}));
  Block again(type, box, channels);
  demand(codec.decode(encoded, {}, again.view()).has_value() && is_equal(values, again));
  return 0;
}
