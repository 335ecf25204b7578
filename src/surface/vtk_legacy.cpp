// SPDX-License-Identifier: Apache-2.0
// VTK's legacy format: "# vtk DataFile Version N", a title, ASCII or BINARY (big-endian), DATASET KIND, then sections
// that a keyword begins. Cells are "COUNT SIZE" and, for each, its number of corners and the corners; or, from
// version 5.1 on, "OFFSETS+1 CORNERS" with the arrays OFFSETS and CONNECTIVITY. Read are POLYDATA and UNSTRUCTURED_GRID
// with flat cells.
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ngforge/text.h"
#include "surface/mesh_builder.h"
#include "surface/numbers.h"
#include "surface/slicer_space.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

constexpr std::string_view kMagic = "# vtk DataFile";
// vtkCellType.h
enum CellType : std::int64_t { kPolyLine = 4, kTriangle = 5, kStrip = 6, kPolygon = 7, kQuad = 9 };

std::optional<DataType> parse_type(std::string_view name) {
  constexpr std::pair<std::string_view, DataType> kTypes[] = {
      {"unsigned_char", DataType::uint8},   {"char", DataType::int8},
      {"unsigned_short", DataType::uint16}, {"short", DataType::int16},
      {"unsigned_int", DataType::uint32},   {"int", DataType::int32},
      {"unsigned_long", DataType::uint64},  {"long", DataType::int64},
      {"vtkidtype", DataType::int32},       {"vtktypeint64", DataType::int64},
      {"vtktypeuint64", DataType::uint64},  {"vtktypeint32", DataType::int32},
      {"float", DataType::float32},         {"double", DataType::float64}};
  for (const auto& [known, type] : kTypes)
    if (lower_case(name) == known) return type;
  return std::nullopt;
}

/// Cells with their corners one after the other; offsets has one more than there are cells, or is empty.
struct Cells {
  std::vector<std::int64_t> offsets, corners;
};

class VtkFile {
 public:
  explicit VtkFile(const SurfaceInput& input)
      : reader_(input.text(), input.place), place_(input.place), mesh_(place_) {}

  Result<Surface> read() {
    Surface surface;
    surface.format = "VTK legacy";
    NGFORGE_CHECK(read_head(surface));
    bool has_more = true;
    while (has_more) {
      NGFORGE_TRY(has_more, read_section());
    }
    if (is_grid_) NGFORGE_CHECK(add_grid());
    NGFORGE_TRY(surface.mesh, std::move(mesh_).finish());
    return surface;
  }

 private:
  Result<void> read_head(Surface& surface) {
    const auto magic = reader_.line();
    if (!magic || !magic->starts_with(kMagic)) return reader_.wrong("# vtk DataFile Version", magic.value_or(""));
    take_slicer_space(reader_.line().value_or(""), surface);
    const std::string_view encoding = reader_.word();
    is_text_ = encoding == "ASCII";
    if (!is_text_ && encoding != "BINARY") return reader_.wrong("ASCII or BINARY", encoding);
    if (const auto word = reader_.word(); word != "DATASET") return reader_.wrong("DATASET", word);
    const std::string_view kind = reader_.word();
    is_grid_ = kind == "UNSTRUCTURED_GRID";
    if (!is_grid_ && kind != "POLYDATA")
      return make_error(ErrorCode::unsupported,
                        "{}: line {}: expected DATASET POLYDATA or UNSTRUCTURED_GRID, found {:?}", place_,
                        reader_.line_number(), kind);
    return {};
  }

  /// False at the end of what is of interest: data of points and cells come last.
  Result<bool> read_section() {
    const std::string_view keyword = reader_.word();
    if (keyword.empty() || keyword == "POINT_DATA" || keyword == "CELL_DATA") return false;
    if (keyword == "POINTS") {
      NGFORGE_CHECK(read_points());
    } else if (keyword == "POLYGONS" || keyword == "TRIANGLE_STRIPS" || keyword == "VERTICES" || keyword == "LINES") {
      NGFORGE_TRY(const Cells cells, read_cells());
      if (keyword == "POLYGONS" || keyword == "TRIANGLE_STRIPS")
        NGFORGE_CHECK(mesh_.add_cells(cells.offsets, cells.corners, keyword == "TRIANGLE_STRIPS"));
    } else if (keyword == "CELLS") {
      NGFORGE_TRY(cells_, read_cells());
    } else if (keyword == "CELL_TYPES") {
      NGFORGE_TRY(const std::int64_t count, reader_.whole("the number of cells"));
      NGFORGE_TRY(cell_types_, read_integers(count, DataType::int32));
    } else if (keyword == "METADATA") {
      reader_.line();
      while (const auto line = reader_.line())
        if (line->empty()) break;
    } else if (keyword == "FIELD") {
      NGFORGE_CHECK(skip_field());
    } else {
      return reader_.wrong("POINTS, POLYGONS, TRIANGLE_STRIPS, CELLS or data of points", keyword);
    }
    return true;
  }

  Result<void> read_points() {
    NGFORGE_TRY(const std::int64_t count, reader_.whole("the number of points"));
    NGFORGE_TRY(const DataType type, take_type());
    if (is_text_) {
      NGFORGE_TRY(const auto coordinates, read_reals(reader_, 3 * checked(count)));
      mesh_.add_vertices(coordinates);
      return {};
    }
    NGFORGE_TRY(const auto bytes, take_packed(count, 3, type));
    mesh_.add_vertices(numbers_as<float>(bytes, type, std::endian::big));
    return {};
  }

  Result<Cells> read_cells() {
    NGFORGE_TRY(const std::int64_t first, reader_.whole("the number of cells"));
    NGFORGE_TRY(const std::int64_t second, reader_.whole("the number of corners"));
    Cells cells;
    if (reader_.peek_word() == "OFFSETS") {
      NGFORGE_TRY(cells.offsets, read_named_integers("OFFSETS", first));
      NGFORGE_TRY(cells.corners, read_named_integers("CONNECTIVITY", second));
      return cells;
    }
    NGFORGE_TRY(const auto flat, read_integers(second, DataType::int32));
    cells.offsets.push_back(0);
    for (std::size_t at = 0; at < flat.size();) {
      const std::int64_t count = flat[at++];
      if (count < 0 || count > static_cast<std::int64_t>(flat.size() - at))
        return make_error(ErrorCode::invalid_data, "{}: cell {}: expected at most {} corners, found {}", place_,
                          cells.offsets.size() - 1, flat.size() - at, count);
      const auto corners = flat.begin() + static_cast<std::ptrdiff_t>(at);
      cells.corners.insert(cells.corners.end(), corners, corners + count);
      cells.offsets.push_back(static_cast<std::int64_t>(cells.corners.size()));
      at += static_cast<std::size_t>(count);
    }
    if (static_cast<std::int64_t>(cells.offsets.size()) - 1 != first)
      return make_error(ErrorCode::invalid_data, "{}: expected {} cells, found {}", place_, first,
                        cells.offsets.size() - 1);
    return cells;
  }

  Result<std::vector<std::int64_t>> read_named_integers(std::string_view name, std::int64_t count) {
    if (const auto word = reader_.word(); word != name) return reader_.wrong(name, word);
    NGFORGE_TRY(const DataType type, take_type());
    if (!is_integer(type)) return reader_.wrong("a type of whole numbers", name_of(type));
    return read_integers(count, type);
  }

  Result<std::vector<std::int64_t>> read_integers(std::int64_t count, DataType type) {
    if (is_text_) return read_wholes(reader_, checked(count));
    NGFORGE_TRY(const auto bytes, take_packed(count, 1, type));
    return numbers_as<std::int64_t>(bytes, type, std::endian::big);
  }

  Result<void> skip_field() {
    reader_.word();
    NGFORGE_TRY(const std::int64_t arrays, reader_.whole("the number of arrays"));
    for (std::int64_t i = 0; i < arrays; ++i) {
      if (reader_.word().empty()) return reader_.wrong("the name of an array", {});
      NGFORGE_TRY(const std::int64_t components, reader_.whole("the number of components"));
      NGFORGE_TRY(const std::int64_t tuples, reader_.whole("the number of tuples"));
      NGFORGE_TRY(const DataType type, take_type());
      if (is_text_) {
        NGFORGE_CHECK(read_reals(reader_, checked(components) * checked(tuples)));
      } else {
        NGFORGE_CHECK(take_packed(tuples, components, type));
      }
    }
    return {};
  }

  Result<DataType> take_type() {
    const std::string_view word = reader_.word();
    if (const auto type = parse_type(word)) return *type;
    return reader_.wrong("a type such as float or int", word);
  }

  /// Numbers behind the line that announces them.
  Result<std::span<const std::byte>> take_packed(std::int64_t count, std::int64_t components, DataType type) {
    reader_.line();
    const auto size = static_cast<std::int64_t>(size_of(type));
    std::int64_t bytes = 0;
    const bool fits = count >= 0 && components >= 0 && !__builtin_mul_overflow(count, components, &bytes) &&
                      !__builtin_mul_overflow(bytes, size, &bytes);
    const auto packed = fits ? reader_.take(static_cast<std::size_t>(bytes)) : std::nullopt;
    if (!packed)
      return make_error(ErrorCode::invalid_data, "{}: expected {} x {} numbers of {} bytes at byte {}, found {} bytes",
                        place_, count, components, size, reader_.position(), reader_.rest().size());
    return std::as_bytes(std::span(*packed));
  }

  // More numbers than any text holds, for a count that is none; products of two stay below 2^64.
  static std::uint64_t checked(std::int64_t count) {
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    return static_cast<std::uint64_t>(count < 0 || count > kMost ? kMost : count);
  }

  Result<void> add_grid() {
    const std::size_t count = cells_.offsets.empty() ? 0 : cells_.offsets.size() - 1;
    if (cell_types_.size() != count)
      return make_error(ErrorCode::invalid_data, "{}: expected {} CELL_TYPES, found {}", place_, count,
                        cell_types_.size());
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t type = cell_types_[i];
      if (type >= 0 && type <= kPolyLine) continue;
      if (type != kTriangle && type != kStrip && type != kPolygon && type != kQuad)
        return make_error(ErrorCode::unsupported,
                          "{}: cell {}: expected CELL_TYPES 5, 6, 7 or 9 (triangle, strip, polygon, quad), found {}",
                          place_, i, type);
      const auto offsets = std::span(cells_.offsets).subspan(i, 2);
      NGFORGE_CHECK(mesh_.add_cells(offsets, cells_.corners, type == kStrip));
    }
    return {};
  }

  TextReader reader_;
  std::string_view place_;
  MeshBuilder mesh_;
  bool is_text_ = true, is_grid_ = false;
  Cells cells_;
  std::vector<std::int64_t> cell_types_;
};

Result<Surface> read(const SurfaceInput& input) {
  return VtkFile(input).read();
}

// As the viewer's mesh layer reads it: ASCII, three numbers a line, triangles only.
Result<Bytes> write(const Surface& surface) {
  const Mesh& mesh = surface.mesh;
  fmt::memory_buffer text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "# vtk DataFile Version 3.0\nRAS millimetres\nASCII\nDATASET POLYDATA\nPOINTS {} float\n",
                 mesh.positions.size());
  for (const auto& [x, y, z] : mesh.positions) fmt::format_to(out, "{} {} {}\n", x, y, z);
  fmt::format_to(out, "POLYGONS {} {}\n", mesh.triangles.size(), 4 * mesh.triangles.size());
  for (const auto& [a, b, c] : mesh.triangles) fmt::format_to(out, "3 {} {} {}\n", a, b, c);
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return Bytes(bytes.begin(), bytes.end());
}

int sniff(std::span<const std::byte> bytes, std::string_view) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).starts_with(kMagic) ? 95 : 0;
}

}  // namespace

extern const SurfaceDescriptor vtk_legacy_surface;
const SurfaceDescriptor vtk_legacy_surface{.name = "vtk",
                                           .title = "VTK legacy, ASCII and binary (.vtk)",
                                           .suffixes = ".vtk",
                                           .sniff = sniff,
                                           .read = read,
                                           .write = write};

}  // namespace ngforge
