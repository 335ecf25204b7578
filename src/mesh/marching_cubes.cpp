// SPDX-License-Identifier: Apache-2.0
#include "mesh/marching_cubes.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "mesh/differences.h"
#include "mesh/label_numbers.h"
#include "mesh/marching_cubes_table.h"
#include "ngforge/error.h"

namespace ngforge {
namespace {

// An edge between two labels has a vertex for the label of its lower end and one for that of its upper end.
constexpr int kSlotsOfVoxel = 6;              // for the edges along x, y, z that begin in it
constexpr int kSlotsOfCube = 2 * kCubeEdges;  // 2 * edge + end

struct SlotCase {
  std::uint8_t triangle_count;
  std::array<std::array<std::uint8_t, 3>, kMaxCubeTriangles> slots;
};

/// The surface of a label in a cube.
struct Piece {
  std::uint32_t label;  // its number
  std::uint32_t cube;   // x * 256 + case
};

/// What a label has, and where its next vertex and triangle go.
struct Tally {
  std::uint32_t vertices = 0;
  std::size_t triangles = 0;
  std::array<float, 3>* positions = nullptr;
  std::array<std::uint32_t, 3>* next_triangle = nullptr;
};

template <class T>
T* typed(std::span<std::byte> bytes) {
  return reinterpret_cast<T*>(bytes.data());
}

template <class Visit>
void for_each_bit(std::uint64_t word, Index begin, Visit visit) {
  for (; word != 0; word &= word - 1) visit(begin + std::countr_zero(word));
}

}  // namespace

struct MarchingCubes::Scratch {
  Scratch();
  std::span<const LabelSurface> extract(const BlockView& block, std::optional<std::span<const std::uint64_t>> wanted);

  void prepare(const VoxelVec& block_size);
  template <class T>
  void number_slice(const BlockView& block, Index z);
  void mark_slice(Index z);
  void count_vertices(Index z, int axis);
  void find_pieces(Index z);
  void add_pieces(const std::array<const std::uint32_t*, 4>& rows, Index x);
  void place_results();
  void make_vertices(Index z);
  void make_vertices_of_row(Index y, Index z, int axis);
  void make_triangles(Index z);

  Index row_of(Index y, Index z) const { return z * size.y + y; }
  std::uint32_t* numbers_of(Index y, Index z) { return numbers + row_of(y, z) * size.x; }
  std::uint64_t* differences_of(int axis, Index y, Index z) { return differences[axis] + row_of(y, z) * words; }
  bool has_edges(int axis, Index y, Index z) const {
    return (axis != 1 || y + 1 < size.y) && (axis != 2 || z + 1 < size.z);
  }

  std::array<SlotCase, 256> cases;
  LabelNumbers labels;
  VoxelVec size;
  Index words = 0;                              // of a row of differences
  std::array<Index, 3> step{};                  // from a voxel to the next along an axis
  std::uint32_t* numbers = nullptr;             // of each voxel's label
  std::array<std::uint64_t*, 3> differences{};  // along each axis, a bit for each edge
  std::uint32_t* slots = nullptr;               // index of each vertex of two planes of voxels, the even one first
  std::vector<Tally> tallies;                   // by number; of 0 only counted
  std::vector<Piece> pieces;
  std::size_t piece_count = 0;
  std::vector<std::size_t> piece_ends;  // for each row of cubes
  std::vector<std::uint32_t> order;     // numbers by ascending label
  std::vector<LabelSurface> surfaces;
  Buffer number_space, difference_space, slot_space, position_space, triangle_space;
};

MarchingCubes::Scratch::Scratch() {
  for (unsigned corners = 0; corners < cases.size(); ++corners) {
    const CubeCase& from = kCubeCases[corners];
    cases[corners].triangle_count = from.triangle_count;
    for (int t = 0; t < kMaxCubeTriangles; ++t) {
      for (int i = 0; i < 3; ++i) {
        const int edge = from.triangles[t][i];
        const bool is_lower = (corners >> cube_edge(edge).lower & 1) != 0;
        cases[corners].slots[t][i] = static_cast<std::uint8_t>(2 * edge + (is_lower ? 0 : 1));
      }
    }
  }
}

void MarchingCubes::Scratch::prepare(const VoxelVec& block_size) {
  size = block_size;
  words = ceil_div(size.x, 64);
  step = {1, size.x, size.x * size.y};
  const auto voxels = static_cast<std::size_t>(size.product());
  const auto words_of_axis = static_cast<std::size_t>(words * size.y * size.z);
  numbers = typed<std::uint32_t>(ensure(number_space, voxels * sizeof(std::uint32_t)));
  auto* bits = typed<std::uint64_t>(ensure(difference_space, 3 * words_of_axis * sizeof(std::uint64_t)));
  for (int axis = 0; axis < 3; ++axis) differences[axis] = bits + axis * words_of_axis;
  const auto plane_slots = static_cast<std::size_t>(size.x * size.y) * kSlotsOfVoxel;
  slots = typed<std::uint32_t>(ensure(slot_space, 2 * plane_slots * sizeof(std::uint32_t)));
  tallies.assign(1, {});
  piece_count = 0;
  piece_ends.clear();
}

template <class T>
void MarchingCubes::Scratch::number_slice(const BlockView& block, Index z) {
  for (Index y = 0; y < size.y; ++y) {
    const std::byte* row = block.row(block.box.begin.y + y, block.box.begin.z + z, 0);
    std::uint32_t* to = numbers_of(y, z);
    T last = 0;
    std::uint32_t number = 0;
    for (Index x = 0; x < size.x; ++x) {
      T label;
      std::memcpy(&label, row + x * static_cast<Index>(sizeof(T)), sizeof(T));
      if (label != last) {
        last = label;
        number = labels.number_of(label);
      }
      to[x] = number;
    }
  }
  tallies.resize(labels.labels().size() + 1);
}

/// Finds the edges along x and y in plane z, and those along z that end in it.
void MarchingCubes::Scratch::mark_slice(Index z) {
  for (Index y = 0; y < size.y; ++y) {
    const std::uint32_t* row = numbers_of(y, z);
    std::uint64_t* along_x = differences_of(0, y, z);
    along_x[words - 1] = 0;
    mark_differences(row, row + step[0], size.x - 1, along_x);
    if (has_edges(1, y, z)) mark_differences(row, row + step[1], size.x, differences_of(1, y, z));
    if (z > 0) mark_differences(row - step[2], row, size.x, differences_of(2, y, z - 1));
  }
}

void MarchingCubes::Scratch::count_vertices(Index z, int axis) {
  for (Index y = 0; y < size.y && has_edges(axis, y, z); ++y) {
    const std::uint32_t* row = numbers_of(y, z);
    const std::uint64_t* bits = differences_of(axis, y, z);
    for (Index w = 0; w < words; ++w) {
      for_each_bit(bits[w], 64 * w, [&](Index x) {
        ++tallies[row[x]].vertices;
        ++tallies[row[x + step[axis]]].vertices;
      });
    }
  }
}

/// Of the cubes between planes z and z + 1.
void MarchingCubes::Scratch::find_pieces(Index z) {
  for (Index y = 0; y + 1 < size.y; ++y) {
    const auto most = piece_count + 8 * static_cast<std::size_t>(size.x);
    if (pieces.size() < most) pieces.resize(std::max(most, 2 * pieces.size()));
    const std::array<const std::uint32_t*, 4> rows = {numbers_of(y, z), numbers_of(y + 1, z), numbers_of(y, z + 1),
                                                      numbers_of(y + 1, z + 1)};
    const std::uint64_t* x_edges[] = {differences_of(0, y, z), differences_of(0, y + 1, z), differences_of(0, y, z + 1),
                                      differences_of(0, y + 1, z + 1)};
    const std::uint64_t* y_edges[] = {differences_of(1, y, z), differences_of(1, y, z + 1)};
    const std::uint64_t* z_edges = differences_of(2, y, z);
    for (Index w = 0; w < words; ++w) {
      // Seven edges that connect the eight corners: if they all join equals, so do the others.
      std::uint64_t mixed =
          x_edges[0][w] | x_edges[1][w] | x_edges[2][w] | x_edges[3][w] | y_edges[0][w] | y_edges[1][w] | z_edges[w];
      if (w == words - 1) mixed &= ~(std::uint64_t{1} << (size.x - 1) % 64);  // begins no cube
      for_each_bit(mixed, 64 * w, [&](Index x) { add_pieces(rows, x); });
    }
    piece_ends.push_back(piece_count);
  }
}

void MarchingCubes::Scratch::add_pieces(const std::array<const std::uint32_t*, 4>& rows, Index x) {
  std::array<std::uint32_t, 8> corners;
  for (int r = 0; r < 4; ++r) std::memcpy(&corners[2 * r], rows[r] + x, 2 * sizeof(std::uint32_t));
  for (unsigned left = 255; left != 0;) {
    const std::uint32_t label = corners[std::countr_zero(left)];
    unsigned held = 0;
    for (int c = 0; c < 8; ++c) held |= unsigned{corners[c] == label} << c;
    left &= ~held;
    if (label == 0) continue;
    tallies[label].triangles += cases[held].triangle_count;
    pieces[piece_count++] = {label, static_cast<std::uint32_t>(x) << 8 | held};
  }
}

/// Gives each label its part of the result, by ascending label.
void MarchingCubes::Scratch::place_results() {
  const auto names = labels.labels();
  order.resize(names.size());
  std::iota(order.begin(), order.end(), 1u);
  std::ranges::sort(order, {}, [&](std::uint32_t number) { return names[number - 1]; });
  std::size_t vertices = 0, triangles = 0;
  for (const std::uint32_t number : order) {
    vertices += tallies[number].vertices;
    triangles += tallies[number].triangles;
  }
  auto* position = typed<std::array<float, 3>>(ensure(position_space, vertices * sizeof(std::array<float, 3>)));
  auto* triangle =
      typed<std::array<std::uint32_t, 3>>(ensure(triangle_space, triangles * sizeof(std::array<std::uint32_t, 3>)));
  surfaces.clear();
  for (const std::uint32_t number : order) {
    Tally& tally = tallies[number];
    if (tally.triangles == 0) continue;
    surfaces.push_back({names[number - 1], {position, tally.vertices}, {triangle, tally.triangles}});
    tally.positions = position;
    tally.next_triangle = triangle;
    position += tally.vertices;
    triangle += tally.triangles;
    tally.vertices = 0;
  }
}

void MarchingCubes::Scratch::make_vertices(Index z) {
  for (Index y = 0; y < size.y; ++y) {
    for (int axis = 0; axis < 3; ++axis) {
      if (has_edges(axis, y, z)) make_vertices_of_row(y, z, axis);
    }
  }
}

void MarchingCubes::Scratch::make_vertices_of_row(Index y, Index z, int axis) {
  const std::uint32_t* lower = numbers_of(y, z);
  const std::uint32_t* upper = lower + step[axis];
  const std::uint64_t* bits = differences_of(axis, y, z);
  std::uint32_t* to = slots + (z % 2 * size.y + y) * size.x * kSlotsOfVoxel + 2 * axis;
  const std::array<float, 3> origin = {axis == 0 ? 0.5f : 0.0f, static_cast<float>(y) + (axis == 1 ? 0.5f : 0.0f),
                                       static_cast<float>(z) + (axis == 2 ? 0.5f : 0.0f)};
  for (Index w = 0; w < words; ++w) {
    for_each_bit(bits[w], 64 * w, [&](Index x) {
      const std::array<float, 3> position = {static_cast<float>(x) + origin[0], origin[1], origin[2]};
      const auto make = [&](std::uint32_t number, std::uint32_t& slot) {
        if (number == 0) return;
        Tally& tally = tallies[number];
        tally.positions[tally.vertices] = position;
        slot = tally.vertices++;
      };
      make(lower[x], to[x * kSlotsOfVoxel]);
      make(upper[x], to[x * kSlotsOfVoxel + 1]);
    });
  }
}

/// Of the cubes between planes z and z + 1, whose vertices are made.
void MarchingCubes::Scratch::make_triangles(Index z) {
  std::array<Index, kSlotsOfCube> offsets;  // from the slots of the voxel at the cube's lowest corner in the even plane
  for (int slot = 0; slot < kSlotsOfCube; ++slot) {
    const CubeEdge edge = cube_edge(slot / 2);
    const Index plane = (z + (edge.lower >> 2)) % 2;
    const Index voxel = plane * step[2] + (edge.lower >> 1 & 1) * step[1] + (edge.lower & 1);
    offsets[slot] = voxel * kSlotsOfVoxel + 2 * edge.axis + slot % 2;
  }
  for (Index y = 0; y + 1 < size.y; ++y) {
    const std::size_t row = static_cast<std::size_t>(z * (size.y - 1) + y);
    const std::uint32_t* slots_of_row = slots + y * step[1] * kSlotsOfVoxel;
    for (std::size_t p = row == 0 ? 0 : piece_ends[row - 1]; p < piece_ends[row]; ++p) {
      const std::uint32_t* at = slots_of_row + (pieces[p].cube >> 8) * kSlotsOfVoxel;
      const SlotCase& shape = cases[pieces[p].cube & 255];
      auto*& next = tallies[pieces[p].label].next_triangle;
      for (int t = 0; t < shape.triangle_count; ++t) {
        const auto& s = shape.slots[t];
        *next++ = {at[offsets[s[0]]], at[offsets[s[1]]], at[offsets[s[2]]]};
      }
    }
  }
}

std::span<const LabelSurface> MarchingCubes::Scratch::extract(const BlockView& block,
                                                              std::optional<std::span<const std::uint64_t>> wanted) {
  const VoxelVec block_size = block.size();
  surfaces.clear();
  if (block_size.x < 2 || block_size.y < 2 || block_size.z < 2) return surfaces;
  NGFORGE_ASSERT(block.channels == 1 && is_integer(block.type) && !is_signed(block.type));
  NGFORGE_ASSERT(std::max({block_size.x, block_size.y, block_size.z}) < Index{1} << 20);
  NGFORGE_ASSERT(block_size.product() <= Index{1} << 30);
  prepare(block_size);
  labels.reset(wanted);
  for (Index z = 0; z < size.z; ++z) {
    visit_type(block.type, [&](auto value) {
      if constexpr (std::is_unsigned_v<decltype(value)>) number_slice<decltype(value)>(block, z);
    });
    mark_slice(z);
    count_vertices(z, 0);
    count_vertices(z, 1);
    if (z == 0) continue;
    count_vertices(z - 1, 2);
    find_pieces(z - 1);
  }
  place_results();
  make_vertices(0);
  for (Index z = 0; z + 1 < size.z; ++z) {
    make_vertices(z + 1);
    make_triangles(z);
  }
  return surfaces;
}

MarchingCubes::MarchingCubes() : scratch_(std::make_unique<Scratch>()) {}
MarchingCubes::~MarchingCubes() = default;

std::span<const LabelSurface> MarchingCubes::extract(const BlockView& block,
                                                     std::optional<std::span<const std::uint64_t>> wanted) {
  return scratch_->extract(block, wanted);
}

}  // namespace ngforge
