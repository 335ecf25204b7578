// SPDX-License-Identifier: Apache-2.0
// bench_limit INPUT.gz CHUNKS LEVEL: what a conversion must cost at least, in CPU seconds on one core, from memory:
// inflating the input once (ISA-L) and deflating its output chunks (libdeflate at LEVEL; the files below CHUNKS hold
// them as they are).
#include <isa-l.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace {

constexpr int kRepeats = 3;

using Buffer = std::vector<unsigned char>;

Buffer read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Returns the plain bytes; 0 when the stream is damaged. Single member only.
std::size_t inflate_once(Buffer& input) {
  static Buffer output(1 << 20);
  inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = input.data();
  state.avail_in = static_cast<std::uint32_t>(input.size());
  std::size_t total = 0;
  while (state.block_state != ISAL_BLOCK_FINISH) {
    state.next_out = output.data();
    state.avail_out = static_cast<std::uint32_t>(output.size());
    if (isal_inflate(&state) != ISAL_DECOMP_OK || state.avail_out == output.size()) return 0;
    total += output.size() - state.avail_out;
  }
  return total;
}

std::size_t deflate_all(const std::vector<Buffer>& chunks, libdeflate_compressor* compressor) {
  static Buffer output;
  std::size_t total = 0;
  for (const Buffer& chunk : chunks) {
    output.resize(std::max(output.size(), libdeflate_gzip_compress_bound(compressor, chunk.size())));
    total += libdeflate_gzip_compress(compressor, chunk.data(), chunk.size(), output.data(), output.size());
  }
  return total;
}

template <class Function>
double best_seconds(Function&& function) {
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const double begin = cpu_seconds();
    function();
    best = std::min(best, cpu_seconds() - begin);
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: bench_limit INPUT.gz CHUNKS LEVEL\n");
    return 2;
  }
  Buffer input = read_file(argv[1]);
  std::vector<Buffer> chunks;
  std::size_t plain_bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[2]))
    if (entry.is_regular_file() && entry.path().parent_path() != argv[2]) {
      chunks.push_back(read_file(entry.path()));
      plain_bytes += chunks.back().size();
    }
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(std::atoi(argv[3]));
  std::size_t inflated = 0, deflated = 0;
  const double inflate_s = best_seconds([&] { inflated = inflate_once(input); });
  const double deflate_s = best_seconds([&] { deflated = deflate_all(chunks, compressor); });
  libdeflate_free_compressor(compressor);
  if (inflated == 0) {
    fmt::print(stderr, "bench_limit: {} is not a whole gzip file\n", argv[1]);
    return 3;
  }
  fmt::print(
      "{{\"inflate_s\": {:.4f}, \"deflate_s\": {:.4f}, \"inflated_bytes\": {}, \"chunks\": {}, \"chunk_bytes\": {}, "
      "\"deflated_bytes\": {}}}\n",
      inflate_s, deflate_s, inflated, chunks.size(), plain_bytes, deflated);
  return 0;
}
