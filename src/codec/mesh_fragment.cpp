// SPDX-License-Identifier: Apache-2.0
// Fragments of single-resolution meshes (precomputed specification, section 3.1), little-endian:
//   u32 num_vertices, f32 xyz[num_vertices][3], u32 abc[...][3] to the end
#include "codec/mesh_fragment.h"

#include <cmath>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

constexpr std::size_t kRowBytes = 12;

template <class T>
void store_rows(const std::vector<std::array<T, 3>>& rows, std::byte* out) {
  for (const auto& row : rows)
    for (const T value : row) {
      store(out, value);
      out += sizeof(T);
    }
}

template <class T>
void load_rows(std::span<const std::byte> bytes, std::vector<std::array<T, 3>>& rows) {
  rows.resize(bytes.size() / kRowBytes);
  const std::byte* at = bytes.data();
  for (auto& row : rows)
    for (T& value : row) {
      value = load<T>(at);
      at += sizeof(T);
    }
}

}  // namespace

Bytes encode_mesh_fragment(const Mesh& mesh) {
  const std::size_t positions_bytes = kRowBytes * mesh.positions.size();
  Bytes bytes(4 + positions_bytes + kRowBytes * mesh.triangles.size());
  store(bytes.data(), static_cast<std::uint32_t>(mesh.positions.size()));
  store_rows(mesh.positions, bytes.data() + 4);
  store_rows(mesh.triangles, bytes.data() + 4 + positions_bytes);
  return bytes;
}

Result<Mesh> decode_mesh_fragment(std::span<const std::byte> bytes, std::string_view where) {
  ByteCursor cursor(bytes, where);
  NGFORGE_TRY(const auto vertices, cursor.read<std::uint32_t>());
  NGFORGE_TRY(const auto positions, cursor.take(kRowBytes * vertices));
  if (cursor.remaining() % kRowBytes != 0)
    return make_error(ErrorCode::invalid_data, "{}: expected triangles of {} bytes behind {} vertices, found {} bytes",
                      where, kRowBytes, vertices, cursor.remaining());
  NGFORGE_TRY(const auto triangles, cursor.take(cursor.remaining()));
  Mesh mesh;
  load_rows(positions, mesh.positions);
  load_rows(triangles, mesh.triangles);
  for (std::size_t i = 0; i < mesh.positions.size(); ++i)
    for (const float value : mesh.positions[i])
      if (!std::isfinite(value))
        return make_error(ErrorCode::invalid_data, "{}: vertex {}: expected finite numbers, found {}", where, i, value);
  for (std::size_t i = 0; i < mesh.triangles.size(); ++i)
    for (const std::uint32_t corner : mesh.triangles[i])
      if (corner >= vertices)
        return make_error(ErrorCode::invalid_data, "{}: triangle {}: expected a vertex below {}, found {}", where, i,
                          vertices, corner);
  return mesh;
}

}  // namespace ngforge
