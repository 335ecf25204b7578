// SPDX-License-Identifier: Apache-2.0
// A folder on disk. A key is a path below it; when there is no such file but NAME.gz, that is the value, encoded by
// gzip (as cloud-volume and neuroglancer-scripts write chunks; precomputed specification, section 7).
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/file_descriptor.h"
#include "core/system_error.h"
#include "store/store.h"

namespace ngforge {
namespace {

// get() reads a value whole; what is larger is read by ranges.
constexpr std::uint64_t kMaxWholeBytes = std::uint64_t{1} << 32;

Result<void> read_exactly(int descriptor, std::uint64_t offset, std::span<std::byte> out, const std::string& path) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto count = ::pread(descriptor, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return read_error(path, "cannot be read");
    if (count == 0)
      return make_error(ErrorCode::io, "{}: expected {} bytes at {}, found {}: the file was cut while it was read",
                        path, out.size(), offset, done);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<void> write_all(int descriptor, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return write_error(path, "cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

struct File {
  FileDescriptor descriptor;
  struct stat status{};
  bool is_gzip = false;

  std::uint64_t size() const { return static_cast<std::uint64_t>(status.st_size); }
  ObjectInfo info() const {
    const auto ns = static_cast<std::uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000u +
                    static_cast<std::uint64_t>(status.st_mtim.tv_nsec);
    return {size(), fmt::format("{:x}-{:x}-{:x}", size(), ns, status.st_ino), is_gzip ? "gzip" : ""};
  }
};

class OpenedFile final : public OpenFile {
 public:
  explicit OpenedFile(File file) : file_(std::move(file)), info_(file_.info()) {}

  const ObjectInfo& info() const override { return info_; }
  int descriptor() const override { return file_.descriptor.get(); }
  bool is_in_memory(ByteRange range) const override {
    // What is read from a disk comes in pieces of about this size.
    constexpr std::uint64_t kStep = 128 * 1024;
    for (std::uint64_t done = 0; done < range.length; done += kStep) {
      if (!is_byte_in_memory(range.offset + done)) return false;
    }
    return range.length == 0 || is_byte_in_memory(range.offset + range.length - 1);
  }
  bool bring_in(ByteRange range) const override {
    std::vector<std::byte> piece(64 * 1024);
    for (std::uint64_t done = 0; done < range.length; done += piece.size()) {
      const auto left = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), range.length - done));
      if (!read_exactly(descriptor(), range.offset + done, std::span(piece).first(left), "")) return false;
    }
    return true;
  }

 private:
  // False, too, on file systems that cannot tell.
  bool is_byte_in_memory(std::uint64_t offset) const {
    char byte = 0;
    const iovec place{&byte, 1};
    return ::preadv2(descriptor(), &place, 1, static_cast<off_t>(offset), RWF_NOWAIT) == 1;
  }

  const File file_;
  const ObjectInfo info_;
};

// Whether the folder's file system keeps names in memory and needs nothing but a disk of this machine: opening a file
// there by a name that is in memory waits for nobody.
bool is_on_this_machine(int folder) {
  struct statfs status{};
  if (::fstatfs(folder, &status) != 0) return false;
  constexpr std::uint32_t kKnown[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                      F2FS_SUPER_MAGIC, TMPFS_MAGIC,     OVERLAYFS_SUPER_MAGIC};
  return std::ranges::find(kKnown, static_cast<std::uint32_t>(status.f_type)) != std::end(kKnown);
}

class FileStore final : public Store {
 public:
  /// `real_root`: without links or "..". `root`: for messages.
  FileStore(FileDescriptor folder, std::string root, std::string real_root)
      : folder_(std::move(folder)),
        root_(std::move(root)),
        real_root_(std::move(real_root)),
        answers_at_once_(is_on_this_machine(folder_.get())) {}

  std::string describe() const override { return root_; }
  Result<ObjectInfo> stat(const std::string& key) override {
    NGFORGE_TRY(const File file, open_value(key));
    return file.info();
  }
  Result<Bytes> get(const std::string& key) override;
  Result<Bytes> get_range(const std::string& key, ByteRange range) override;
  Result<std::unique_ptr<OpenFile>> open_now(const std::string& key) override;
  Result<std::vector<std::string>> list(const std::string& prefix) override;
  Result<void> visit_names(const std::string& prefix,
                           const std::function<Result<void>(const std::string&)>& visit) override;
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override;

 private:
  std::string path_of(const std::string& key) const { return root_ + "/" + key; }
  int open_beneath(const std::string& key, int flags, std::uint64_t resolve) const;
  Result<FileDescriptor> open_below(const std::string& key, int flags) const;
  Result<FileDescriptor> open_checked(const std::string& key, int flags) const;
  Result<File> open_file(const std::string& key) const;
  Result<File> open_value(const std::string& key) const;
  Result<FileDescriptor> make_folder_of(const std::string& key) const;

  FileDescriptor folder_;
  std::string root_, real_root_;
  bool answers_at_once_;
};

// -1 with errno when it cannot be opened. `resolve`: further RESOLVE_ flags.
int FileStore::open_beneath(const std::string& key, int flags, std::uint64_t resolve) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve;
  return static_cast<int>(::syscall(SYS_openat2, folder_.get(), key.c_str(), &how, sizeof how));
}

// The kernel refuses to leave the folder. It also refuses links with absolute targets inside of it: those (and kernels
// and containers without openat2) take the longer way.
Result<FileDescriptor> FileStore::open_below(const std::string& key, int flags) const {
  const int number = open_beneath(key, flags, 0);
  if (number >= 0) return FileDescriptor(number);
  if (errno == EXDEV || errno == ENOSYS || errno == EPERM || errno == EAGAIN) return open_checked(key, flags);
  return read_error(path_of(key), "cannot be opened");
}

// Opens the name without effect (O_PATH), asks where it has led, and only then opens what was found there.
Result<FileDescriptor> FileStore::open_checked(const std::string& key, int flags) const {
  FileDescriptor found(::openat(folder_.get(), key.c_str(), O_PATH | O_CLOEXEC));
  if (!found.is_open()) return read_error(path_of(key), "cannot be opened");
  const std::string link = fmt::format("/proc/self/fd/{}", found.get());
  char target[PATH_MAX];
  const auto length = ::readlink(link.c_str(), target, sizeof target);
  if (length < 0 || static_cast<std::size_t>(length) == sizeof target)
    return read_error(path_of(key), "cannot be resolved");
  const std::string_view real(target, static_cast<std::size_t>(length));
  const std::string inside = real_root_ == "/" ? real_root_ : real_root_ + "/";
  if (!real.starts_with(inside) && real != real_root_)
    return make_error(ErrorCode::permission, "{}: expected a file inside the folder, found a link out of it",
                      path_of(key));
  FileDescriptor opened(::open(link.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened.is_open()) return read_error(path_of(key), "cannot be opened");
  return opened;
}

Result<File> FileStore::open_file(const std::string& key) const {
  File file;
  NGFORGE_TRY(file.descriptor, open_below(key, O_RDONLY));
  if (::fstat(file.descriptor.get(), &file.status) != 0) return read_error(path_of(key), "cannot be read");
  if (!S_ISREG(file.status.st_mode))
    return make_error(ErrorCode::not_found, "{}: expected a file, found {}", path_of(key),
                      S_ISDIR(file.status.st_mode) ? "a folder" : "something else");
  return file;
}

Result<File> FileStore::open_value(const std::string& key) const {
  if (!is_valid_key(key))
    return make_error(ErrorCode::not_found, "{}: expected a relative key, found \"{}\"", root_, key);
  auto file = open_file(key);
  if (file || file.error().code != ErrorCode::not_found) return file;
  auto packed = open_file(key + ".gz");
  if (packed) packed->is_gzip = true;
  // The name that was asked for belongs into the message.
  if (!packed && packed.error().code == ErrorCode::not_found) return file;
  return packed;
}

Result<Bytes> FileStore::get(const std::string& key) {
  NGFORGE_TRY(const File file, open_value(key));
  if (file.size() > kMaxWholeBytes)
    return make_error(ErrorCode::limit, "{}: expected at most {} bytes to read at once, found {}", path_of(key),
                      kMaxWholeBytes, file.size());
  Bytes bytes(static_cast<std::size_t>(file.size()));
  NGFORGE_CHECK(read_exactly(file.descriptor.get(), 0, bytes, path_of(key)));
  return bytes;
}

Result<Bytes> FileStore::get_range(const std::string& key, ByteRange range) {
  NGFORGE_TRY(const File file, open_value(key));
  if (range.offset > file.size() || range.length > file.size() - range.offset)
    return make_error(ErrorCode::invalid_argument, "{}: expected a range inside {} bytes, found {} bytes at {}",
                      path_of(key), file.size(), range.length, range.offset);
  Bytes bytes(static_cast<std::size_t>(range.length));
  NGFORGE_CHECK(read_exactly(file.descriptor.get(), range.offset, bytes, path_of(key)));
  return bytes;
}

Result<std::unique_ptr<OpenFile>> FileStore::open_now(const std::string& key) {
  if (!answers_at_once_ || !is_valid_key(key)) return nullptr;
  for (const bool is_gzip : {false, true}) {
    File file;
    file.is_gzip = is_gzip;
    file.descriptor =
        FileDescriptor(open_beneath(is_gzip ? key + ".gz" : key, O_RDONLY, RESOLVE_CACHED | RESOLVE_NO_XDEV));
    if (file.descriptor.is_open()) {
      if (::fstat(file.descriptor.get(), &file.status) != 0 || !S_ISREG(file.status.st_mode)) return nullptr;
      return std::make_unique<OpenedFile>(std::move(file));
    }
    if (errno != ENOENT && errno != ENOTDIR) return nullptr;
  }
  return make_error(ErrorCode::not_found, "{}: expected a file, found none", path_of(key));
}

Result<std::vector<std::string>> FileStore::list(const std::string& prefix) {
  std::vector<std::string> names;
  NGFORGE_CHECK(visit_names(prefix, [&](const std::string& name) -> Result<void> {
    names.push_back(name);
    return {};
  }));
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> FileStore::visit_names(const std::string& prefix,
                                    const std::function<Result<void>(const std::string&)>& visit) {
  const std::string folder = prefix.empty() ? "." : prefix.substr(0, prefix.size() - 1);
  if (!prefix.empty() && (prefix.back() != '/' || !is_valid_key(folder)))
    return make_error(ErrorCode::not_found, "{}: expected a relative folder, found \"{}\"", root_, prefix);
  NGFORGE_TRY(FileDescriptor descriptor, open_below(folder, O_RDONLY | O_DIRECTORY));
  struct Close {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  const std::unique_ptr<DIR, Close> stream(::fdopendir(descriptor.get()));
  if (!stream) return read_error(path_of(folder), "cannot be listed");
  const int number = descriptor.release();  // the stream closes it
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_folder = entry->d_type == DT_DIR;
    if (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) {
      struct stat status{};
      // A link is what it leads to; one that leads nowhere is not a key.
      if (::fstatat(number, name.c_str(), &status, 0) != 0) continue;
      is_folder = S_ISDIR(status.st_mode);
    }
    if (is_folder) name += '/';
    NGFORGE_CHECK(visit(name));
  }
  if (errno != 0) return read_error(path_of(folder), "cannot be listed");
  return {};
}

Result<FileDescriptor> FileStore::make_folder_of(const std::string& key) const {
  NGFORGE_TRY(FileDescriptor folder, open_below(".", O_RDONLY | O_DIRECTORY));
  for (auto slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1)) {
    const std::string path = key.substr(0, slash);
    const std::string name = path.substr(path.rfind('/') + 1);
    if (::mkdirat(folder.get(), name.c_str(), 0777) != 0 && errno != EEXIST)
      return write_error(path_of(path), "cannot be made");
    NGFORGE_TRY(folder, open_below(path, O_RDONLY | O_DIRECTORY));
  }
  return folder;
}

Result<void> FileStore::put(const std::string& key, std::span<const std::byte> bytes) {
  if (!is_valid_key(key))
    return make_error(ErrorCode::invalid_argument, "{}: expected a relative key, found \"{}\"", root_, key);
  NGFORGE_TRY(const FileDescriptor folder, make_folder_of(key));
  static std::atomic<std::uint64_t> counter;
  const std::string name = key.substr(key.rfind('/') + 1);
  const std::string growing = fmt::format(".{}-{}.tmp", ::getpid(), ++counter);
  FileDescriptor file(
      ::openat(folder.get(), growing.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (!file.is_open()) return write_error(path_of(key), "cannot be made");
  const auto finish = [&]() -> Result<void> {
    NGFORGE_CHECK(write_all(file.get(), bytes, path_of(key)));
    if (!file.close()) return write_error(path_of(key), "cannot be written");
    if (::renameat(folder.get(), growing.c_str(), folder.get(), name.c_str()) != 0)
      return write_error(path_of(key), "cannot take its name");
    return {};
  };
  auto result = finish();
  if (!result) ::unlinkat(folder.get(), growing.c_str(), 0);
  return result;
}

Result<std::shared_ptr<Store>> open(const std::string& path) {
  FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) {
    if (errno == ENOTDIR) {
      struct stat status{};
      if (::stat(path.c_str(), &status) == 0)
        return make_error(ErrorCode::unsupported, "{}: expected a folder, found a file", path);
    }
    if (errno == ENOENT || errno == ENOTDIR)
      return make_error(ErrorCode::not_found, "{}: expected a folder, found none", path);
    return read_error(path, "cannot be opened");
  }
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (!real) return read_error(path, "cannot be resolved");
  std::string root = path;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  return std::shared_ptr<Store>(std::make_shared<FileStore>(std::move(folder), std::move(root), real.get()));
}

}  // namespace

extern const StoreDescriptor file_store;
const StoreDescriptor file_store{.scheme = "file", .title = "file: a folder on disk", .open = open};

}  // namespace ngforge
