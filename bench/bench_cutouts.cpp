// SPDX-License-Identifier: Apache-2.0
// bench_cutouts DATASET CORNERS SIDE THREADS: opens a dataset of labels anew and reads the cutouts of SIDE^3 voxels
// whose corners (x y z per line) the file CORNERS holds, on THREADS threads. Prints the seconds and the sum of all
// voxels.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "core/block.h"
#include "source/precomputed.h"

namespace {

using namespace ngforge;

std::uint64_t sum_of(const Block& block) {
  return visit_type(block.type(), [&](auto zero) {
    using T = decltype(zero);
    const auto* const values = reinterpret_cast<const T*>(block.bytes().data());
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block.bytes().size() / sizeof(T); ++i) sum += static_cast<std::uint64_t>(values[i]);
    return sum;
  });
}

int run(const char* dataset, const char* corners_path, Index side, int threads) {
  std::vector<VoxelVec> corners;
  std::ifstream file(corners_path);
  for (VoxelVec corner; file >> corner.x >> corner.y >> corner.z;) corners.push_back(corner);
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> sum = 0;
  std::atomic<bool> has_failed = false;
  double seconds = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto volume = PrecomputedVolume::open(dataset);
  if (!volume) return 3;
  {
    std::vector<std::jthread> pool;
    for (int t = 0; t < threads; ++t)
      pool.emplace_back([&] {
        for (std::size_t i = next++; i < corners.size(); i = next++) {
          const Box box{corners[i], corners[i] + VoxelVec::all(side)};
          Block cutout((*volume)->info().type, box, 1);
          if (!(*volume)->read(0, box, cutout.view())) has_failed = true;
          sum += sum_of(cutout);
        }
      });
  }
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (has_failed) return 3;
  fmt::print("{{\"seconds\": {}, \"sum\": {}}}\n", seconds, sum.load());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return run(argv[1], argv[2], std::atoll(argv[3]), std::atoi(argv[4]));
}
