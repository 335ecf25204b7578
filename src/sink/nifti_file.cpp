// SPDX-License-Identifier: Apache-2.0
// NIfTI-1 and NIfTI-2.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/affine.h"
#include "core/byte_cursor.h"
#include "core/nifti_layout.h"
#include "ngforge/version.h"
#include "sink/volume_file.h"

namespace ngforge {
namespace {

constexpr std::int16_t kAligned = 2, kMillimetres = 2;

std::int16_t code_of(const VolumeImage& image) {
  if (image.is_rgb) return image.channels == 3 ? 128 : 2304;
  switch (image.type) {
    case DataType::uint8: return 2;
    case DataType::int8: return 256;
    case DataType::uint16: return 512;
    case DataType::int16: return 4;
    case DataType::uint32: return 768;
    case DataType::int32: return 8;
    case DataType::uint64: return 1280;
    case DataType::int64: return 1024;
    case DataType::float32: return 16;
    case DataType::float64: return 64;
  }
  __builtin_unreachable();
}

struct Qform {
  bool is_valid = false;
  double qfac = 1, b = 0, c = 0, d = 0;
};

// Rotation to quaternion, as the standard's reference code defines it; invalid when columns are not orthogonal.
Qform qform_of(const Affine& affine) {
  const auto lengths = column_lengths(affine);
  double r[3][3];
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 3; ++column) {
      if (!(lengths[column] > 0)) return {};
      r[row][column] = affine.m[row][column] / lengths[column];
    }
  for (int a = 0; a < 3; ++a)
    for (int b = a + 1; b < 3; ++b)
      if (std::abs(r[0][a] * r[0][b] + r[1][a] * r[1][b] + r[2][a] * r[2][b]) > 1e-6) return {};
  Qform q{.is_valid = true};
  const double determinant = r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) -
                             r[0][1] * (r[1][0] * r[2][2] - r[1][2] * r[2][0]) +
                             r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
  if (determinant < 0) {
    q.qfac = -1;
    for (auto& row : r) row[2] = -row[2];
  }
  double a = r[0][0] + r[1][1] + r[2][2] + 1;
  if (a > 0.5) {
    a = 0.5 * std::sqrt(a);
    q.b = 0.25 * (r[2][1] - r[1][2]) / a;
    q.c = 0.25 * (r[0][2] - r[2][0]) / a;
    q.d = 0.25 * (r[1][0] - r[0][1]) / a;
    return q;
  }
  const double x = 1 + r[0][0] - (r[1][1] + r[2][2]), y = 1 + r[1][1] - (r[0][0] + r[2][2]),
               z = 1 + r[2][2] - (r[0][0] + r[1][1]);
  if (x > 1) {
    q.b = 0.5 * std::sqrt(x);
    q.c = 0.25 * (r[0][1] + r[1][0]) / q.b;
    q.d = 0.25 * (r[0][2] + r[2][0]) / q.b;
    a = 0.25 * (r[2][1] - r[1][2]) / q.b;
  } else if (y > 1) {
    q.c = 0.5 * std::sqrt(y);
    q.b = 0.25 * (r[0][1] + r[1][0]) / q.c;
    q.d = 0.25 * (r[1][2] + r[2][1]) / q.c;
    a = 0.25 * (r[0][2] - r[2][0]) / q.c;
  } else {
    q.d = 0.5 * std::sqrt(z);
    q.b = 0.25 * (r[0][2] + r[2][0]) / q.d;
    q.c = 0.25 * (r[1][2] + r[2][1]) / q.d;
    a = 0.25 * (r[1][0] - r[0][1]) / q.d;
  }
  if (a < 0) q.b = -q.b, q.c = -q.c, q.d = -q.d;
  return q;
}

// `Side` is the type of dim, `Real` that of pixdim and matrices.
template <class Side, class Real>
void fill_header(const VolumeImage& image, const NiftiLayout& at, std::span<std::byte> header) {
  const auto put = [&](std::size_t offset, auto value) { store(header.data() + offset, value); };
  const bool has_channels = image.channels > 1 && !image.is_rgb;
  put(at.dim, static_cast<Side>(has_channels ? 4 : 3));
  for (int a = 0; a < 3; ++a)
    put(at.dim + sizeof(Side) * static_cast<std::size_t>(a + 1), static_cast<Side>(image.size_vox[a]));
  for (std::size_t a = 4; a < 8; ++a)
    put(at.dim + sizeof(Side) * a, static_cast<Side>(a == 4 && has_channels ? image.channels : 1));
  put(at.datatype, code_of(image));
  put(at.bitpix,
      static_cast<std::int16_t>(8 * size_of(image.type) * static_cast<std::size_t>(image.is_rgb ? image.channels : 1)));
  const Qform q = qform_of(image.affine_centre_to_mm);
  const auto lengths = column_lengths(image.affine_centre_to_mm);
  const double pixdim[8] = {q.qfac, lengths[0], lengths[1], lengths[2], 1, 1, 1, 1};
  for (std::size_t a = 0; a < 8; ++a) put(at.pixdim + sizeof(Real) * a, static_cast<Real>(pixdim[a]));
  put(at.scl_slope, Real{1});
  const std::string text = "ngforge " NGFORGE_VERSION;
  std::memcpy(header.data() + at.descrip, text.data(), text.size());
  const auto& m = image.affine_centre_to_mm.m;
  using Code = std::conditional_t<sizeof(Side) == 2, std::int16_t, std::int32_t>;
  put(at.qform_code, static_cast<Code>(q.is_valid ? kAligned : 0));
  put(at.sform_code, static_cast<Code>(kAligned));
  const double quaternion[6] = {q.b, q.c, q.d, m[0][3], m[1][3], m[2][3]};
  for (std::size_t i = 0; q.is_valid && i < 6; ++i)
    put(at.quatern + sizeof(Real) * i, static_cast<Real>(quaternion[i]));
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      put(at.srow + sizeof(Real) * (4 * row + column), static_cast<Real>(m[row][column]));
  if (image.is_label) put(at.intent_code, static_cast<Code>(kNiftiIntentLabel));
}

std::vector<std::byte> header_of(const VolumeImage& image) {
  const auto longest = std::max({image.size_vox.x, image.size_vox.y, image.size_vox.z, image.channels});
  const bool is_second = longest > INT16_MAX;
  std::vector<std::byte> header(is_second ? 544 : 352);
  if (is_second) {
    store(header.data(), static_cast<std::int32_t>(kNifti2.header_bytes));
    std::memcpy(header.data() + kNifti2.magic, "n+2\0\r\n\x1a\n", 8);
    fill_header<std::int64_t, double>(image, kNifti2, header);
    store(header.data() + kNifti2.vox_offset, std::int64_t{544});
    store(header.data() + kNifti2.xyzt_units, std::int32_t{kMillimetres});
  } else {
    store(header.data(), static_cast<std::int32_t>(kNifti1.header_bytes));
    std::memcpy(header.data() + kNifti1.magic, "n+1\0", 4);
    fill_header<std::int16_t, float>(image, kNifti1, header);
    store(header.data() + kNifti1.vox_offset, 352.0F);
    header[kNifti1.xyzt_units] = std::byte{kMillimetres};
  }
  return header;
}

std::optional<DataType> stored_type(DataType type, bool) {
  return type;
}

}  // namespace

extern const VolumeFileDescriptor nifti_file;
const VolumeFileDescriptor nifti_file{.name = "nifti",
                                      .title = "NIfTI-1, or NIfTI-2 for long sides",
                                      .suffixes = ".nii .nii.gz",
                                      .interleaves_colors = true,
                                      .is_big_endian = false,
                                      .stored_types = "every type",
                                      .stored_type = stored_type,
                                      .header = header_of};

}  // namespace ngforge
