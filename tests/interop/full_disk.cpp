// SPDX-License-Identifier: Apache-2.0
// Preloaded into the program under test: after FULL_DISK_ROOM bytes written to regular files, the disk is full. With
// FULL_DISK_SIGNAL the program gets this signal then, once, and the disk is not full.
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace {

// Another thread takes the signal.
constexpr useconds_t kSignalUs = 300'000;

bool fits(int descriptor, size_t bytes) {
  static std::atomic<long long> room = std::atoll(std::getenv("FULL_DISK_ROOM"));
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return true;
  if (room.fetch_sub(static_cast<long long>(bytes)) >= static_cast<long long>(bytes)) return true;
  const char* const number = std::getenv("FULL_DISK_SIGNAL");
  if (number == nullptr) return false;
  static std::atomic<bool> was_sent = false;
  if (!was_sent.exchange(true)) kill(getpid(), std::atoi(number));
  usleep(kSignalUs);
  return true;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

ssize_t no_space() {
  errno = ENOSPC;
  return -1;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
  return fits(descriptor, bytes) ? real<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, data, bytes)
                                 : no_space();
}

ssize_t pwrite(int descriptor, const void* data, size_t bytes, off_t offset) {
  return fits(descriptor, bytes)
             ? real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(descriptor, data, bytes, offset)
             : no_space();
}

ssize_t pwrite64(int descriptor, const void* data, size_t bytes, off_t offset) {
  return pwrite(descriptor, data, bytes, offset);
}

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
  return fits(descriptor, bytes) ? real<ssize_t (*)(int, const struct iovec*, int)>("writev")(descriptor, parts, count)
                                 : no_space();
}

int posix_fallocate(int descriptor, off_t, off_t bytes) {
  return fits(descriptor, static_cast<size_t>(bytes)) ? 0 : ENOSPC;
}

}  // extern "C"
