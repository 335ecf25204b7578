// SPDX-License-Identifier: Apache-2.0
// Wavefront OBJ: lines "v x y z", "f a b c ..." with indices from 1, or from the end when negative, perhaps with those
// of texture and normal behind slashes; a backslash at the end of a line continues it. Everything else is passed over.
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ngforge/text.h"
#include "surface/mesh_builder.h"
#include "surface/slicer_space.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

/// Lines with those that continue them.
class ObjLines {
 public:
  explicit ObjLines(const SurfaceInput& input) : reader_(input.text(), input.place) {}
  const TextReader& reader() const { return reader_; }

  std::optional<std::string_view> next() {
    auto line = reader_.line();
    if (!line || !line->ends_with('\\')) return line;
    joined_.clear();
    while (line && line->ends_with('\\')) {
      joined_.append(line->substr(0, line->size() - 1)) += ' ';
      line = reader_.line();
    }
    if (line) joined_ += *line;
    return joined_;
  }

 private:
  TextReader reader_;
  std::string joined_;
};

Result<void> add_vertex(std::string_view line, const TextReader& reader, MeshBuilder& mesh) {
  float xyz[3];
  for (float& value : xyz) {
    const std::string_view word = take_word(line);
    const auto parsed = parse_float(word);
    if (!parsed) return reader.wrong("a coordinate", word);
    value = *parsed;
  }
  mesh.add_vertex(xyz[0], xyz[1], xyz[2]);
  return {};
}

Result<void> add_face(std::string_view line, const TextReader& reader, std::vector<std::int64_t>& corners,
                      MeshBuilder& mesh) {
  corners.clear();
  for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
    const auto index = parse_whole(word.substr(0, word.find('/')));
    const auto vertices = static_cast<std::int64_t>(mesh.vertex_count());
    if (!index || *index == 0 || *index < -vertices)
      return reader.wrong(fmt::format("a vertex from 1 on or, from the end, from -{} on", vertices), word);
    corners.push_back(*index > 0 ? *index - 1 : vertices + *index);
  }
  return mesh.add_face(corners);
}

Result<Surface> read(const SurfaceInput& input) {
  Surface surface;
  surface.format = "OBJ";
  MeshBuilder mesh(input.place);
  std::vector<std::int64_t> corners;
  ObjLines lines(input);
  while (auto line = lines.next()) {
    const std::string_view whole = *line;
    const std::string_view kind = take_word(*line);
    if (kind == "v") {
      NGFORGE_CHECK(add_vertex(*line, lines.reader(), mesh));
    } else if (kind == "f" || kind == "fo") {
      NGFORGE_CHECK(add_face(*line, lines.reader(), corners, mesh));
    } else if (kind.starts_with('#')) {
      take_slicer_space(whole, surface);
    }
  }
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

Result<Bytes> write(const Surface& surface) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "# {} vertices, {} triangles\n", surface.mesh.positions.size(),
                 surface.mesh.triangles.size());
  for (const auto& [x, y, z] : surface.mesh.positions)
    fmt::format_to(std::back_inserter(text), "v {} {} {}\n", x, y, z);
  for (const auto& [a, b, c] : surface.mesh.triangles)
    fmt::format_to(std::back_inserter(text), "f {} {} {}\n", std::uint64_t{a} + 1, std::uint64_t{b} + 1,
                   std::uint64_t{c} + 1);
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return Bytes(bytes.begin(), bytes.end());
}

int sniff(std::span<const std::byte> bytes, std::string_view name) {
  if (!ends_with_any_case(name, ".obj")) return 0;
  return bytes.empty() || std::memchr(bytes.data(), 0, std::min<std::size_t>(bytes.size(), 1024)) == nullptr ? 60 : 0;
}

}  // namespace

extern const SurfaceDescriptor obj_surface;
const SurfaceDescriptor obj_surface{.name = "obj",
                                    .title = "Wavefront OBJ, as text (.obj)",
                                    .suffixes = ".obj",
                                    .sniff = sniff,
                                    .read = read,
                                    .write = write};

}  // namespace ngforge
