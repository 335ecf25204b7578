// SPDX-License-Identifier: Apache-2.0
// FreeSurfer's surface files, big-endian (as mrisurf_io reads them):
//   triangles  u24 0xfffffe, two lines of text, i32 vertices, i32 triangles, f32 position[][3], i32 triangle[][3], tags
//   quads      u24 0xffffff (i16 positions in 1/100 mm) or 0xfffffd (f32), u24 vertices, u24 quads, position[][3], u24
//   quad[][4]
// Positions are mm around the centre of the volume that the surface was made from. Tags tell where that centre lies in
// the scanner: i32 2, i32 whether positions are the scanner's already; i32 20, lines "NAME = VALUE", of which "valid"
// and "cras" matter here.
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "core/byte_cursor.h"
#include "surface/mesh_builder.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

enum Magic : std::uint32_t { kTriangles = 0xfffffe, kQuads = 0xffffff, kFloatQuads = 0xfffffd };
constexpr std::int32_t kTagScannerPositions = 2, kTagGeometry = 20;
constexpr std::size_t kPositionBytes = 12;

std::uint32_t load_u24(const std::byte* p) {
  return std::to_integer<std::uint32_t>(p[0]) << 16 | std::to_integer<std::uint32_t>(p[1]) << 8 |
         std::to_integer<std::uint32_t>(p[2]);
}

/// What "cras" says in the lines of the geometry; nothing when it is not valid.
Result<std::optional<std::array<double, 3>>> read_geometry(std::string_view text, std::string_view place) {
  TextReader reader(text, place);
  std::optional<std::array<double, 3>> origin;
  while (auto line = reader.line()) {
    const std::string_view name = take_word(*line);
    if (take_word(*line) != "=") break;
    if (name == "valid" && take_word(*line) != "1") return origin;
    if (name != "cras") continue;
    origin.emplace();
    for (double& value : *origin) {
      const std::string_view word = take_word(*line);
      const auto parsed = parse_float(word);
      if (!parsed || !std::isfinite(*parsed))
        return make_error(ErrorCode::invalid_data, "{}: volume geometry: expected three numbers as cras, found {:?}",
                          place, word);
      value = *parsed;
    }
    return origin;
  }
  return make_error(ErrorCode::invalid_data, "{}: volume geometry: expected a line cras, found none", place);
}

/// The origin of positions in scanner mm, if the tags behind the triangles tell.
Result<std::optional<std::array<double, 3>>> read_origin(ByteCursor& cursor, const SurfaceInput& input) {
  if (cursor.remaining() == 0) return std::optional<std::array<double, 3>>();
  NGFORGE_TRY(auto tag, cursor.read<std::int32_t>());
  if (tag == kTagScannerPositions) {
    NGFORGE_TRY(const auto is_scanner, cursor.read<std::int32_t>());
    if (is_scanner != 0) return std::optional(std::array<double, 3>{});
    if (cursor.remaining() == 0) return std::optional<std::array<double, 3>>();
    NGFORGE_TRY(tag, cursor.read<std::int32_t>());
  }
  if (tag != kTagGeometry) return std::optional<std::array<double, 3>>();
  return read_geometry(input.text().substr(cursor.position()), input.place);
}

Result<std::uint32_t> read_u24(ByteCursor& cursor) {
  NGFORGE_TRY(const auto bytes, cursor.take(3));
  return load_u24(bytes.data());
}

Result<std::span<const std::byte>> take_records(ByteCursor& cursor, std::uint64_t count, std::uint64_t bytes,
                                                std::string_view place, std::string_view what) {
  if (count > cursor.remaining() / bytes)
    return make_error(ErrorCode::invalid_data, "{}: expected {} {} of {} bytes at byte {}, found {} bytes", place,
                      count, what, bytes, cursor.position(), cursor.remaining());
  return cursor.take(count * bytes);
}

// Two lines of text stand before the counts, the second one empty.
Result<void> skip_comment(ByteCursor& cursor, const SurfaceInput& input) {
  const std::string_view text = input.text();
  const std::size_t end = text.find("\n\n", cursor.position());
  if (end == std::string_view::npos)
    return make_error(ErrorCode::invalid_data, "{}: expected an empty line behind the comment at byte 3, found none",
                      input.place);
  return cursor.seek(end + 2);
}

void add_vertices(std::span<const std::byte> records, MeshBuilder& mesh) {
  constexpr auto kBig = std::endian::big;
  for (const std::byte* p = records.data(); p != records.data() + records.size(); p += kPositionBytes)
    mesh.add_vertex(load<float, kBig>(p), load<float, kBig>(p + 4), load<float, kBig>(p + 8));
}

Result<Surface> read_triangles(const SurfaceInput& input) {
  ByteCursor cursor(input.bytes, input.place, std::endian::big);
  NGFORGE_CHECK(cursor.seek(3));
  NGFORGE_CHECK(skip_comment(cursor, input));
  NGFORGE_TRY(const auto vertices, cursor.read<std::int32_t>());
  NGFORGE_TRY(const auto triangles, cursor.read<std::int32_t>());
  if (vertices < 0 || triangles < 0)
    return make_error(ErrorCode::invalid_data, "{}: expected counts of vertices and triangles, found {} and {}",
                      input.place, vertices, triangles);
  NGFORGE_TRY(const auto positions,
              take_records(cursor, static_cast<std::uint64_t>(vertices), kPositionBytes, input.place, "vertices"));
  NGFORGE_TRY(const auto faces,
              take_records(cursor, static_cast<std::uint64_t>(triangles), 12, input.place, "triangles"));
  MeshBuilder mesh(input.place);
  mesh.reserve(static_cast<std::size_t>(vertices), static_cast<std::size_t>(triangles));
  add_vertices(positions, mesh);
  for (std::size_t i = 0; i < faces.size(); i += 12) {
    std::array<std::int64_t, 3> face;
    for (std::size_t k = 0; k < 3; ++k) face[k] = load<std::int32_t, std::endian::big>(&faces[i + 4 * k]);
    NGFORGE_CHECK(mesh.add_face(face));
  }
  Surface surface;
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  NGFORGE_TRY(const auto origin, read_origin(cursor, input));
  if (origin) {
    for (std::size_t a = 0; a < 3; ++a) surface.to_world_mm.m[a][3] = (*origin)[a];
    surface.transforms.push_back({"NIFTI_XFORM_UNKNOWN", "NIFTI_XFORM_SCANNER_ANAT", surface.to_world_mm});
  }
  return surface;
}

// A quad's diagonal depends on whether its first vertex has an even number, as FreeSurfer has it.
Result<void> add_quad(const std::array<std::int64_t, 4>& quad, MeshBuilder& mesh) {
  const auto& [a, b, c, d] = quad;
  const std::int64_t even[2][3] = {{a, b, d}, {c, d, b}}, odd[2][3] = {{a, b, c}, {a, c, d}};
  for (const auto& face : a % 2 == 0 ? even : odd) NGFORGE_CHECK(mesh.add_face(face));
  return {};
}

Result<Surface> read_quads(const SurfaceInput& input, bool is_float) {
  ByteCursor cursor(input.bytes, input.place, std::endian::big);
  NGFORGE_CHECK(cursor.seek(3));
  NGFORGE_TRY(const std::uint32_t vertices, read_u24(cursor));
  NGFORGE_TRY(const std::uint32_t quads, read_u24(cursor));
  NGFORGE_TRY(const auto positions,
              take_records(cursor, vertices, is_float ? kPositionBytes : 6, input.place, "vertices"));
  NGFORGE_TRY(const auto faces, take_records(cursor, quads, 12, input.place, "quads"));
  MeshBuilder mesh(input.place);
  mesh.reserve(vertices, std::size_t{quads} * 2);
  if (is_float) add_vertices(positions, mesh);
  const auto hundredth = [&](std::size_t at) {
    return static_cast<float>(load<std::int16_t, std::endian::big>(&positions[at])) / 100;
  };
  for (std::size_t i = 0; !is_float && i < positions.size(); i += 6)
    mesh.add_vertex(hundredth(i), hundredth(i + 2), hundredth(i + 4));
  for (std::size_t i = 0; i < faces.size(); i += 12)
    NGFORGE_CHECK(add_quad(
        {load_u24(&faces[i]), load_u24(&faces[i + 3]), load_u24(&faces[i + 6]), load_u24(&faces[i + 9])}, mesh));
  Surface surface;
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

Result<Surface> read(const SurfaceInput& input) {
  const std::uint32_t magic = input.bytes.size() < 3 ? 0 : load_u24(input.bytes.data());
  auto surface = magic == kTriangles ? read_triangles(input) : read_quads(input, magic == kFloatQuads);
  if (surface) surface->format = "FreeSurfer";
  return surface;
}

int sniff(std::span<const std::byte> bytes, std::string_view) {
  if (bytes.size() < 3) return 0;
  const std::uint32_t magic = load_u24(bytes.data());
  return magic == kTriangles ? 90 : magic == kQuads || magic == kFloatQuads ? 60 : 0;
}

}  // namespace

extern const SurfaceDescriptor freesurfer_surface;
const SurfaceDescriptor freesurfer_surface{.name = "freesurfer",
                                           .title = "FreeSurfer surface, triangles and quads (lh.white, lh.pial ...)",
                                           .suffixes = "",
                                           .sniff = sniff,
                                           .read = read};

}  // namespace ngforge
