// SPDX-License-Identifier: Apache-2.0
// NRRD, versions 1 to 5, with values behind the header or in one other file: "Definition of NRRD File Format"
// (teem.sourceforge.net/nrrd/format.html). Axes are listed from the fastest to the slowest.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compress/bzip2_stream.h"
#include "compress/gzip_stream.h"
#include "core/affine.h"
#include "core/length_units.h"
#include "source/array_source.h"
#include "source/decoded_bytes.h"
#include "source/nrrd_header.h"
#include "source/number_text.h"
#include "source/plain_array.h"
#include "source/raster_source.h"

namespace ngforge {
namespace {

constexpr std::int64_t kMostAxes = 16;

struct TypeRow {
  StoredType type;
  std::array<const char*, 9> names;
};
constexpr TypeRow kTypes[] = {
    {StoredType::int8, {"signed char", "int8", "int8_t"}},
    {StoredType::uint8, {"uchar", "unsigned char", "uint8", "uint8_t"}},
    {StoredType::int16, {"short", "short int", "signed short", "signed short int", "int16", "int16_t"}},
    {StoredType::uint16, {"ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"}},
    {StoredType::int32, {"int", "signed int", "int32", "int32_t"}},
    {StoredType::uint32, {"uint", "unsigned int", "uint32", "uint32_t"}},
    {StoredType::int64,
     {"longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"}},
    {StoredType::uint64, {"ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"}},
    {StoredType::float32, {"float"}},
    {StoredType::float64, {"double"}},
};

Result<StoredType> read_type(const NrrdHeader& nrrd) {
  const std::string* const text = nrrd.find("type");
  if (text == nullptr) return nrrd.wrong("type", "the type of values");
  for (const TypeRow& row : kTypes)
    for (const char* name : row.names)
      if (name != nullptr && *text == name) return row.type;
  auto error = nrrd.wrong("type", "a numeric type");
  error.code = ErrorCode::unsupported;
  return error;
}

/// The axes as they are stored, fastest first.
struct Axes {
  std::vector<Index> sizes;
  std::vector<std::string> kinds;                              // one for each axis, or none at all
  std::optional<std::vector<std::vector<double>>> directions;  // empty for axes that are not in space
  std::optional<std::vector<double>> spacings;                 // nan where the file has none
  std::vector<std::size_t> spatial, others;                    // their numbers
};

bool is_spatial_kind(std::string_view kind) {
  return kind == "domain" || kind == "space";
}

/// Which axes are those of space: the file says so by directions, else by kinds, else by spacings.
Result<void> find_spatial_axes(const NrrdHeader& nrrd, Axes& axes) {
  const std::size_t rank = axes.sizes.size();
  const auto is_in_world = [&](std::size_t a) {
    const auto& vector = (*axes.directions)[a];
    // A fourth component is time.
    return std::any_of(vector.begin(),
                       vector.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, vector.size())),
                       [](double value) { return value != 0 && !std::isnan(value); });
  };
  const bool has_kinds = std::ranges::any_of(axes.kinds, is_spatial_kind);
  const bool has_spacings =
      axes.spacings && std::ranges::any_of(*axes.spacings, [](double s) { return !std::isnan(s); });
  for (std::size_t a = 0; a < rank; ++a) {
    const bool is_spatial = axes.directions ? is_in_world(a)
                            : has_kinds     ? is_spatial_kind(axes.kinds[a])
                                            : !has_spacings || !std::isnan((*axes.spacings)[a]);
    if (is_spatial)
      axes.spatial.push_back(a);
    else if (axes.sizes[a] > 1)
      axes.others.push_back(a);
  }
  // The same guess as for arrays that name nothing.
  if (axes.spatial.size() == 4) {
    const bool is_first = axes.sizes[axes.spatial.front()] <= 4;
    const auto channel = is_first ? axes.spatial.begin() : axes.spatial.end() - 1;
    if (axes.sizes[*channel] > 1) axes.others.push_back(*channel);
    axes.spatial.erase(channel);
  }
  if (axes.spatial.empty() || axes.spatial.size() > 3) {
    auto error = nrrd.wrong("sizes", "one to three axes of space");
    error.code = ErrorCode::unsupported;
    return error;
  }
  return {};
}

Result<Axes> read_axes(const NrrdHeader& nrrd) {
  Axes axes;
  NGFORGE_TRY(const auto dimension, nrrd.integers("dimension", 1));
  if (dimension[0] < 1 || dimension[0] > kMostAxes) return nrrd.wrong("dimension", fmt::format("1 to {}", kMostAxes));
  const auto rank = static_cast<std::size_t>(dimension[0]);
  NGFORGE_TRY(axes.sizes, nrrd.integers("sizes", rank));
  if (std::ranges::any_of(axes.sizes, [](Index size) { return size < 1; }))
    return nrrd.wrong("sizes", "axes of 1 or more values");
  axes.kinds = nrrd.words("kinds");
  if (!axes.kinds.empty() && axes.kinds.size() != rank) return nrrd.wrong("kinds", fmt::format("{} word(s)", rank));
  NGFORGE_TRY(axes.directions, nrrd.vectors("space directions", rank));
  NGFORGE_TRY(axes.spacings, nrrd.reals("spacings", rank));
  NGFORGE_CHECK(find_spatial_axes(nrrd, axes));
  return axes;
}

bool is_color_kind(std::string_view kind) {
  return kind == "RGB-color" || kind == "3-color" || kind == "RGBA-color" || kind == "4-color";
}

Result<void> take_sizes(const NrrdHeader& nrrd, const Axes& axes, VolumeHeader& header) {
  header.size_ijk = {1, 1, 1};
  for (std::size_t n = 0; n < axes.spatial.size(); ++n)
    header.size_ijk[static_cast<int>(n)] = axes.sizes[axes.spatial[n]];
  for (const std::size_t a : axes.others) {
    header.channel_axes.push_back(axes.sizes[a]);
    if (__builtin_mul_overflow(header.channels, axes.sizes[a], &header.channels))
      return nrrd.wrong("sizes", "fewer than 2^63 channels");
  }
  if (axes.others.empty() || axes.others.front() > axes.spatial.back()) return {};
  if (axes.others.back() > axes.spatial.front()) {
    auto error = nrrd.wrong("sizes", "all channels before or all behind the axes of space");
    error.code = ErrorCode::unsupported;
    return error;
  }
  header.channels_are_interleaved = true;
  const bool says_colors = axes.kinds.empty() || is_color_kind(axes.kinds[axes.others.front()]);
  header.channels_are_colors = says_colors && axes.others.size() == 1 && header.type == StoredType::uint8 &&
                               (header.channels == 3 || header.channels == 4);
  header.channel_axes = {1, header.channels};
  return {};
}

/// What the axes of the world are.
struct World {
  std::size_t components = 3;
  bool is_anatomical = false;
  std::array<double, 3> to_ras{1, 1, 1};  // signs, and millimetres of the unit
};

Result<World> read_world(const NrrdHeader& nrrd) {
  struct SpaceRow {
    const char *name, *letters;
    std::size_t components;
  };
  constexpr SpaceRow kSpaces[] = {
      {"right-anterior-superior", "RAS", 3},
      {"left-anterior-superior", "LAS", 3},
      {"left-posterior-superior", "LPS", 3},
      {"right-anterior-superior-time", "RAST", 4},
      {"left-anterior-superior-time", "LAST", 4},
      {"left-posterior-superior-time", "LPST", 4},
      {"scanner-xyz", "", 3},
      {"scanner-xyz-time", "", 4},
      {"3D-right-handed", "", 3},
      {"3D-left-handed", "", 3},
      {"3D-right-handed-time", "", 4},
      {"3D-left-handed-time", "", 4},
  };
  World world;
  if (const std::string* const space = nrrd.find("space")) {
    const auto row =
        std::ranges::find_if(kSpaces, [&](const SpaceRow& r) { return *space == r.name || *space == r.letters; });
    if (row == std::end(kSpaces) || space->empty()) return nrrd.wrong("space", "the name of a space");
    const std::string_view letters = row->letters;
    world.components = row->components;
    world.is_anatomical = !letters.empty();
    if (letters.starts_with('L')) world.to_ras[0] = -1;
    if (letters.size() > 1 && letters[1] == 'P') world.to_ras[1] = -1;
  } else if (nrrd.find("space dimension") != nullptr) {
    NGFORGE_TRY(const auto components, nrrd.integers("space dimension", 1));
    if (components[0] < 1 || components[0] > 4) return nrrd.wrong("space dimension", "1 to 4");
    world.components = static_cast<std::size_t>(components[0]);
  }
  const auto units = nrrd.words("space units");
  for (std::size_t r = 0; r < std::min<std::size_t>(3, units.size()); ++r)
    world.to_ras[r] *= millimetres_of(units[r]).value_or(1);
  return world;
}

/// A third column for volumes of one plane: of length 1, at right angles to the others.
void complete_columns(std::size_t columns, Affine& affine) {
  auto& m = affine.m;
  if (columns == 3) return;
  if (columns == 1) {
    for (std::size_t r = 0; r < 3; ++r) m[r][1] = 0;
    // Any direction will do that is not the first one.
    m[std::abs(m[0][0]) > 0 ? 1 : 0][1] = 1;
  }
  std::array<double, 3> normal{};
  for (std::size_t r = 0; r < 3; ++r) {
    const std::size_t s = (r + 1) % 3, t = (r + 2) % 3;
    normal[r] = m[s][0] * m[t][1] - m[t][0] * m[s][1];
  }
  const double length = std::hypot(normal[0], normal[1], normal[2]);
  for (std::size_t r = 0; r < 3; ++r) m[r][2] = length > 0 ? normal[r] / length : 0;
}

/// Directions and the centre of the first voxel, where the file has a world.
Result<void> read_placed_grid(const NrrdHeader& nrrd, const Axes& axes, const World& world, VolumeHeader& header) {
  Affine& affine = header.affine_ijk_to_mm;
  for (auto& row : affine.m) row.fill(0);
  affine.m[3][3] = 1;
  const std::size_t rows = std::min<std::size_t>(3, world.components);
  for (std::size_t n = 0; n < axes.spatial.size(); ++n) {
    const std::size_t a = axes.spatial[n];
    if (!axes.directions) {
      affine.m[n][n] = (*axes.spacings)[a] * world.to_ras[n];
      continue;
    }
    const auto& vector = (*axes.directions)[a];
    if (vector.size() != world.components)
      return nrrd.wrong("space directions", fmt::format("vectors of {} numbers", world.components));
    for (std::size_t r = 0; r < rows; ++r) affine.m[r][n] = vector[r] * world.to_ras[r];
  }
  complete_columns(axes.spatial.size(), affine);
  NGFORGE_TRY(const auto origin, nrrd.vectors("space origin", 1));
  if (origin && !origin->front().empty()) {
    if (origin->front().size() != world.components)
      return nrrd.wrong("space origin", fmt::format("a vector of {} numbers", world.components));
    for (std::size_t r = 0; r < rows; ++r) {
      affine.m[r][3] = origin->front()[r] * world.to_ras[r];
      if (!std::isfinite(affine.m[r][3])) return nrrd.wrong("space origin", "finite numbers");
    }
  }
  if (!inverse(affine))
    return nrrd.wrong(axes.directions ? "space directions" : "spacings", "independent directions of finite length");
  header.has_voxel_size = true;
  header.is_anatomical = world.is_anatomical;
  return {};
}

/// Spacings and where the axes begin, where the file has no world: the corner of the volume is 0 unless it says
/// another.
Result<void> read_unplaced_grid(const NrrdHeader& nrrd, const Axes& axes, VolumeHeader& header) {
  const std::size_t rank = axes.sizes.size();
  NGFORGE_TRY(const auto least, nrrd.reals("axis mins", rank));
  NGFORGE_TRY(const auto most, nrrd.reals("axis maxs", rank));
  const auto centerings = nrrd.words("centerings"), units = nrrd.words("units");
  header.has_voxel_size = true;
  for (std::size_t n = 0; n < 3; ++n) {
    auto& row = header.affine_ijk_to_mm.m[n];
    row[3] = 0.5;
    if (n >= axes.spatial.size()) continue;
    const std::size_t a = axes.spatial[n];
    const bool is_node = a < centerings.size() && centerings[a] == "node";
    double spacing = axes.spacings ? std::abs((*axes.spacings)[a]) : std::nan("");
    const double steps = static_cast<double>(axes.sizes[a] - (is_node ? 1 : 0));
    if (!(spacing > 0) && least && most && steps > 0) spacing = std::abs(((*most)[a] - (*least)[a]) / steps);
    if (!(spacing > 0) || !std::isfinite(spacing)) {
      header.has_voxel_size &= axes.sizes[a] == 1;
      continue;
    }
    const double mm = a < units.size() ? millimetres_of(units[a]).value_or(1) : 1;
    const double begin = least && std::isfinite((*least)[a]) ? (*least)[a] : is_node ? -spacing / 2 : 0;
    row[n] = spacing * mm;
    row[3] = (begin + (is_node && least ? 0 : spacing / 2)) * mm;
  }
  return {};
}

Result<void> read_geometry(const NrrdHeader& nrrd, const Axes& axes, VolumeHeader& header) {
  NGFORGE_TRY(const World world, read_world(nrrd));
  const bool has_spacings = axes.spacings && std::ranges::all_of(axes.spatial, [&](std::size_t a) {
                              return (*axes.spacings)[a] > 0 && std::isfinite((*axes.spacings)[a]);
                            });
  if (axes.directions || (world.is_anatomical && has_spacings)) return read_placed_grid(nrrd, axes, world, header);
  return read_unplaced_grid(nrrd, axes, header);
}

/// Opens the file that holds the values: `own`, that of the header, or another beside it.
Result<std::shared_ptr<ByteSource>> open_values(const NrrdHeader& nrrd, std::shared_ptr<ByteSource> own) {
  const std::string* const name = nrrd.find("data file");
  if (name == nullptr) return own;
  const auto words = nrrd.words("data file");
  if (words.empty() || words.front() == "LIST" || (words.size() >= 4 && words.front().find('%') != std::string::npos)) {
    auto error = nrrd.wrong("data file", "the name of one file");
    error.code = ErrorCode::unsupported;
    return error;
  }
  const std::filesystem::path path = std::filesystem::path(nrrd.place).parent_path() / *name;
  // Encoded or not is said by the header; raw values may begin with the magic bytes of gzip by chance.
  return ByteSource::open(path.string(), false);
}

/// Where line number `lines` begins, counted from `offset`.
Result<std::uint64_t> skip_lines(ByteSource& bytes, std::uint64_t offset, std::int64_t lines) {
  std::vector<std::byte> piece(64 << 10);
  while (lines > 0) {
    NGFORGE_TRY(const std::size_t count, bytes.read_some(offset, piece));
    if (count == 0)
      return make_error(ErrorCode::invalid_data, "{}: expected {} more line(s) to skip, found the end at byte {}",
                        bytes.place(), lines, offset)
          .of_source();
    std::size_t used = 0;
    while (used < count && lines > 0) lines -= piece[used++] == std::byte{'\n'} ? 1 : 0;
    offset += used;
  }
  return offset;
}

struct Values {
  std::shared_ptr<ByteSource> bytes;
  std::uint64_t offset = 0;
  bool is_text = false;
};

/// Bytes of all values, or the largest number.
std::uint64_t bytes_of(const VolumeHeader& header) {
  std::uint64_t bytes = size_of(header.type);
  for (const Index factor : {header.size_ijk.x, header.size_ijk.y, header.size_ijk.z, header.channels})
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(factor), &bytes)) return ~std::uint64_t{0};
  return bytes;
}

Result<Values> find_values(const NrrdHeader& nrrd, std::shared_ptr<ByteSource> own, const VolumeHeader& header) {
  const std::string* const encoding = nrrd.find("encoding");
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return encoding != nullptr && std::ranges::find(names, *encoding) != names.end();
  };
  const bool is_raw = is({"raw"}), is_gzip = is({"gzip", "gz"}), is_bzip2 = is({"bzip2", "bz2"}),
             is_text = is({"ascii", "ASCII", "text", "txt"});
  if (!is_raw && !is_gzip && !is_bzip2 && !is_text) {
    auto error = nrrd.wrong("encoding", "raw, gzip, bzip2 or ascii");
    error.code = encoding == nullptr ? ErrorCode::invalid_data : ErrorCode::unsupported;
    return error;
  }
  std::int64_t lines = 0, skip = 0;
  for (const auto& [field, value] : {std::pair{"line skip", &lines}, {"byte skip", &skip}}) {
    if (nrrd.find(field) == nullptr) continue;
    NGFORGE_TRY(const auto given, nrrd.integers(field, 1));
    *value = given[0];
    if (*value < (value == &skip && is_raw ? -1 : 0)) return nrrd.wrong(field, "a whole number from 0 on");
  }
  const bool is_attached = nrrd.find("data file") == nullptr;
  Values values;
  NGFORGE_TRY(values.bytes, open_values(nrrd, std::move(own)));
  if ((lines > 0 || skip < 0) && !values.bytes->has_random_access())
    return make_error(ErrorCode::unsupported,
                      "{}: expected a file that can be read anywhere, to skip {}, found a stream",
                      values.bytes->place(), lines > 0 ? "lines" : "to its last bytes")
        .of_source();
  NGFORGE_TRY(values.offset, skip_lines(*values.bytes, is_attached ? nrrd.end : 0, lines));
  if (is_raw && skip >= 0) values.offset += static_cast<std::uint64_t>(skip);
  if (is_raw && skip < 0) {
    const std::uint64_t end = values.bytes->content_bytes().value_or(0), wanted = bytes_of(header);
    values.offset = wanted <= end ? end - wanted : 0;
  }
  if (is_raw) return values;

  const auto file = values.bytes;
  // Bytes are skipped behind a decoder, but before numbers are read.
  ByteInput input = bytes_from(file, std::exchange(values.offset, 0) + static_cast<std::uint64_t>(is_text ? skip : 0));
  if (is_gzip) {
    const auto stream = std::make_shared<GzipStream>(std::move(input), file->place());
    input = [stream](std::span<std::byte> out) { return stream->read(out); };
  } else if (is_bzip2) {
    const auto stream = std::make_shared<Bzip2Stream>(std::move(input), file->place());
    input = [stream](std::span<std::byte> out) { return stream->read(out); };
  }
  if (is_text) input = numbers_from_text(std::move(input), header.type, file->place());
  values.bytes = make_decoded_bytes(file, std::move(input), static_cast<std::uint64_t>(is_text ? 0 : skip));
  values.is_text = is_text;
  return values;
}

Result<bool> is_foreign_order(const NrrdHeader& nrrd, const VolumeHeader& header, bool is_text) {
  if (size_of(header.type) == 1 || is_text) return false;
  const std::string* const endian = nrrd.find("endian");
  if (endian == nullptr || (*endian != "little" && *endian != "big")) return nrrd.wrong("endian", "little or big");
  return (*endian == "little") != (std::endian::native == std::endian::little);
}

std::string describe(const NrrdHeader& nrrd) {
  std::string text;
  for (const char* field : {"space", "encoding", "endian", "kinds", "content"})
    if (const std::string* const value = nrrd.find(field)) {
      text += fmt::format("{}{} ", text.empty() ? "" : ", ", field);
      for (const char c : value->substr(0, 80)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  return text;
}

Result<std::unique_ptr<VolumeSource>> open_nrrd(std::shared_ptr<ByteSource> bytes, const SourceRequest&) {
  NGFORGE_TRY(const NrrdHeader nrrd, read_nrrd_header(*bytes));
  VolumeHeader header;
  NGFORGE_TRY(header.type, read_type(nrrd));
  NGFORGE_TRY(const Axes axes, read_axes(nrrd));
  NGFORGE_CHECK(take_sizes(nrrd, axes, header));
  NGFORGE_CHECK(read_geometry(nrrd, axes, header));
  // 3D Slicer says so of a segmentation: Segment0_ID, Segment0_Name ...
  header.has_label_intent =
      std::ranges::any_of(nrrd.keys, [](const std::string& key) { return key.starts_with("Segment0_"); });
  header.format = "NRRD";
  header.details = describe(nrrd);
  if (nrrd.find("data file") != nullptr) {
    header.fingerprint = bytes->fingerprint() + ' ';
    header.stored_bytes = bytes->stored_bytes();
  }
  NGFORGE_TRY(Values values, find_values(nrrd, std::move(bytes), header));
  RasterLayout layout;
  layout.data_offset = values.offset;
  NGFORGE_TRY(layout.is_foreign_order, is_foreign_order(nrrd, header, values.is_text));
  layout.number_bytes = size_of(header.type);
  layout.is_interleaved = header.channels_come_together();
  return open_raster(std::move(values.bytes), std::move(header), layout);
}

int sniff_nrrd(std::span<const std::byte> head, std::string_view name) {
  const auto ends_with = [&](std::string_view suffix) { return name.ends_with(suffix); };
  return has_nrrd_magic(head) ? 100 : ends_with(".nrrd") || ends_with(".nhdr") || ends_with(".nrrd.gz") ? 30 : 0;
}

}  // namespace

extern const SourceDescriptor nrrd_source;
const SourceDescriptor nrrd_source = {
    .name = "nrrd",
    .title = "NRRD, attached or with one data file (.nrrd, .nhdr)",
    .url_scheme = "nrrd",
    .is_folder = false,
    .suffixes = ".nrrd.gz .nrrd .nhdr",
    .sniff = sniff_nrrd,
    .open_bytes = open_nrrd,
};

}  // namespace ngforge
