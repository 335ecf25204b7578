// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "mesh/simplify_scratch.h"

namespace ngforge {
namespace {

/// What lies between the points looked at may be farther than they are by this part of the bound, or of a voxel where
/// that is less.
constexpr float kMargin = 1.F / 16;
/// For bounds of more than so many voxels' longest sides it is not worth its time.
constexpr float kMostVoxels = 1.5F;

}  // namespace

/// Looks whether result and mesh are within the bound of each other. Where they are not, vertices of the mesh stay, and
/// the mesh around them is simplified again.
void Simplifier::Scratch::hold_bound(const Mesh& mesh, const Contours& contours, const SimplifyTarget& target) {
  const auto [shortest, longest] = std::ranges::minmax(voxel_lengths);
  if (bound > static_cast<float>(longest) * kMostVoxels) return;
  const auto voxel = static_cast<float>(shortest);
  const auto look = [&]() -> const std::vector<std::uint32_t>& {
    return bound_check.find_far({table, input, input_vertices, places}, changed);
  };
  const auto look_everywhere = [&]() -> const std::vector<std::uint32_t>& {
    bound_check.start(bound - std::min(bound, voxel) * kMargin, voxel);
    changed.resize(vertices.size());
    std::iota(changed.begin(), changed.end(), 0U);
    std::erase_if(changed, [&](std::uint32_t vertex) { return !table.has_triangles(vertex); });
    return look();
  };
  bool is_far = keep(look_everywhere());
  while (is_far) {
    if (restore_members()) {
      simplify_again(contours, target.triangles);
      is_far = keep(look());
    } else {
      load(mesh, contours, target);
      run(contours, target.triangles);
      is_far = keep(look_everywhere());
    }
  }
}

/// Marks vertices that are to stay where they are: `members` are then all that have become one with them. False if all
/// were marked before.
bool Simplifier::Scratch::keep(std::span<const std::uint32_t> far) {
  kept_now.clear();
  for (const std::uint32_t vertex : far) {
    if (std::exchange(is_kept[vertex], 1) == 0) kept_now.push_back(vertex);
  }
  members.clear();
  return add_members(kept_now);
}

/// Adds all that have become one with some vertices. False if they were there before.
bool Simplifier::Scratch::add_members(std::span<const std::uint32_t> some) {
  const std::size_t before = members.size();
  for (const std::uint32_t vertex : some) {
    if (is_member(vertex)) continue;
    const auto middle_of_list = members.end() - members.begin();
    std::uint32_t member = vertex;
    do {
      members.push_back(member);
      member = input_vertices[member].next;
    } while (member != vertex);
    std::sort(members.begin() + middle_of_list, members.end());
    std::inplace_merge(members.begin(), members.begin() + middle_of_list, members.end());
  }
  return members.size() > before;
}

std::uint32_t Simplifier::Scratch::became(std::uint32_t vertex) const {
  while (!table.has_triangles(vertex)) vertex = input_vertices[vertex].next;
  return vertex;
}

/// Takes all collapses of the members back, and of others where without them theirs would tear the mesh. False if that
/// cannot be mended: nothing is done then.
bool Simplifier::Scratch::restore_members() {
  for (;;) {
    list_restored();
    std::size_t before = 0;
    for (const auto& triangle : restored) before += static_cast<std::size_t>(!table.is_gone(triangle.triangle));
    const auto& conflicts = table.restore(restored, input);
    if (conflicts.empty()) {
      triangles_left -= before;
      break;
    }
    if (!add_members(conflicts)) return false;
  }
  triangles_left += std::ranges::count_if(restored, [](const auto& triangle) { return !triangle.is_gone(); });
  for (const std::uint32_t member : members) restore_vertex(member);
  return true;
}

bool Simplifier::Scratch::is_member(std::uint32_t vertex) const {
  return std::ranges::binary_search(members, vertex);
}

/// Lists the triangles of the mesh at members, with the vertices that they have without the collapses of these.
void Simplifier::Scratch::list_restored() {
  restored.clear();
  for (const std::uint32_t member : members) {
    table.visit_first_triangles(member, [&](std::uint32_t triangle) {
      auto corners = input[triangle];
      std::uint32_t least = CornerTable::kNone;
      for (const std::uint32_t corner : corners) least = is_member(corner) ? std::min(least, corner) : least;
      // Once, at the least member that it has.
      if (least != member) return;
      for (std::uint32_t& corner : corners) corner = is_member(corner) ? corner : became(corner);
      restored.push_back({triangle, corners});
    });
  }
}

void Simplifier::Scratch::restore_vertex(std::uint32_t vertex) {
  const Vertex& before = vertices[vertex];
  const bool stays = before.role == VertexRole::free && is_kept[vertex] != 0;
  vertices[vertex] = {.stamp = before.stamp + 1, .role = stays ? VertexRole::locked : before.role};
  table.visit_first_triangles(vertex, [&](std::uint32_t triangle) {
    if (std::ranges::find(input[triangle], vertex) == input[triangle].end()) return;
    vertices[vertex].quadric += plane_of(input[triangle]);
  });
  add_own_point(vertex);
  places[vertex] = input_vertices[vertex].place;
  input_vertices[vertex].next = vertex;
}

/// Simplifies what lies around the members; `changed` is then what has become of it.
void Simplifier::Scratch::simplify_again(const Contours& contours, std::size_t wanted_triangles) {
  changed.clear();
  for (const auto& triangle : restored)
    changed.insert(changed.end(), triangle.vertices.begin(), triangle.vertices.end());
  queue.start(greatest_mean2);
  for (const std::uint32_t member : members) {
    if (!table.ring(member, gone_ring)) continue;
    for (std::uint32_t i = 0; i < gone_ring.edge_count; ++i) {
      const std::uint32_t neighbour = gone_ring.vertices[i];
      if (member < neighbour || !is_member(neighbour)) consider(member, neighbour);
    }
  }
  run_queue(wanted_triangles, &changed);
  move_contours(contours);
  std::ranges::sort(changed);
  const auto same = std::ranges::unique(changed);
  changed.erase(same.begin(), same.end());
  std::erase_if(changed, [&](std::uint32_t vertex) { return !table.has_triangles(vertex); });
}

}  // namespace ngforge
