// SPDX-License-Identifier: Apache-2.0
// Analyze 7.5 (.hdr and .img), with what SPM99 and SPM2 put into it. Offsets in the header of 348 bytes:
//   0 int32 sizeof_hdr = 348   40 int16 dim[8]   70 int16 datatype   72 int16 bitpix   76 float32 pixdim[8] (mm)
//   108 float32 vox_offset   112 float32 slope, intercept (SPM)   124 float32 cal_max, cal_min
//   140 int32 glmax, glmin   148 char descrip[80]   253 int16 origin[5] (SPM: voxel of the world's origin, from 1)
// From "Analyze 7.5 file format" (Mayo Clinic) and nibabel.spm2analyze, which decides what odd values mean: the first
// axis runs to the left, the world's origin is SPM's or the middle of the volume. Matrices in .mat files are not read.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "core/byte_cursor.h"
#include "source/file_pair.h"
#include "source/header_fields.h"
#include "source/raster_source.h"

namespace ngforge {

extern const SourceDescriptor nifti_source;

namespace {

constexpr std::size_t kHeaderBytes = 348;
constexpr std::size_t kDim = 40, kDatatype = 70, kBitpix = 72, kPixdim = 76, kVoxOffset = 108, kSlope = 112,
                      kIntercept = 116, kCalMax = 124, kCalMin = 128, kGlMax = 140, kGlMin = 144, kDescrip = 148,
                      kOrigin = 253;
constexpr std::size_t kDescripBytes = 80;

struct DatatypeRow {
  int code;
  StoredType type;
  int bits;
  Index colors = 1;
};
constexpr DatatypeRow kDatatypes[] = {
    {2, StoredType::uint8, 8},
    {4, StoredType::int16, 16},
    {8, StoredType::int32, 32},
    {16, StoredType::float32, 32},
    {32, StoredType::complex64, 64},
    {64, StoredType::float64, 64},
    {128, StoredType::uint8, 24, 3},
    // Of SPM: the code of the signed (unsigned) type and 128.
    {130, StoredType::int8, 8},
    {132, StoredType::uint16, 16},
    {136, StoredType::uint32, 32},
};

class Fields : public HeaderFields {
 public:
  using HeaderFields::HeaderFields;
  Index dim(std::size_t n) const { return get<std::int16_t>(kDim + 2 * n); }
  float real(std::size_t offset) const { return get<float>(offset); }
};

template <std::endian Order>
bool has_size_in(std::span<const std::byte> head) {
  return head.size() >= kHeaderBytes && load<std::uint32_t, Order>(head.data()) == kHeaderBytes;
}
bool has_size(std::span<const std::byte> head) {
  return has_size_in<std::endian::little>(head) || has_size_in<std::endian::big>(head);
}
/// By its magic bytes alone, of either version.
bool is_nifti(std::span<const std::byte> head) {
  return nifti_source.sniff(head, "") == 100;
}

Result<const DatatypeRow*> read_datatype(const Fields& fields) {
  const auto code = fields.get<std::int16_t>(kDatatype), bits = fields.get<std::int16_t>(kBitpix);
  const auto row = std::ranges::find(kDatatypes, code, &DatatypeRow::code);
  if (row == std::end(kDatatypes)) {
    auto error = fields.wrong("datatype", kDatatype, "the code of a voxel type (2, 4, 8, 16, 64 ...)",
                              code == 1 ? std::string("1 (one bit a voxel)") : std::to_string(code));
    error.code = ErrorCode::unsupported;
    return error;
  }
  if (bits != row->bits)
    return fields.wrong("bitpix", kBitpix, fmt::format("{} for datatype {}", row->bits, code), bits);
  return &*row;
}

Result<void> read_size(const Fields& fields, const DatatypeRow& datatype, VolumeHeader& header) {
  const Index rank = fields.dim(0);
  if (rank < 1 || rank > 7) return fields.wrong("dim[0]", kDim, "1 to 7 axes", rank);
  header.size_ijk = {1, 1, 1};
  for (std::size_t n = 1; n <= static_cast<std::size_t>(rank); ++n) {
    const Index length = fields.dim(n);
    const auto name = fmt::format("dim[{}]", n);
    if (length < 1) return fields.wrong(name, kDim + 2 * n, "1 or more voxels", length);
    if (n <= 3)
      header.size_ijk[static_cast<int>(n) - 1] = length;
    else if (__builtin_mul_overflow(header.channels, length, &header.channels))
      return fields.wrong(name, kDim + 2 * n, "fewer than 2^63 channels", length);
    else
      header.channel_axes.push_back(length);
  }
  if (datatype.colors > 1) {
    if (header.channels > 1) {
      auto error = fields.wrong("dim", kDim, "no fourth axis where voxels are colours", header.channels);
      error.code = ErrorCode::unsupported;
      return error;
    }
    header.channels = datatype.colors;
    header.channels_are_colors = true;
    header.channel_axes = {datatype.colors};
  }
  while (!header.channel_axes.empty() && header.channel_axes.back() == 1) header.channel_axes.pop_back();
  return {};
}

void read_scaling(const Fields& fields, VolumeHeader& header) {
  if (header.channels_are_colors) return;
  const double slope = fields.real(kSlope), intercept = fields.real(kIntercept);
  if (slope != 0 && std::isfinite(slope)) {
    header.slope = slope;
    header.intercept = std::isfinite(intercept) ? intercept : 0;
    return;
  }
  // SPM2: what the range of stored values stands for.
  const double low = fields.get<std::int32_t>(kGlMin), high = fields.get<std::int32_t>(kGlMax);
  const double cal_low = fields.real(kCalMin), cal_high = fields.real(kCalMax);
  const double range = high - low, cal_range = cal_high - cal_low;
  if (range == 0 || cal_range == 0 || !std::isfinite(cal_range)) return;
  header.slope = cal_range / range;
  header.intercept = cal_low - header.slope * low;
}

Result<void> read_geometry(const Fields& fields, VolumeHeader& header) {
  std::array<Index, 3> origin{};
  bool has_origin = false, is_near = true;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    origin[i] = fields.get<std::int16_t>(kOrigin + 2 * i);
    has_origin |= origin[i] != 0;
    is_near &= origin[i] > -header.size_ijk[a] && origin[i] < 2 * header.size_ijk[a];
  }
  header.has_voxel_size = true;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    double size = std::abs(static_cast<double>(fields.real(kPixdim + 4 * (i + 1))));
    if (!std::isfinite(size))
      return fields.wrong(fmt::format("pixdim[{}]", i + 1), kPixdim + 4 * (i + 1), "a finite number", size);
    if (size == 0 && header.size_ijk[a] > 1) header.has_voxel_size = false;
    if (size == 0) size = 1;
    const double first =
        has_origin && is_near ? static_cast<double>(origin[i] - 1) : static_cast<double>(header.size_ijk[a] - 1) / 2;
    auto& row = header.affine_ijk_to_mm.m[i];
    row[i] = a == 0 ? -size : size;
    row[3] = 0 - first * row[i];
  }
  header.is_anatomical = true;
  header.details = has_origin && is_near ? "origin of SPM" : "origin in the middle of the volume";
  return {};
}

Result<std::unique_ptr<VolumeSource>> open_header(FilePair pair) {
  const auto head = pair.header->head();
  const std::string& place = pair.header->place();
  if (head.size() < kHeaderBytes)
    return make_error(ErrorCode::invalid_data, "{}: expected an Analyze header of {} bytes, found {} bytes", place,
                      kHeaderBytes, head.size())
        .of_source();
  if (!has_size(head))
    return make_error(ErrorCode::invalid_data, "{}: sizeof_hdr: expected 348, found {} (byte 0)", place,
                      load<std::int32_t>(head.data()))
        .of_source();
  const Fields fields(head, place, has_size_in<std::endian::little>(head) ? std::endian::little : std::endian::big);
  NGFORGE_TRY(const DatatypeRow* const datatype, read_datatype(fields));
  VolumeHeader header;
  header.type = datatype->type;
  NGFORGE_CHECK(read_size(fields, *datatype, header));
  read_scaling(fields, header);
  NGFORGE_CHECK(read_geometry(fields, header));
  header.format = "Analyze 7.5";
  header.details += fields.order == std::endian::little ? ", little-endian" : ", big-endian";
  if (const auto description = fields.text(kDescrip, kDescripBytes); !description.empty())
    header.details += fmt::format(", \"{}\"", description);
  header.fingerprint = pair.header->fingerprint() + ' ';
  header.stored_bytes = pair.header->stored_bytes();
  const double offset = fields.real(kVoxOffset);
  if (!(offset >= 0) || offset > 0x1p62 || offset != std::floor(offset))
    return fields.wrong("vox_offset", kVoxOffset, "a whole number from 0 on", offset);
  const RasterLayout layout{.data_offset = static_cast<std::uint64_t>(offset),
                            .is_foreign_order = fields.order != std::endian::native,
                            .number_bytes = size_of(header.type) / (header.type >= StoredType::complex64 ? 2 : 1),
                            .is_interleaved = header.channels_are_colors};
  return open_raster(std::move(pair.image), std::move(header), layout);
}

Result<std::unique_ptr<VolumeSource>> open_analyze(std::shared_ptr<ByteSource> bytes, const SourceRequest& request) {
  NGFORGE_TRY(FilePair pair, open_pair(std::move(bytes)));
  // An .img does not tell whose header is beside it.
  if (is_nifti(pair.header->head())) return nifti_source.open_bytes(std::move(pair.header), request);
  return open_header(std::move(pair));
}

int sniff_analyze(std::span<const std::byte> head, std::string_view name) {
  if (is_image_half(name)) return 40;
  const bool is_named_so = name.ends_with(".hdr") || name.ends_with(".hdr.gz");
  return !is_named_so ? 0 : has_size(head) && !is_nifti(head) ? 90 : 20;
}

}  // namespace

extern const SourceDescriptor analyze_source;
const SourceDescriptor analyze_source = {
    .name = "analyze",
    .title = "Analyze 7.5, SPM99 and SPM2 (.hdr with .img, either may be .gz)",
    .url_scheme = "analyze",
    .is_folder = false,
    .suffixes = ".hdr.gz .img.gz .hdr .img",
    .is_plain = [](const SourceRequest& request) { return is_plain_image(request.place); },
    .sniff = sniff_analyze,
    .open_bytes = open_analyze,
};

}  // namespace ngforge
