// SPDX-License-Identifier: Apache-2.0
// Object File Format (Geomview): "[ST][C][N]OFF", counts of vertices, faces and edges, a line "x y z ..." per vertex, a
// line "corners a b c ..." per face; "#" begins a comment. What stands behind (normals, colours) is passed over.
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ngforge/text.h"
#include "surface/mesh_builder.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

/// The next line that says something; nothing at the end.
std::optional<std::string_view> content_line(TextReader& reader) {
  while (auto line = reader.line()) {
    *line = line->substr(0, line->find('#'));
    std::string_view probe = *line;
    if (!take_word(probe).empty()) return line;
  }
  return std::nullopt;
}

bool is_keyword(std::string_view word) {
  for (const std::string_view prefix : {"ST", "C", "N"})
    if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
  return word == "OFF";
}

Result<std::int64_t> take_count(std::string_view& line, const TextReader& reader, std::string_view what) {
  const std::string_view word = take_word(line);
  const auto count = parse_whole(word);
  if (!count || *count < 0) return reader.wrong(what, word);
  return *count;
}

Result<void> read_vertex(TextReader& reader, MeshBuilder& mesh) {
  auto line = content_line(reader);
  if (!line) return reader.wrong("a vertex", {});
  float xyz[3];
  for (float& value : xyz) {
    const std::string_view word = take_word(*line);
    const auto parsed = parse_float(word);
    if (!parsed) return reader.wrong("a coordinate", word);
    value = *parsed;
  }
  mesh.add_vertex(xyz[0], xyz[1], xyz[2]);
  return {};
}

Result<void> read_face(TextReader& reader, std::vector<std::int64_t>& corners, MeshBuilder& mesh) {
  auto line = content_line(reader);
  if (!line) return reader.wrong("a face", {});
  NGFORGE_TRY(const std::int64_t count, take_count(*line, reader, "the number of a face's corners"));
  corners.clear();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string_view word = take_word(*line);
    const auto corner = parse_whole(word);
    if (!corner) return reader.wrong(fmt::format("{} vertex indices", count), word);
    corners.push_back(*corner);
  }
  return mesh.add_face(corners);
}

Result<Surface> read(const SurfaceInput& input) {
  Surface surface;
  surface.format = "OFF";
  TextReader reader(input.text(), input.place);
  auto line = content_line(reader);
  const std::string_view keyword = line ? take_word(*line) : std::string_view();
  if (!is_keyword(keyword)) return reader.wrong("OFF, COFF, NOFF or CNOFF", keyword);
  std::string_view probe = *line;
  const std::string_view next = take_word(probe);
  if (next == "BINARY")
    return make_error(ErrorCode::unsupported, "{}: expected OFF as text, found binary OFF", input.place);
  if (next.empty()) line = content_line(reader);
  if (!line) return reader.wrong("counts of vertices and faces", {});
  NGFORGE_TRY(const std::int64_t vertices, take_count(*line, reader, "the number of vertices"));
  NGFORGE_TRY(const std::int64_t faces, take_count(*line, reader, "the number of faces"));
  MeshBuilder mesh(input.place);
  for (std::int64_t i = 0; i < vertices; ++i) NGFORGE_CHECK(read_vertex(reader, mesh));
  std::vector<std::int64_t> corners;
  for (std::int64_t i = 0; i < faces; ++i) NGFORGE_CHECK(read_face(reader, corners, mesh));
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

int sniff(std::span<const std::byte> bytes, std::string_view name) {
  TextReader reader({reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 1024)}, name);
  auto line = content_line(reader);
  return line && is_keyword(take_word(*line)) ? 90 : ends_with_any_case(name, ".off") ? 30 : 0;
}

}  // namespace

extern const SurfaceDescriptor off_surface;
const SurfaceDescriptor off_surface{
    .name = "off", .title = "OFF, also COFF and NOFF (.off)", .suffixes = "", .sniff = sniff, .read = read};

}  // namespace ngforge
