// SPDX-License-Identifier: Apache-2.0
// STL. Binary, little-endian: 80 bytes of text, u32 triangles, then for each f32 normal[3], f32 corner[3][3], u16.
// ASCII: "solid", then "facet normal ... outer loop vertex x y z (three) endloop endfacet" ... "endsolid". Corners at
// exactly the same position are one vertex.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <unordered_map>

#include "core/byte_cursor.h"
#include "ngforge/text.h"
#include "surface/mesh_builder.h"
#include "surface/slicer_space.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

constexpr std::size_t kHeaderBytes = 84, kTriangleBytes = 50, kCommentBytes = 80;

/// Numbers positions by their value.
class Welder {
 public:
  explicit Welder(MeshBuilder& mesh) : mesh_(mesh) {}
  std::int64_t vertex(std::array<float, 3> position) {
    for (float& value : position) value += 0.0F;  // -0 and 0 are one place
    const auto [found, is_new] = numbers_.try_emplace(bits_of(position), mesh_.vertex_count());
    if (is_new) mesh_.add_vertex(position[0], position[1], position[2]);
    return static_cast<std::int64_t>(found->second);
  }

 private:
  using Bits = std::array<std::uint32_t, 3>;
  static Bits bits_of(const std::array<float, 3>& position) {
    Bits bits;
    std::memcpy(bits.data(), position.data(), sizeof(bits));
    return bits;
  }
  struct Hash {
    std::size_t operator()(const Bits& bits) const {
      std::uint64_t hash = 0;
      for (const std::uint32_t value : bits) {
        hash = (hash ^ value) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
      }
      return hash;
    }
  };
  MeshBuilder& mesh_;
  std::unordered_map<Bits, std::size_t, Hash> numbers_;
};

std::optional<std::size_t> binary_triangles(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  return load<std::uint32_t>(bytes.data() + kCommentBytes);
}

// Text begins with "solid", but so do the comments of some binary files.
bool is_text(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with("solid")) return false;
  const auto triangles = binary_triangles(bytes);
  return !triangles || bytes.size() != kHeaderBytes + *triangles * kTriangleBytes;
}

Result<void> read_binary(const SurfaceInput& input, MeshBuilder& mesh) {
  const auto triangles = binary_triangles(input.bytes);
  if (!triangles || (input.bytes.size() - kHeaderBytes) / kTriangleBytes < *triangles)
    return make_error(ErrorCode::invalid_data, "{}: expected {} triangles of 50 bytes behind byte 84, found {} bytes",
                      input.place, triangles.value_or(0), input.bytes.size());
  mesh.reserve(*triangles / 2, *triangles);
  Welder welder(mesh);
  for (std::size_t i = 0; i < *triangles; ++i) {
    const std::byte* const corners = input.bytes.data() + kHeaderBytes + i * kTriangleBytes + 12;
    std::array<std::int64_t, 3> face;
    for (std::size_t k = 0; k < 3; ++k)
      face[k] = welder.vertex(
          {load<float>(corners + 12 * k), load<float>(corners + 12 * k + 4), load<float>(corners + 12 * k + 8)});
    NGFORGE_CHECK(mesh.add_face(face));
  }
  return {};
}

Result<void> read_text(const SurfaceInput& input, MeshBuilder& mesh) {
  TextReader reader(input.text(), input.place);
  Welder welder(mesh);
  std::vector<std::int64_t> face;
  bool is_ended = false;
  // The solid's name is free text, so words count only at the start of a line.
  for (auto line = reader.line(); line; line = reader.line()) {
    const std::string keyword = lower_case(take_word(*line));
    if (keyword == "vertex") {
      std::array<float, 3> position;
      for (float& value : position) {
        const std::string_view word = take_word(*line);
        const auto parsed = parse_float(word);
        if (!parsed) return reader.wrong("a coordinate", word);
        value = *parsed;
      }
      face.push_back(welder.vertex(position));
    } else if (keyword == "endloop") {
      NGFORGE_CHECK(mesh.add_face(face));
      face.clear();
    }
    is_ended = keyword == "endsolid" || (is_ended && keyword.empty());
  }
  if (!is_ended)
    return make_error(ErrorCode::invalid_data, "{}: expected \"endsolid\" at the end, found {} lines without",
                      input.place, reader.line_number());
  return {};
}

Result<Surface> read(const SurfaceInput& input) {
  Surface surface;
  surface.format = "STL";
  MeshBuilder mesh(input.place);
  if (is_text(input.bytes)) {
    NGFORGE_CHECK(read_text(input, mesh));
  } else {
    NGFORGE_CHECK(read_binary(input, mesh));
  }
  take_slicer_space(input.text().substr(0, kCommentBytes), surface);
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

Result<Bytes> write(const Surface& surface) {
  const Mesh& mesh = surface.mesh;
  if (mesh.triangles.size() > std::numeric_limits<std::uint32_t>::max())
    return make_error(ErrorCode::limit, "STL: expected at most 2^32 - 1 triangles, found {}", mesh.triangles.size());
  Bytes bytes(kHeaderBytes + kTriangleBytes * mesh.triangles.size());
  constexpr std::string_view kComment = "binary STL, RAS millimetres";
  std::memcpy(bytes.data(), kComment.data(), kComment.size());
  store(bytes.data() + kCommentBytes, static_cast<std::uint32_t>(mesh.triangles.size()));
  std::byte* out = bytes.data() + kHeaderBytes;
  for (const auto& triangle : mesh.triangles) {
    std::array<std::array<float, 3>, 3> p;
    for (std::size_t k = 0; k < 3; ++k) p[k] = mesh.positions[triangle[k]];
    std::array<double, 3> u, v;
    for (std::size_t a = 0; a < 3; ++a) {
      u[a] = double{p[1][a]} - p[0][a];
      v[a] = double{p[2][a]} - p[0][a];
    }
    const std::array<double, 3> n{u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    const double length = std::hypot(n[0], n[1], n[2]);
    for (std::size_t a = 0; a < 3; ++a) store(out + 4 * a, static_cast<float>(length > 0 ? n[a] / length : 0));
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t a = 0; a < 3; ++a) store(out + 12 + 12 * k + 4 * a, p[k][a]);
    out += kTriangleBytes;
  }
  return bytes;
}

int sniff(std::span<const std::byte> bytes, std::string_view name) {
  if (ends_with_any_case(name, ".stl")) return 90;
  if (is_text(bytes)) {
    const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 1024));
    return head.find("facet") != std::string_view::npos ? 80 : 0;
  }
  const auto triangles = binary_triangles(bytes);
  return triangles && *triangles > 0 && bytes.size() == kHeaderBytes + *triangles * kTriangleBytes ? 50 : 0;
}

}  // namespace

extern const SurfaceDescriptor stl_surface;
const SurfaceDescriptor stl_surface{.name = "stl",
                                    .title = "STL, ASCII and binary (.stl)",
                                    .suffixes = ".stl",
                                    .sniff = sniff,
                                    .read = read,
                                    .write = write};

}  // namespace ngforge
