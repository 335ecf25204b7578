// SPDX-License-Identifier: Apache-2.0
#include "op/run_options.h"

#include <algorithm>
#include <thread>

#include <unistd.h>

namespace ngforge {

RunOptions with_defaults(RunOptions run) {
  if (run.threads <= 0) run.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (run.memory_bytes == 0) {
    const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
    const std::uint64_t machine =
        pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 4ull << 30;
    run.memory_bytes = std::min<std::uint64_t>(machine / 4, 4ull << 30);
  }
  return run;
}

}  // namespace ngforge
