// SPDX-License-Identifier: Apache-2.0
// Rossignac: "3D compression made simple: Edgebreaker with ZipandWrap on a corner-table", 2001.
#include "mesh/simplify_topology.h"

#include <algorithm>
#include <tuple>

#include "ngforge/error.h"

namespace ngforge {

void CornerTable::build(const Mesh& mesh) {
  NGFORGE_ASSERT(mesh.triangles.size() < kNone / 4);
  corners_.clear();
  corners_.reserve(4 * mesh.triangles.size());
  for (const auto& t : mesh.triangles) {
    if (t[0] == t[1] || t[1] == t[2] || t[2] == t[0]) continue;
    corners_.insert(corners_.end(), {{t[0], kNone}, {t[1], kNone}, {t[2], kNone}, {0, kNone}});
  }
  const auto end = static_cast<std::uint32_t>(corners_.size());
  copies_.clear();
  corner_of_.assign(mesh.positions.size(), kNone);

  first_.assign(mesh.positions.size() + 1, 0);
  for (std::uint32_t corner = 0; corner < end; corner += 4) {
    for (std::uint32_t i = 0; i < 3; ++i) ++first_[vertex_of(corner + i) + 1];
  }
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  leaving_.resize(end / 4 * 3);
  for (std::uint32_t corner = 0; corner < end; corner += 4) {
    for (std::uint32_t i = 0; i < 3; ++i) {
      leaving_[first_[vertex_of(corner + i)]++] = {corner + i, vertex_of(next(corner + i)),
                                                   vertex_of(previous(corner + i))};
    }
  }
  for (std::size_t i = first_.size() - 1; i > 0; --i) first_[i] = first_[i - 1];
  first_[0] = 0;
  link_corners();
  split_sheets();
}

void CornerTable::link_corners() {
  apart_.clear();
  for (std::uint32_t vertex = 0; vertex + 1 < first_.size(); ++vertex) {
    const auto here = leaving(vertex);
    if (here.empty()) continue;
    corner_of_[vertex] = here[0].corner;
    if (link_circle(here)) continue;
    link_apart(here);
    apart_.push_back(vertex);
  }
}

/// Links the corners of a vertex if they follow each other in one circle.
bool CornerTable::link_circle(std::span<const Leaving> here) {
  const Leaving* at = here.data();
  for (std::size_t count = 1; count <= here.size(); ++count) {
    if (at->before == here[0].to) {
      corners_[at->corner].swing = here[0].corner;
      return count == here.size();
    }
    const auto after = std::ranges::find(here, at->before, &Leaving::to);
    if (after == here.end()) return false;
    corners_[at->corner].swing = after->corner;
    at = &*after;
  }
  return false;
}

/// Links the corners of a vertex where there is one triangle on each side of an edge: others are open.
void CornerTable::link_apart(std::span<const Leaving> here) {
  for (const Leaving& there : here) {
    std::uint32_t after = kNone;
    unsigned count = 0;
    for (const Leaving& other : here) {
      after = other.to == there.before ? other.corner : after;
      count += static_cast<unsigned>(other.to == there.before) + static_cast<unsigned>(other.before == there.before);
    }
    corners_[there.corner].swing = count == 2 ? after : kNone;
  }
}

void CornerTable::join(std::uint32_t a, std::uint32_t b) {
  if (a != kNone) set_opposite(a, b);
  if (b != kNone) set_opposite(b, a);
}

/// The first corner of the sheet at a vertex that `corner` belongs to (any if it is closed), and how many it has.
std::pair<std::uint32_t, std::uint32_t> CornerTable::sheet_of(std::uint32_t corner) const {
  std::uint32_t size = 1;
  for (std::uint32_t at = corner;; ++size) {
    at = corners_[at].swing;
    if (at == kNone) break;
    if (at == corner) return {corner, size};
  }
  for (std::uint32_t at = corner;; ++size) {
    const std::uint32_t across = opposite(previous(at));
    if (across == kNone) return {at, size};
    at = previous(across);
  }
}

/// Makes a vertex of each sheet but the last.
void CornerTable::split_sheets() {
  for (const std::uint32_t vertex : apart_) {
    const auto here = leaving(vertex);
    std::size_t left = here.size();
    for (std::size_t i = 0; left > 0; ++i) {
      if (vertex_of(here[i].corner) != vertex) continue;
      const auto [first, size] = sheet_of(here[i].corner);
      left -= size;
      if (left == 0) {
        corner_of_[vertex] = first;
        continue;
      }
      const auto copy = static_cast<std::uint32_t>(corner_of_.size());
      corner_of_.push_back(first);
      copies_.push_back(vertex);
      std::uint32_t corner = first;
      for (std::uint32_t n = 0; n < size; ++n) {
        vertex_of(corner) = copy;
        corner = corners_[corner].swing;
      }
    }
  }
}

bool CornerTable::ring(std::uint32_t middle, Ring& ring) const {
  const std::uint32_t start = corner_of_[middle];
  std::uint32_t corner = start;
  for (std::uint32_t count = 0; count < kMostEdges; ++count) {
    ring.corners[count] = corner;
    ring.vertices[count] = vertex(next(corner));
    const std::uint32_t on = corners_[corner].swing;
    if (on == kNone || on == start) {
      ring.corner_count = count + 1;
      ring.edge_count = count + 1 + (on == kNone);
      ring.vertices[count + 1] = vertex(previous(corner));
      return ring.edge_count <= kMostEdges;
    }
    corner = on;
  }
  return false;
}

std::size_t CornerTable::collapse(std::uint32_t gone, std::uint32_t kept, const Ring& gone_ring,
                                  const Ring& kept_ring) {
  std::array<std::uint32_t, 2> dead = {kNone, kNone};
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < gone_ring.corner_count; ++i) {
    const std::uint32_t corner = gone_ring.corners[i];
    const std::uint32_t after = next(corner);
    const std::uint32_t before = previous(corner);
    if (vertex_of(after) == kept) {
      close(corner, before, opposite(corner), opposite(after));
    } else if (vertex_of(before) == kept) {
      close(corner, after, opposite(before), opposite(corner));
    } else {
      vertex_of(corner) = kept;
      continue;
    }
    dead[count++] = corner >> 2;
  }
  corner_of_[gone] = kNone;
  for (const Ring* ring : {&kept_ring, &gone_ring}) {
    for (std::uint32_t i = 0; i < ring->corner_count; ++i) {
      const std::uint32_t corner = ring->corners[i];
      if (corner >> 2 == dead[0] || corner >> 2 == dead[1]) continue;
      corner_of_[kept] = kept_ring.is_open() || gone_ring.is_open() ? sheet_of(corner).first : corner;
      return count;
    }
  }
  NGFORGE_ASSERT(false);
  return count;
}

/// Takes the triangle of `corner` out; its edges that meet in the corner `apex` become one. `into` and `out` are the
/// corners beyond the edges that come, counter-clockwise, into the apex and out of it.
void CornerTable::close(std::uint32_t corner, std::uint32_t apex, std::uint32_t into, std::uint32_t out) {
  const std::uint32_t vertex = vertex_of(apex);
  join(into, out);
  vertex_of(corner | 3) = 1;
  // Beyond, the edges run the other way. On an open edge, the first corner of the apex lies behind `into`.
  if (corner_of_[vertex] >> 2 == corner >> 2) corner_of_[vertex] = into != kNone ? next(into) : previous(out);
}

const std::vector<std::uint32_t>& CornerTable::restore(std::span<const Restored> triangles,
                                                       std::span<const std::array<std::uint32_t, 3>> input) {
  list_sides(triangles);
  find_conflicts(input);
  if (!conflicts_.empty()) return conflicts_;
  for (const Restored& restored : triangles) {
    if (is_gone(restored.triangle)) continue;
    for (std::uint32_t i = 0; i < 3; ++i) corner_of_[vertex(4 * restored.triangle + i)] = kNone;
  }
  for (const Restored& restored : triangles) {
    const auto& v = restored.vertices;
    const std::size_t first = 4 * std::size_t{restored.triangle};
    for (std::size_t i = 0; i < 3; ++i) corners_[first + i] = {v[i], kNone};
    corners_[first + 3].vertex = restored.is_gone();
  }
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    const bool is_paired =
        i + 1 < sides_.size() && sides_[i].from == sides_[i + 1].to && sides_[i].to == sides_[i + 1].from;
    join(sides_[i].corner, is_paired ? sides_[i + 1].corner : kNone);
    i += is_paired;
  }
  for (const Side& side : sides_) {
    corner_of_[side.from] = next(side.corner);
    corner_of_[side.to] = previous(side.corner);
  }
  for (const Side& side : sides_) {
    for (const std::uint32_t end : {side.from, side.to}) corner_of_[end] = sheet_of(corner_of_[end]).first;
  }
  return conflicts_;
}

/// Lists the sides that restored triangles will have, with those of triangles beside them that stay as they are: sorted
/// by both ends, whichever comes first.
void CornerTable::list_sides(std::span<const Restored> triangles) {
  constexpr std::uint32_t kListed = 2;
  for (const Restored& restored : triangles) vertex_of(4 * restored.triangle | 3) |= kListed;
  sides_.clear();
  for (const Restored& restored : triangles) {
    const std::uint32_t first = 4 * restored.triangle;
    const bool was_gone = (vertex(first | 3) & ~kListed) != 0;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const std::uint32_t across = was_gone ? kNone : opposite(first + i);
      if (across != kNone && (vertex(across | 3) & kListed) == 0)
        sides_.push_back({vertex(next(across)), vertex(previous(across)), vertex(across), across});
      const auto& v = restored.vertices;
      if (!restored.is_gone()) sides_.push_back({v[(i + 1) % 3], v[(i + 2) % 3], v[i], first + i});
    }
  }
  for (const Restored& restored : triangles) vertex_of(4 * restored.triangle | 3) &= ~kListed;
  std::ranges::sort(sides_, {}, [](const Side& side) {
    return std::tuple(std::min(side.from, side.to), std::max(side.from, side.to), side.corner);
  });
}

/// Finds the ends of sides that are not to be joined with one other side, or none if that is how it was.
void CornerTable::find_conflicts(std::span<const std::array<std::uint32_t, 3>> input) {
  conflicts_.clear();
  const auto has_same_ends = [](const Side& a, const Side& b) {
    return std::minmax(a.from, a.to) == std::minmax(b.from, b.to);
  };
  for (std::size_t i = 0; i < sides_.size();) {
    const Side& side = sides_[i];
    std::size_t end = i + 1;
    while (end < sides_.size() && has_same_ends(sides_[end], side)) ++end;
    const bool is_joined = end - i == 2 && side.from == sides_[i + 1].to && side.apex != sides_[i + 1].apex;
    const bool is_open = end - i == 1 && was_open(side.corner, input);
    if (!is_joined && !is_open) conflicts_.insert(conflicts_.end(), {side.from, side.to, side.apex});
    i = end;
  }
}

bool CornerTable::was_open(std::uint32_t corner, std::span<const std::array<std::uint32_t, 3>> input) const {
  const auto& t = input[corner >> 2];
  const std::uint32_t from = original(t[(corner & 3) == 2 ? 0 : (corner & 3) + 1]);
  const std::uint32_t to = original(t[(corner & 3) == 0 ? 2 : (corner & 3) - 1]);
  for (std::uint32_t i = first_[to]; i < first_[to + 1]; ++i) {
    if (leaving_[i].to == from) return false;
  }
  return true;
}

}  // namespace ngforge
