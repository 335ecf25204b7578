// SPDX-License-Identifier: Apache-2.0
#include "mesh/close_slits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace ngforge {
namespace {

using Point = std::array<double, 3>;

struct Edge {
  std::uint32_t from = 0, to = 0;
  bool is_taken = false;
};

Point difference(const std::array<float, 3>& a, const std::array<float, 3>& b) {
  return {double{a[0]} - b[0], double{a[1]} - b[1], double{a[2]} - b[2]};
}
double dot(const Point& a, const Point& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// Edges that lie in a triangle in one direction only, by vertex.
std::vector<Edge> open_edges(const Mesh& mesh) {
  struct Side {
    std::uint32_t low, high;
    int direction;
  };
  std::vector<Side> sides;
  sides.reserve(3 * mesh.triangles.size());
  for (const auto& triangle : mesh.triangles)
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t from = triangle[c], to = triangle[(c + 1) % 3];
      sides.push_back({std::min(from, to), std::max(from, to), from < to ? 1 : -1});
    }
  std::ranges::sort(sides,
                    [](const Side& a, const Side& b) { return a.low != b.low ? a.low < b.low : a.high < b.high; });
  std::vector<Edge> edges;
  for (auto side = sides.begin(); side != sides.end();) {
    const Side& first = *side;
    int excess = 0;
    for (; side != sides.end() && side->low == first.low && side->high == first.high; ++side) excess += side->direction;
    for (; excess > 0; --excess) edges.push_back({first.low, first.high});
    for (; excess < 0; ++excess) edges.push_back({first.high, first.low});
  }
  std::ranges::sort(edges,
                    [](const Edge& a, const Edge& b) { return a.from != b.from ? a.from < b.from : a.to < b.to; });
  return edges;
}

class SlitFinder {
 public:
  SlitFinder(Mesh& mesh, double tolerance)
      : mesh_(mesh), tolerance_(tolerance), edges_(open_edges(mesh)), place_(mesh.positions.size(), kNowhere) {}

  void run() {
    for (Edge& edge : edges_)
      if (!edge.is_taken) follow(edge);
  }

 private:
  static constexpr std::size_t kNowhere = ~std::size_t{0};

  // Goes on from an edge until it ends where it began; whenever it comes to a vertex again, what lies between is a
  // loop.
  void follow(Edge& first) {
    for (Edge* edge = &first; edge != nullptr; edge = sharpest_turn(*edge)) {
      edge->is_taken = true;
      place_[edge->from] = path_.size();
      path_.push_back(edge->from);
      const std::size_t begin = place_[edge->to];
      if (begin == kNowhere) continue;
      const std::span<const std::uint32_t> loop = std::span(path_).subspan(begin);
      if (is_straight(loop)) fill(loop);
      for (const std::uint32_t vertex : loop) place_[vertex] = kNowhere;
      path_.resize(begin);
      if (path_.empty()) return;
    }
    for (const std::uint32_t vertex : path_) place_[vertex] = kNowhere;
    path_.clear();
  }

  // Slits that share a vertex lie behind one another: the edge that leads back belongs to the same one.
  Edge* sharpest_turn(const Edge& edge) {
    const Point along = difference(mesh_.positions[edge.to], mesh_.positions[edge.from]);
    Edge* best = nullptr;
    double least = 0;
    const auto begin = std::ranges::lower_bound(edges_, edge.to, {}, &Edge::from);
    for (auto next = begin; next != edges_.end() && next->from == edge.to; ++next) {
      if (next->is_taken) continue;
      const Point onward = difference(mesh_.positions[next->to], mesh_.positions[next->from]);
      const double cosine = dot(along, onward) / std::sqrt(dot(along, along) * dot(onward, onward));
      if (best != nullptr && !(cosine < least)) continue;
      best = &*next;
      least = cosine;
    }
    return best;
  }

  bool is_straight(std::span<const std::uint32_t> loop) const {
    const auto& start = mesh_.positions[loop.front()];
    Point along{};
    for (const std::uint32_t vertex : loop)
      if (const Point away = difference(mesh_.positions[vertex], start); dot(away, away) > dot(along, along))
        along = away;
    const double length = dot(along, along);
    return length > 0 && std::ranges::all_of(loop, [&](std::uint32_t vertex) {
             const Point away = difference(mesh_.positions[vertex], start);
             const double at = dot(away, along) / length;
             return dot(away, away) - at * at * length <= tolerance_ * tolerance_;
           });
  }

  // Against the direction of the open edges, which the triangles beside them have.
  void fill(std::span<const std::uint32_t> loop) {
    for (std::size_t i = 2; i < loop.size(); ++i) mesh_.triangles.push_back({loop[0], loop[i], loop[i - 1]});
  }

  Mesh& mesh_;
  const double tolerance_;
  std::vector<Edge> edges_;
  std::vector<std::size_t> place_;  // of a vertex in path_
  std::vector<std::uint32_t> path_;
};

}  // namespace

void close_slits(Mesh& mesh, float tolerance) {
  SlitFinder(mesh, tolerance).run();
}

}  // namespace ngforge
