// SPDX-License-Identifier: Apache-2.0
// PLY: a header of text, then the values of each element in its order, as text or packed in either byte order. Taken
// are x, y, z of "vertex", the list vertex_indices (or vertex_index) of "face", and of "tristrips" (-1 between strips).
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "core/byte_cursor.h"
#include "ngforge/text.h"
#include "surface/mesh_builder.h"
#include "surface/ply_header.h"
#include "surface/slicer_space.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

constexpr const char* kIndexNames[] = {"vertex_indices", "vertex_index"};

/// Hands out the values behind the header one by one.
class Values {
 public:
  Values(const SurfaceInput& input, const PlyHeader& header)
      : place_(input.place),
        is_text_(header.format == PlyHeader::Format::ascii),
        text_(input.text().substr(header.end), input.place, header.end_lines),
        cursor_(input.bytes.subspan(header.end), input.place,
                header.format == PlyHeader::Format::big ? std::endian::big : std::endian::little) {}

  /// Errors: invalid_data.
  Result<double> next(DataType type) {
    if (is_text_) return next_word(type);
    return visit_type(type, [&](auto zero) -> Result<double> {
      NGFORGE_TRY(const auto value, cursor_.read<decltype(zero)>());
      return static_cast<double>(value);
    });
  }
  /// A list's count, for which there are values left.
  Result<std::size_t> next_count(const PlyProperty& list) {
    NGFORGE_TRY(const double count, next(*list.count_type));
    const std::size_t left = is_text_ ? text_.rest().size() : cursor_.remaining() / size_of(list.type);
    if (count < 0 || count > static_cast<double>(left))
      return make_error(ErrorCode::invalid_data, "{}: {}: expected a list of at most {} values, found {}", place_,
                        list.name, left, count);
    return static_cast<std::size_t>(count);
  }

 private:
  Result<double> next_word(DataType type) {
    if (!is_integer(type)) return text_.real("a number");
    NGFORGE_TRY(const std::int64_t value, text_.whole("a whole number"));
    return static_cast<double>(value);
  }

  std::string_view place_;
  const bool is_text_;
  TextReader text_;
  ByteCursor cursor_;
};

/// Reads one element, calling take_value(property, value) and take_list(property, values).
template <class TakeValue, class TakeList>
Result<void> read_element(const PlyElement& element, Values& values, std::vector<double>& list, TakeValue&& take_value,
                          TakeList&& take_list) {
  for (std::size_t i = 0; i < element.properties.size(); ++i) {
    const PlyProperty& property = element.properties[i];
    if (!property.count_type) {
      NGFORGE_TRY(const double value, values.next(property.type));
      take_value(i, value);
      continue;
    }
    NGFORGE_TRY(const std::size_t count, values.next_count(property));
    list.resize(count);
    for (double& value : list) {
      NGFORGE_TRY(value, values.next(property.type));
    }
    NGFORGE_CHECK(take_list(i, list));
  }
  return {};
}

Result<void> read_vertices(const PlyElement& element, Values& values, std::string_view place, MeshBuilder& mesh) {
  std::size_t axes[3];
  for (std::size_t a = 0; a < 3; ++a) {
    const char name[] = {static_cast<char>('x' + a), '\0'};
    const auto found = element.find(name);
    if (!found || element.properties[*found].count_type)
      return make_error(ErrorCode::invalid_data, "{}: element vertex: expected properties x, y and z, found no {}",
                        place, name);
    axes[a] = *found;
  }
  std::vector<double> row(element.properties.size()), list;
  for (std::uint64_t i = 0; i < element.count; ++i) {
    NGFORGE_CHECK(read_element(
        element, values, list, [&](std::size_t property, double value) { row[property] = value; },
        [](std::size_t, const auto&) { return Result<void>(); }));
    mesh.add_vertex(static_cast<float>(row[axes[0]]), static_cast<float>(row[axes[1]]),
                    static_cast<float>(row[axes[2]]));
  }
  return {};
}

Result<void> add_strips(std::span<const std::int64_t> indices, MeshBuilder& mesh) {
  for (std::size_t begin = 0; begin < indices.size();) {
    std::size_t end = begin;
    while (end < indices.size() && indices[end] != -1) ++end;
    NGFORGE_CHECK(mesh.add_strip(indices.subspan(begin, end - begin)));
    begin = end + 1;
  }
  return {};
}

// Faces, strips, or an element that is passed over.
Result<void> read_others(const PlyElement& element, Values& values, std::string_view place, MeshBuilder& mesh) {
  const bool is_face = element.name == "face", is_strip = element.name == "tristrips";
  std::optional<std::size_t> taken;
  for (const char* name : kIndexNames)
    if (!taken && (is_face || is_strip)) taken = element.find(name);
  if (is_face && (!taken || !element.properties[*taken].count_type || !is_integer(element.properties[*taken].type)))
    return make_error(ErrorCode::invalid_data,
                      "{}: element face: expected a list vertex_indices of whole numbers, found none", place);
  std::vector<double> list;
  std::vector<std::int64_t> corners;
  for (std::uint64_t i = 0; i < element.count; ++i)
    NGFORGE_CHECK(read_element(
        element, values, list, [](std::size_t, double) {},
        [&](std::size_t property, const std::vector<double>& indices) -> Result<void> {
          if (property != taken) return {};
          corners.clear();
          // What no index can be is refused as -2 is.
          for (const double index : indices) corners.push_back(std::abs(index) < 1e15 ? std::llround(index) : -2);
          return is_strip ? add_strips(corners, mesh) : mesh.add_face(corners);
        }));
  return {};
}

Result<Surface> read(const SurfaceInput& input) {
  NGFORGE_TRY(const PlyHeader header, read_ply_header(input.text(), input.place));
  Surface surface;
  surface.format = "PLY";
  take_slicer_space(header.comments, surface);
  MeshBuilder mesh(input.place);
  Values values(input, header);
  for (const PlyElement& element : header.elements) {
    if (element.properties.empty()) continue;  // nothing of it is stored, however many there are
    if (element.name == "vertex") {
      NGFORGE_CHECK(read_vertices(element, values, input.place, mesh));
    } else {
      NGFORGE_CHECK(read_others(element, values, input.place, mesh));
    }
  }
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

Result<Bytes> write(const Surface& surface) {
  const Mesh& mesh = surface.mesh;
  constexpr std::size_t kVertexBytes = 12, kFaceBytes = 13;
  if (mesh.positions.size() > std::numeric_limits<std::int32_t>::max())
    return make_error(ErrorCode::limit, "PLY: expected at most 2^31 - 1 vertices, found {}", mesh.positions.size());
  // Some readers know no index of more than 31 bits: int, as everyone writes it.
  const std::string header = fmt::format(
      "ply\nformat binary_little_endian 1.0\ncomment RAS millimetres\nelement vertex {}\nproperty float x\nproperty "
      "float "
      "y\nproperty float z\nelement face {}\nproperty list uchar int vertex_indices\nend_header\n",
      mesh.positions.size(), mesh.triangles.size());
  Bytes bytes(header.size() + kVertexBytes * mesh.positions.size() + kFaceBytes * mesh.triangles.size());
  std::memcpy(bytes.data(), header.data(), header.size());
  std::byte* out = bytes.data() + header.size();
  for (const auto& position : mesh.positions) {
    for (std::size_t a = 0; a < 3; ++a) store(out + 4 * a, position[a]);
    out += kVertexBytes;
  }
  for (const auto& triangle : mesh.triangles) {
    *out = std::byte{3};
    for (std::size_t k = 0; k < 3; ++k) store(out + 1 + 4 * k, triangle[k]);
    out += kFaceBytes;
  }
  return bytes;
}

int sniff(std::span<const std::byte> bytes, std::string_view) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.starts_with("ply\n") || text.starts_with("ply\r") ? 95 : 0;
}

}  // namespace

extern const SurfaceDescriptor ply_surface;
const SurfaceDescriptor ply_surface{.name = "ply",
                                    .title = "PLY, ASCII and binary in both byte orders (.ply)",
                                    .suffixes = ".ply",
                                    .sniff = sniff,
                                    .read = read,
                                    .write = write};

}  // namespace ngforge
