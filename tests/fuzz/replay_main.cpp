// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files and folders without a fuzzer: each file whole, then cut at every length (files up to
// 4 KiB) or at 512 lengths spread over it.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run_tight(const std::vector<std::uint8_t>& bytes, std::size_t size) {
  // An exact copy, so that AddressSanitizer sees a read one byte too far.
  std::vector<std::uint8_t> tight(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  tight.shrink_to_fit();
  LLVMFuzzerTestOneInput(tight.data(), tight.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0, runs = 0;
  for (int i = 1; i < argc; ++i) {
    std::vector<std::filesystem::path> paths;
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i]))
        if (entry.is_regular_file()) paths.push_back(entry.path());
    } else {
      paths.emplace_back(argv[i]);
    }
    for (const auto& path : paths) {
      std::ifstream in(path, std::ios::binary);
      const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
      ++files;
      const std::size_t step = bytes.size() <= 4096 ? 1 : bytes.size() / 512;
      for (std::size_t size = 0; size < bytes.size(); size += step, ++runs) run_tight(bytes, size);
      run_tight(bytes, bytes.size());
      ++runs;
    }
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  return files == 0 ? 1 : 0;  // an empty corpus would be a test that cannot fail
}
