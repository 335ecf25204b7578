// SPDX-License-Identifier: Apache-2.0
// bench_downsample VOLUME SIDE TYPE average|majority|stride X,Y,Z: one scale of SIDE^3 raw voxels (x fastest), on one
// thread. Prints the best of some rounds. As for the peer, whose memory is NumPy's, large pages are asked for, and the
// memory of the result is new in each round.
#include <sys/mman.h>

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

/// Memory for a volume, in large pages where the system has them.
class Pages {
 public:
  explicit Pages(std::size_t bytes) : bytes_(bytes) {
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    ::madvise(memory, bytes, MADV_HUGEPAGE);
    data_ = static_cast<std::byte*>(memory);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { ::munmap(data_, bytes_); }
  std::byte* data() const { return data_; }

 private:
  const std::size_t bytes_;
  std::byte* data_ = nullptr;
};

int run(const char* path, Index side, DataType type, Downsampling method, const Factor& factor) {
  const Box box{{0, 0, 0}, {side, side, side}};
  const auto value_bytes = static_cast<Index>(size_of(type));
  const Pages volume(static_cast<std::size_t>(box.volume() * value_bytes));
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(volume.data()), box.volume() * value_bytes)) {
    fmt::print(stderr, "bench_downsample: {} is too short\n", path);
    return 3;
  }
  const BlockView fine = dense_view(volume.data(), type, box, 1);
  const Box coarse = coarse_box(box, factor);
  double best_s = 1e9;
  for (int round = 0; round < kRepeats; ++round) {
    const double begin = seconds();
    const Pages result(static_cast<std::size_t>(coarse.volume() * value_bytes));
    downsample(fine, box, factor, method, {}, dense_view(result.data(), type, coarse, 1));
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
