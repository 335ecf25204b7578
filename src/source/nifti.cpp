// SPDX-License-Identifier: Apache-2.0
// NIfTI-1 and NIfTI-2, as single files and as pairs of .hdr and .img. Byte offsets from nifti1.h and nifti2.h of the
// NIfTI DFWG (nifti.nimh.nih.gov); what is done about odd values is what nibabel does.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "core/affine.h"
#include "core/byte_cursor.h"
#include "core/nifti_layout.h"
#include "source/file_pair.h"
#include "source/header_fields.h"
#include "source/raster_source.h"

namespace ngforge {
namespace {

constexpr std::size_t kDescripBytes = 80;

struct DatatypeRow {
  int code;
  StoredType type;
  int bits;
  Index colors = 1;
};
constexpr DatatypeRow kDatatypes[] = {
    {2, StoredType::uint8, 8},         {4, StoredType::int16, 16},          {8, StoredType::int32, 32},
    {16, StoredType::float32, 32},     {32, StoredType::complex64, 64},     {64, StoredType::float64, 64},
    {128, StoredType::uint8, 24, 3},   {256, StoredType::int8, 8},          {512, StoredType::uint16, 16},
    {768, StoredType::uint32, 32},     {1024, StoredType::int64, 64},       {1280, StoredType::uint64, 64},
    {1536, StoredType::float128, 128}, {1792, StoredType::complex128, 128}, {2048, StoredType::complex256, 256},
    {2304, StoredType::uint8, 32, 4},
};
constexpr int kBinary = 1;

/// The fields of a header of either version.
class Fields : public HeaderFields {
 public:
  Fields(std::span<const std::byte> bytes, std::string place, const NiftiLayout& at, std::endian order)
      : HeaderFields(bytes, std::move(place), order), at(at) {}

  const NiftiLayout& at;

  std::int64_t dim(std::size_t n) const {
    return at.version == 1 ? get<std::int16_t>(at.dim + 2 * n) : get<std::int64_t>(at.dim + 8 * n);
  }
  std::int64_t code(std::size_t offset) const {
    return at.version == 1 ? get<std::int16_t>(offset) : get<std::int32_t>(offset);
  }
  std::size_t real_bytes() const { return at.version == 1 ? 4 : 8; }
  double real(std::size_t offset, std::size_t n = 0) const {
    return at.version == 1 ? static_cast<double>(get<float>(offset + 4 * n)) : get<double>(offset + 8 * n);
  }
  int units() const { return at.version == 1 ? get<std::uint8_t>(at.xyzt_units) : get<std::int32_t>(at.xyzt_units); }
  double vox_offset() const {
    return at.version == 1 ? static_cast<double>(get<float>(at.vox_offset))
                           : static_cast<double>(get<std::int64_t>(at.vox_offset));
  }
};

/// Version and byte order by sizeof_hdr, which is 348 or 540 in one of the two orders.
std::optional<std::pair<const NiftiLayout*, std::endian>> version_of(std::span<const std::byte> head) {
  if (head.size() < 4) return std::nullopt;
  for (const NiftiLayout* at : {&kNifti1, &kNifti2}) {
    if (load<std::uint32_t, std::endian::little>(head.data()) == at->header_bytes) return {{at, std::endian::little}};
    if (load<std::uint32_t, std::endian::big>(head.data()) == at->header_bytes) return {{at, std::endian::big}};
  }
  return std::nullopt;
}

bool has_magic(std::span<const std::byte> head, const NiftiLayout& at, std::string_view kind) {
  if (head.size() < at.magic + 4) return false;
  const std::string magic = fmt::format("{}{}", kind, at.version);
  return std::equal(magic.begin(), magic.end(), head.begin() + static_cast<std::ptrdiff_t>(at.magic),
                    [](char c, std::byte byte) { return static_cast<std::byte>(c) == byte; }) &&
         head[at.magic + 3] == std::byte{0};
}

/// The header of a pair says so itself, unless it is the other half that was opened.
bool is_half(const ByteSource& bytes) {
  const auto version = version_of(bytes.head());
  if (version && has_magic(bytes.head(), *version->first, "n+")) return false;
  return is_image_half(bytes.place()) || (version && has_magic(bytes.head(), *version->first, "ni"));
}

Result<Fields> open_fields(const ByteSource& bytes, bool is_pair) {
  const auto head = bytes.head();
  const auto version = version_of(head);
  if (!version) {
    if (head.size() < 4)
      return make_error(ErrorCode::invalid_data, "{}: expected a NIfTI header of 348 or 540 bytes, found {} bytes",
                        bytes.place(), head.size())
          .of_source();
    return make_error(ErrorCode::invalid_data, "{}: sizeof_hdr: expected 348 or 540, found {} (byte 0)", bytes.place(),
                      load<std::int32_t>(head.data()))
        .of_source();
  }
  const auto& [at, order] = *version;
  if (head.size() < at->header_bytes)
    return make_error(ErrorCode::invalid_data, "{}: expected a NIfTI header of {} bytes, found {} bytes", bytes.place(),
                      at->header_bytes, head.size())
        .of_source();
  Fields fields(head, bytes.place(), *at, order);
  const char* const kind = is_pair ? "ni" : "n+";
  if (!has_magic(head, *at, kind))
    return fields.wrong("magic", at->magic, fmt::format("\"{}{}\"", kind, at->version),
                        fmt::format("\"{}\"", fields.text(at->magic, 4)));
  return fields;
}

Result<const DatatypeRow*> read_datatype(const Fields& fields) {
  const auto& at = fields.at;
  const auto code = fields.get<std::int16_t>(at.datatype), bits = fields.get<std::int16_t>(at.bitpix);
  const auto row = std::ranges::find(kDatatypes, code, [](const DatatypeRow& r) { return std::int64_t{r.code}; });
  if (row == std::end(kDatatypes)) {
    auto error = fields.wrong("datatype", at.datatype, "the code of a voxel type (2, 4, 8, 16, ...)",
                              code == kBinary ? std::string("1 (one bit a voxel)") : std::to_string(code));
    error.code = ErrorCode::unsupported;
    return error;
  }
  if (bits != row->bits)
    return fields.wrong("bitpix", at.bitpix, fmt::format("{} for datatype {}", row->bits, code), bits);
  return &*row;
}

Result<void> read_size(const Fields& fields, const DatatypeRow& datatype, VolumeHeader& header) {
  const auto& at = fields.at;
  const std::size_t bytes = fields.at.version == 1 ? 2 : 8;
  const auto rank = fields.dim(0);
  if (rank < 1 || rank > 7) return fields.wrong("dim[0]", at.dim, "1 to 7 axes", rank);
  header.size_ijk = {1, 1, 1};
  for (std::size_t n = 1; n <= static_cast<std::size_t>(rank); ++n) {
    const Index length = fields.dim(n);
    const auto where = at.dim + n * bytes;
    const auto name = fmt::format("dim[{}]", n);
    if (length < 1) return fields.wrong(name, where, "1 or more voxels", length);
    if (n <= 3) {
      header.size_ijk[static_cast<int>(n) - 1] = length;
      continue;
    }
    if (datatype.colors > 1 && length > 1) {
      auto error = fields.wrong(name, where, "1 where voxels are colours", length);
      error.code = ErrorCode::unsupported;
      return error;
    }
    if (__builtin_mul_overflow(header.channels, length, &header.channels))
      return fields.wrong(name, where, "fewer than 2^63 channels", length);
    header.channel_axes.push_back(length);
  }
  if (datatype.colors > 1) {
    header.channels = datatype.colors;
    header.channels_are_colors = true;
    header.channel_axes = {datatype.colors};
  }
  if (header.channels == 1) header.channel_axes.clear();
  while (!header.channel_axes.empty() && header.channel_axes.back() == 1) header.channel_axes.pop_back();
  return {};
}

Result<void> read_scaling(const Fields& fields, VolumeHeader& header) {
  const double slope = fields.real(fields.at.scl_slope), intercept = fields.real(fields.at.scl_inter);
  if (slope == 0 || !std::isfinite(slope) || header.channels_are_colors) return {};
  if (!std::isfinite(intercept)) return fields.wrong("scl_inter", fields.at.scl_inter, "a finite number", intercept);
  header.slope = slope;
  header.intercept = intercept;
  return {};
}

/// Voxel sizes that qform and "no form" use: absolute values, 1 in place of 0.
Result<std::array<double, 3>> read_pixdim(const Fields& fields, VolumeHeader& header) {
  std::array<double, 3> size{};
  header.has_voxel_size = true;
  for (std::size_t a = 0; a < 3; ++a) {
    const double value = std::abs(fields.real(fields.at.pixdim, a + 1));
    if (!std::isfinite(value))
      return fields.wrong(fmt::format("pixdim[{}]", a + 1), fields.at.pixdim + (a + 1) * fields.real_bytes(),
                          "a finite number", value);
    if (value == 0 && header.size_ijk[static_cast<int>(a)] > 1) header.has_voxel_size = false;
    size[a] = value == 0 ? 1 : value;
  }
  return size;
}

Result<Affine> read_sform(const Fields& fields) {
  Affine affine;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 4; ++c) {
      affine.m[r][c] = fields.real(fields.at.srow, 4 * r + c);
      if (!std::isfinite(affine.m[r][c]))
        return fields.wrong(fmt::format("srow_{}[{}]", "xyz"[r], c), fields.at.srow + (4 * r + c) * fields.real_bytes(),
                            "a finite number", affine.m[r][c]);
    }
  }
  if (!inverse(affine))
    return fields.wrong("srow_x, srow_y, srow_z", fields.at.srow, "three independent axes", "a singular matrix");
  return affine;
}

Result<Affine> read_qform(const Fields& fields, const std::array<double, 3>& size_mm) {
  const auto& at = fields.at;
  // Extended precision because 1 - |v|^2 cancels for rotations by nearly 180 degrees.
  std::array<long double, 4> q{};
  for (std::size_t n = 0; n < 3; ++n) {
    q[n + 1] = fields.real(at.quatern, n);
    if (!std::isfinite(q[n + 1]))
      return fields.wrong(fmt::format("quatern_{}", "bcd"[n]), at.quatern + n * fields.real_bytes(), "a finite number",
                          static_cast<double>(q[n + 1]));
  }
  const long double epsilon = at.version == 1 ? 0x1p-23L : 0x1p-52L;
  const long double w_squared = 1 - (q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  q[0] = w_squared < 3 * epsilon ? 0 : std::sqrt(w_squared);
  const long double norm = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
  const auto [w, x, y, z] = q;
  const long double s = 2 / norm;
  const long double rotation[3][3] = {{1 - s * (y * y + z * z), s * (x * y - w * z), s * (x * z + w * y)},
                                      {s * (x * y + w * z), 1 - s * (x * x + z * z), s * (y * z - w * x)},
                                      {s * (x * z - w * y), s * (y * z + w * x), 1 - s * (x * x + y * y)}};
  const double qfac = fields.real(at.pixdim) == -1 ? -1 : 1;
  Affine affine;
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c)
      affine.m[r][c] = static_cast<double>(rotation[r][c] * (c == 2 ? qfac * size_mm[c] : size_mm[c]));
    affine.m[r][3] = fields.real(at.qoffset, r);
    if (!std::isfinite(affine.m[r][3]))
      return fields.wrong(fmt::format("qoffset_{}", "xyz"[r]), at.qoffset + r * fields.real_bytes(), "a finite number",
                          affine.m[r][3]);
  }
  return affine;
}

/// Without any form: i runs to the left and the world's origin is the middle of the volume. Axes that the file does not
/// have are 1 long.
Affine base_affine(std::array<double, 3> size_mm, const SourceVec& size_ijk, std::int64_t rank) {
  Affine affine;
  for (int a = 0; a < 3; ++a) {
    if (a >= rank) size_mm[a] = 1;
    affine.m[a][a] = a == 0 ? -size_mm[a] : size_mm[a];
    affine.m[a][3] = 0 - affine.m[a][a] * static_cast<double>(size_ijk[a] - 1) / 2;
  }
  return affine;
}

struct Unit {
  const char* name;
  double mm;
};
Unit spatial_unit(int xyzt_units) {
  switch (xyzt_units & 7) {
    case 1: return {"m", 1000};
    case 2: return {"mm", 1};
    case 3: return {"um", 0.001};
    default: return {"unknown, taken as mm", 1};
  }
}

Result<void> read_geometry(const Fields& fields, VolumeHeader& header) {
  const auto& at = fields.at;
  NGFORGE_TRY(const auto size_mm, read_pixdim(fields, header));
  if (fields.code(at.sform_code) > 0) {
    NGFORGE_TRY(header.affine_ijk_to_mm, read_sform(fields));
    header.has_voxel_size = true;
  } else if (fields.code(at.qform_code) > 0) {
    NGFORGE_TRY(header.affine_ijk_to_mm, read_qform(fields, size_mm));
  } else {
    header.affine_ijk_to_mm = base_affine(size_mm, header.size_ijk, fields.dim(0));
  }
  header.is_anatomical = true;
  const double mm = spatial_unit(fields.units()).mm;
  for (int r = 0; r < 3; ++r)
    for (auto& value : header.affine_ijk_to_mm.m[r]) value *= mm;
  return {};
}

/// Where the voxels begin, behind a header if it is in the same file.
Result<std::uint64_t> read_vox_offset(const Fields& fields, bool is_pair) {
  const double offset = fields.vox_offset();
  const std::uint64_t first = is_pair ? 0 : fields.at.header_bytes + 4;  // four bytes announce extensions
  const auto least = static_cast<double>(first);
  if (offset == 0) return first;
  if (!(offset >= least) || offset > 0x1p62 || offset != std::floor(offset))
    return fields.wrong("vox_offset", fields.at.vox_offset, fmt::format("a whole number from {} on", least), offset);
  return static_cast<std::uint64_t>(offset);
}

/// The codes of the extensions behind the header, up to byte `end`; they are otherwise skipped.
Result<std::string> read_extensions(const Fields& fields, ByteSource& bytes, std::uint64_t end) {
  constexpr int kMostListed = 100;
  std::uint64_t at = fields.at.header_bytes;
  std::array<std::byte, 8> start{};
  if (at + 4 > end) return std::string();
  NGFORGE_CHECK(bytes.read(at, std::span(start).first(4)));
  if (start[0] == std::byte{0}) return std::string();
  std::string codes;
  at += 4;
  for (int n = 0; n < kMostListed && at + start.size() <= end; ++n) {
    NGFORGE_CHECK(bytes.read(at, start));
    ByteCursor cursor(start, "extension", fields.order);
    NGFORGE_TRY(const auto size, cursor.read<std::int32_t>());
    NGFORGE_TRY(const auto code, cursor.read<std::int32_t>());
    if (size < static_cast<std::int32_t>(start.size()) || at + static_cast<std::uint64_t>(size) > end) break;
    codes += fmt::format("{}{}", codes.empty() ? "" : ", ", code);
    at += static_cast<std::uint64_t>(size);
  }
  return codes;
}

std::string describe_form(std::string_view name, std::int64_t code) {
  constexpr const char* kMeanings[] = {"none", "scanner", "aligned", "Talairach", "MNI 152", "template"};
  const bool is_known = code >= 0 && code < static_cast<std::int64_t>(std::size(kMeanings));
  return fmt::format("{} {} ({})", name, code, is_known ? kMeanings[code] : "unknown");
}

std::string describe(const Fields& fields, const std::string& extensions) {
  const auto& at = fields.at;
  std::string text = fmt::format("{}, {}, unit {}, {}", describe_form("sform", fields.code(at.sform_code)),
                                 describe_form("qform", fields.code(at.qform_code)), spatial_unit(fields.units()).name,
                                 fields.order == std::endian::little ? "little-endian" : "big-endian");
  if (const auto intent = fields.code(at.intent_code); intent != 0)
    text += fmt::format(", intent {}{}", intent, intent == kNiftiIntentLabel ? " (label)" : "");
  if (!extensions.empty()) text += fmt::format(", extensions with codes {}", extensions);
  if (const auto description = fields.text(at.descrip, kDescripBytes); !description.empty())
    text += fmt::format(", \"{}\"", description);
  return text;
}

Result<std::unique_ptr<VolumeSource>> open_nifti(std::shared_ptr<ByteSource> bytes, const SourceRequest&) {
  FilePair pair{bytes, bytes};
  const bool is_pair = is_half(*bytes);
  if (is_pair) {
    NGFORGE_TRY(pair, open_pair(std::move(bytes)));
  }
  NGFORGE_TRY(const Fields fields, open_fields(*pair.header, is_pair));
  NGFORGE_TRY(const DatatypeRow* datatype, read_datatype(fields));
  VolumeHeader header;
  header.type = datatype->type;
  NGFORGE_CHECK(read_size(fields, *datatype, header));
  NGFORGE_CHECK(read_scaling(fields, header));
  NGFORGE_CHECK(read_geometry(fields, header));
  header.has_label_intent = fields.code(fields.at.intent_code) == kNiftiIntentLabel;
  header.format = fields.at.format;

  RasterLayout layout;
  NGFORGE_TRY(layout.data_offset, read_vox_offset(fields, is_pair));
  layout.is_foreign_order = fields.order != std::endian::native;
  layout.is_interleaved = header.channels_are_colors;
  const bool is_complex = header.type >= StoredType::complex64;
  layout.number_bytes = size_of(header.type) / (is_complex ? 2 : 1);
  const std::uint64_t header_end = is_pair ? pair.header->content_bytes().value_or(0) : layout.data_offset;
  NGFORGE_TRY(const std::string extensions, read_extensions(fields, *pair.header, header_end));
  header.details = describe(fields, extensions);
  if (is_pair) {
    header.format += " pair";
    header.fingerprint = pair.header->fingerprint() + ' ';
    header.stored_bytes = pair.header->stored_bytes();
  }
  return open_raster(std::move(pair.image), std::move(header), layout);
}

int sniff_nifti(std::span<const std::byte> head, std::string_view name) {
  const auto version = version_of(head);
  if (version && (has_magic(head, *version->first, "n+") || has_magic(head, *version->first, "ni"))) return 100;
  const auto ends_with = [&](std::string_view suffix) { return name.ends_with(suffix); };
  const bool is_named_so = ends_with(".nii") || ends_with(".nii.gz") || ends_with(".hdr");
  return version ? 50 : is_named_so ? 30 : 0;
}

}  // namespace

extern const SourceDescriptor nifti_source;
const SourceDescriptor nifti_source = {
    .name = "nifti",
    .title = "NIfTI-1 and NIfTI-2 (.nii, .nii.gz, .hdr with .img)",
    .url_scheme = "nifti",
    .is_folder = false,
    .suffixes = ".nii.gz .hdr.gz .img.gz .nii .hdr .img",
    .is_plain = [](const SourceRequest& request) { return is_plain_image(request.place); },
    .sniff = sniff_nifti,
    .open_bytes = open_nifti,
};

}  // namespace ngforge
