// SPDX-License-Identifier: Apache-2.0
// FreeSurfer MGH, and MGZ (the same, gzipped). Always big-endian:
//   0 int32 version = 1   4 int32 width, height, depth, frames   20 int32 type   24 int32 dof   28 int16 goodRASFlag
//   30 float32 delta[3]   42 float32 x_ras[3], y_ras[3], z_ras[3] (columns of directions)   78 float32 c_ras[3]
//   284 voxels, x fastest, frames slowest; a footer of scan parameters may follow
// From https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat and nibabel.freesurfer.mghformat.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "core/affine.h"
#include "core/byte_cursor.h"
#include "source/raster_source.h"

namespace ngforge {
namespace {

constexpr std::size_t kHeaderBytes = 90, kDataOffset = 284;
constexpr std::size_t kDims = 4, kType = 20, kGoodRas = 28, kDelta = 30, kDirections = 42, kCentre = 78;

struct TypeRow {
  int code;
  StoredType type;
};
constexpr TypeRow kTypes[] = {{0, StoredType::uint8},
                              {1, StoredType::int32},
                              {3, StoredType::float32},
                              {4, StoredType::int16},
                              {10, StoredType::uint16}};

std::int32_t int_at(std::span<const std::byte> head, std::size_t offset) {
  return load<std::int32_t, std::endian::big>(head.data() + offset);
}
float real_at(std::span<const std::byte> head, std::size_t offset) {
  return load<float, std::endian::big>(head.data() + offset);
}

bool has_ras(std::span<const std::byte> head) {
  return load<std::int16_t, std::endian::big>(head.data() + kGoodRas) != 0;
}

template <class Expected, class Found>
Error wrong(const ByteSource& bytes, std::string_view field, std::size_t offset, const Expected& expected,
            const Found& found) {
  return make_error(ErrorCode::invalid_data, "{}: {}: expected {}, found {} (byte {})", bytes.place(), field, expected,
                    found, offset)
      .of_source();
}

/// From voxel size, directions and the world position of the volume's middle; coronal and 1 mm when the file says that
/// these fields mean nothing. Rounded to float32 where nibabel does, or the corner would differ by micrometres.
Result<Affine> read_affine(const ByteSource& bytes, const SourceVec& size_ijk) {
  const auto head = bytes.head();
  std::array<float, 3> delta{1, 1, 1}, centre{};
  float directions[3][3] = {{-1, 0, 0}, {0, 0, -1}, {0, 1, 0}};  // [world axis][voxel axis]
  if (has_ras(head)) {
    for (std::size_t a = 0; a < 3; ++a) {
      delta[a] = real_at(head, kDelta + 4 * a);
      centre[a] = real_at(head, kCentre + 4 * a);
      for (std::size_t r = 0; r < 3; ++r) directions[r][a] = real_at(head, kDirections + 4 * (3 * a + r));
    }
  }
  Affine affine;
  for (std::size_t r = 0; r < 3; ++r) {
    double to_middle = 0;
    for (int a = 0; a < 3; ++a) {
      const float step = directions[r][a] * delta[a];
      affine.m[r][a] = step;
      to_middle += static_cast<double>(step) * static_cast<double>(size_ijk[a]);
    }
    affine.m[r][3] = static_cast<float>(centre[r] - to_middle / 2);
  }
  if (!inverse(affine))
    return wrong(bytes, "delta, Mdc, Pxyz_c", kDelta, "voxel sizes and three independent directions",
                 fmt::format("delta {} {} {} and directions that make a singular or infinite matrix", delta[0],
                             delta[1], delta[2]));
  return affine;
}

Result<std::unique_ptr<VolumeSource>> open_mgh(std::shared_ptr<ByteSource> bytes, const SourceRequest&) {
  const auto head = bytes->head();
  if (head.size() < kHeaderBytes)
    return make_error(ErrorCode::invalid_data, "{}: expected an MGH header of {} bytes, found {} bytes", bytes->place(),
                      kHeaderBytes, head.size())
        .of_source();
  if (const auto version = int_at(head, 0); version != 1) return wrong(*bytes, "version", 0, 1, version);

  VolumeHeader header;
  constexpr const char* kDimNames[] = {"width", "height", "depth", "nframes"};
  for (std::size_t n = 0; n < 4; ++n) {
    const auto offset = kDims + 4 * n;
    const auto length = int_at(head, offset);
    if (length < 1) return wrong(*bytes, kDimNames[n], offset, "1 or more", length);
    (n < 3 ? header.size_ijk[static_cast<int>(n)] : header.channels) = length;
  }
  if (header.channels > 1) header.channel_axes = {header.channels};
  const auto code = int_at(head, kType);
  const auto row = std::ranges::find(kTypes, code, &TypeRow::code);
  if (row == std::end(kTypes)) {
    auto error = wrong(*bytes, "type", kType, "0 (uint8), 1 (int32), 3 (float32), 4 (int16) or 10 (uint16)", code);
    error.code = ErrorCode::unsupported;
    return error;
  }
  header.type = row->type;
  NGFORGE_TRY(header.affine_ijk_to_mm, read_affine(*bytes, header.size_ijk));
  header.has_voxel_size = has_ras(head);
  header.is_anatomical = true;
  header.format = bytes->is_gzip() ? "MGZ" : "MGH";
  header.details = header.has_voxel_size ? "RAS matrix in the header" : "no RAS matrix in the header, taken as coronal";
  const RasterLayout layout{.data_offset = kDataOffset,
                            .is_foreign_order = std::endian::native != std::endian::big,
                            .number_bytes = size_of(header.type)};
  return open_raster(std::move(bytes), std::move(header), layout);
}

int sniff_mgh(std::span<const std::byte> head, std::string_view name) {
  const bool is_named_so = name.ends_with(".mgh") || name.ends_with(".mgz") || name.ends_with(".mgh.gz");
  if (head.size() < kHeaderBytes || int_at(head, 0) != 1) return is_named_so ? 30 : 0;
  const bool has_type = std::ranges::find(kTypes, int_at(head, kType), &TypeRow::code) != std::end(kTypes);
  // The magic is weak: 00 00 00 01 begins other files too.
  return is_named_so ? 90 : has_type && int_at(head, kDims) > 0 ? 60 : 0;
}

}  // namespace

extern const SourceDescriptor mgh_source;
const SourceDescriptor mgh_source = {
    .name = "mgh",
    .title = "FreeSurfer MGH and MGZ (.mgh, .mgz)",
    .url_scheme = "mgh",
    .is_folder = false,
    .suffixes = ".mgh.gz .mgz .mgh",
    .sniff = sniff_mgh,
    .open_bytes = open_mgh,
};

}  // namespace ngforge
