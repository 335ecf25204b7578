// SPDX-License-Identifier: Apache-2.0
// bench_downsample VOLUME SIDE TYPE average|majority|stride X,Y,Z: one scale of SIDE^3 raw voxels (x fastest), on one
// thread. Prints the best of some rounds; the memory of the result is new in each, as in the peer's functions.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "core/block.h"
#include "pyramid/downsample.h"

namespace {

using namespace ngforge;

constexpr int kRepeats = 7;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::optional<Downsampling> parse_method(std::string_view name) {
  for (const auto method : {Downsampling::average, Downsampling::majority, Downsampling::stride}) {
    if (name == name_of(method)) return method;
  }
  return std::nullopt;
}

int run(const char* path, Index side, DataType type, Downsampling method, const Factor& factor) {
  Block fine(type, Box{{0, 0, 0}, {side, side, side}}, 1);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(fine.bytes().data()), static_cast<std::streamsize>(fine.bytes().size()))) {
    fmt::print(stderr, "bench_downsample: {} is too short\n", path);
    return 3;
  }
  double best_s = 1e9;
  for (int round = 0; round < kRepeats; ++round) {
    const double begin = seconds();
    Block coarse(type, coarse_box(fine.box(), factor), 1);
    downsample(fine.view(), fine.box(), factor, method, {}, coarse.view());
    best_s = std::min(best_s, seconds() - begin);
  }
  fmt::print("{{\"seconds\": {:.6f}}}\n", best_s);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto type = argc == 6 ? parse_data_type(argv[3]) : std::nullopt;
  const auto method = argc == 6 ? parse_method(argv[4]) : std::nullopt;
  long x = 0, y = 0, z = 0;
  if (!type || !method || std::sscanf(argv[5], "%ld,%ld,%ld", &x, &y, &z) != 3) {
    fmt::print(stderr, "usage: bench_downsample VOLUME SIDE TYPE average|majority|stride X,Y,Z\n");
    return 2;
  }
  return run(argv[1], std::atol(argv[2]), *type, *method, {x, y, z});
}
