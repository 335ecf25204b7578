// SPDX-License-Identifier: Apache-2.0
#include "sink/partial_folder.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/system_error.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPlanName = ".ngforge-plan.json";
constexpr const char* kOverwrites = "overwrites";

// Removes everything but the plan file, which is kept open and locked.
Result<void> clear_folder(const std::string& folder) {
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    if (it->path().filename() == kPlanName) continue;
    std::error_code removed;
    fs::remove_all(it->path(), removed);
    if (removed) return make_error(ErrorCode::io, "{}: cannot be removed: {}", it->path().string(), removed.message());
  }
  if (code) return make_error(ErrorCode::io, "{}: cannot be listed: {}", folder, code.message());
  return {};
}

void sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// "a/b/" and "a/b/." name the folder b as "a/b" does, whose sibling "a/b.partial" is wanted.
std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && (path.ends_with('/') || path.ends_with("/."))) path.pop_back();
  return path;
}

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

std::string plan_of(const std::string& folder) {
  return folder + "/" + kPlanName;
}

// The plan as it is written: what must be the same, and whether an old destination is to be replaced.
std::string to_json(const RunIdentity& identity, bool overwrites) {
  Json json = Json::object();
  for (const auto& [name, value] : identity) json[name] = value;
  json[kOverwrites] = overwrites;
  return dump_json(json);
}

// The first difference between a former plan and this one, or "".
std::string difference(const Json& former, const RunIdentity& identity) {
  // Through text, so that names which JSON cannot hold compare as they were written.
  const auto present = parse_json(to_json(identity, false), kPlanName);
  for (const auto& [name, ignored] : identity) {
    const auto found = former.find(name);
    const std::string before = found != former.end() && found->is_string() ? found->get<std::string>() : "nothing";
    const std::string now = present->at(name).get<std::string>();
    if (before != now) return fmt::format("{} was {}, now {}", name, before, now);
  }
  return {};
}

// A locked plan file; -1 when there is none. Errors: already_exists (another run holds it), permission, io.
Result<int> lock_plan(const std::string& folder, bool creates) {
  const std::string path = plan_of(folder);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (creates ? O_CREAT : 0), 0666);
  if (descriptor < 0 && !creates && (errno == ENOENT || errno == ENOTDIR)) return -1;
  if (descriptor < 0) return write_error(path, "cannot be opened");
  // The run that held the lock may have moved or removed the file meanwhile.
  struct stat held, named;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && ::fstat(descriptor, &held) == 0 &&
      ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino)
    return descriptor;
  ::close(descriptor);
  return make_error(ErrorCode::already_exists, "{}: another run is writing it now", folder);
}

// Folders above `path` that are not there yet, the outermost first.
std::vector<std::string> missing_parents(const std::string& path) {
  std::vector<std::string> missing;
  for (std::string parent = parent_of(path); !is_there(parent) && parent != "." && parent != "/";
       parent = parent_of(parent))
    missing.insert(missing.begin(), parent);
  return missing;
}

}  // namespace

Result<PartialFolder> PartialFolder::open(const std::string& destination, const RunIdentity& identity,
                                          DestinationPolicy policy, const std::string& last_file) {
  PartialFolder folder;
  folder.destination_ = without_trailing_slashes(destination);
  folder.path_ = folder.destination_ + ".partial";
  folder.overwrites_ = policy.overwrite;
  NGFORGE_CHECK(folder.end_former_commit());
  const bool destination_exists = is_there(folder.destination_), partial_exists = is_there(folder.path_);
  if (destination_exists && policy.resume && !partial_exists) {
    if (!is_there(folder.destination_ + "/" + last_file))
      return make_error(ErrorCode::already_exists, "{}: expected a finished dataset, found something without {}",
                        folder.destination_, last_file);
    folder.is_complete_ = true;
    return folder;
  }
  if (destination_exists && !policy.overwrite && !policy.resume)
    return make_error(ErrorCode::already_exists, "{}: exists already", folder.destination_)
        .with_hint("replace it with --overwrite, or choose another destination");
  NGFORGE_CHECK(folder.check_partial(policy));
  NGFORGE_CHECK(folder.take(identity, policy));
  if (destination_exists && !folder.overwrites_)
    return make_error(ErrorCode::already_exists, "{}: exists already, and the run that left {} was not to replace it",
                      folder.destination_, folder.path_)
        .with_hint("replace it with --overwrite, or choose another destination");
  return folder;
}

// A run that was killed after its dataset took the name: what is left of the old one goes.
Result<void> PartialFolder::end_former_commit() {
  NGFORGE_TRY(const int descriptor, lock_plan(destination_, false));
  if (descriptor < 0) return {};
  const auto plan = parse_json(text_of_file(plan_of(destination_)), kPlanName);
  std::error_code code;
  const bool replaced = plan && plan->is_object() && plan->value(kOverwrites, false);
  if (replaced && !is_there(plan_of(path_))) fs::remove_all(path_, code);
  fs::remove(plan_of(destination_), code);
  ::close(descriptor);
  return {};
}

// What lies at DST.partial must be ours to touch.
Result<void> PartialFolder::check_partial(DestinationPolicy policy) const {
  if (!is_there(path_)) return {};
  std::error_code code;
  const bool is_ours = is_there(plan_of(path_)) || (fs::is_directory(path_, code) && fs::is_empty(path_, code));
  if (!is_ours)
    return make_error(ErrorCode::already_exists, "{}: expected what a run left, found something else", path_)
        .with_hint("move it away, or choose another destination");
  if (!policy.resume && !policy.overwrite)
    return make_error(ErrorCode::already_exists, "{}: left by a run that did not finish", path_)
        .with_hint(policy.is_resumable ? "go on with --resume, or start anew with --overwrite"
                                       : "start anew with --overwrite");
  return {};
}

Result<void> PartialFolder::take(const RunIdentity& identity, DestinationPolicy policy) {
  made_parents_ = missing_parents(path_);
  std::error_code code, ignored;
  fs::create_directories(parent_of(path_), code);
  if (code && !fs::is_directory(parent_of(path_), ignored)) {
    errno = code.value();
    return write_error(parent_of(path_), "cannot be created");
  }
  fs::create_directory(path_, code);
  if (code) {
    errno = code.value();
    Error error = write_error(path_, "cannot be created");
    remove_made_parents();
    return error;
  }
  NGFORGE_TRY(plan_descriptor_, lock_plan(path_, true));
  const std::string former = text_of_file(plan_of(path_));
  if (policy.resume && !former.empty()) {
    const auto plan = parse_json(former, kPlanName);
    const std::string what = plan && plan->is_object() ? difference(*plan, identity) : "its plan cannot be read";
    if (!what.empty())
      return make_error(ErrorCode::already_exists, "{}: cannot be resumed: {}", path_, what)
          .with_hint("start anew with --overwrite");
    is_resumed_ = true;
    overwrites_ = plan->value(kOverwrites, false);
    return {};
  }
  NGFORGE_CHECK(clear_folder(path_));
  const std::string plan = to_json(identity, overwrites_), path = plan_of(path_);
  if (::ftruncate(plan_descriptor_, 0) != 0) return write_error(path, "cannot be written");
  return write_at(plan_descriptor_, 0, std::as_bytes(std::span(plan)), path);
}

PartialFolder::PartialFolder(PartialFolder&& other) noexcept
    : destination_(std::move(other.destination_)),
      path_(std::move(other.path_)),
      made_parents_(std::move(other.made_parents_)),
      overwrites_(other.overwrites_),
      is_complete_(other.is_complete_),
      is_resumed_(other.is_resumed_),
      plan_descriptor_(std::exchange(other.plan_descriptor_, -1)) {}

PartialFolder::~PartialFolder() {
  if (plan_descriptor_ >= 0) ::close(plan_descriptor_);
}

// File systems that can neither exchange names nor refuse to replace (NFS): one rename after the other, and back when
// the second fails.
Result<void> PartialFolder::rename_in_steps() const {
  if (!is_there(destination_)) {
    if (::rename(path_.c_str(), destination_.c_str()) != 0) return write_error(destination_, "cannot be renamed to");
    return {};
  }
  const std::string old = destination_ + ".old";
  if (is_there(old))
    return make_error(ErrorCode::already_exists, "{}: in the way of replacing {}", old, destination_)
        .with_hint("move it away, then run the same command with --resume");
  if (::rename(destination_.c_str(), old.c_str()) != 0) return write_error(destination_, "cannot be replaced");
  if (::rename(path_.c_str(), destination_.c_str()) != 0) {
    const Error error = write_error(destination_, "cannot be replaced");
    ::rename(old.c_str(), destination_.c_str());
    return error;
  }
  std::error_code ignored;
  fs::remove_all(old, ignored);
  return {};
}

Result<void> PartialFolder::take_name() const {
  const auto rename_with = [&](unsigned flags) {
    return ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), flags) == 0;
  };
  if (rename_with(RENAME_NOREPLACE)) return {};
  const int cause = errno;
  const bool lacks_flags = cause == EINVAL || cause == ENOSYS || cause == ENOTSUP;
  if (is_there(destination_) && !overwrites_)
    return make_error(ErrorCode::already_exists, "{}: appeared while it was being made", destination_)
        .with_hint("move it away, then run the same command with --resume");
  if (lacks_flags) return rename_in_steps();
  if (!is_there(destination_)) {
    errno = cause;
    return write_error(destination_, "cannot be renamed to");
  }
  if (!rename_with(RENAME_EXCHANGE)) return write_error(destination_, "cannot be replaced");
  std::error_code ignored;
  fs::remove_all(path_, ignored);  // the old dataset, now under the partial's name
  return {};
}

Result<void> PartialFolder::commit() {
  sync_folder(path_);
  NGFORGE_CHECK(take_name());
  // The plan goes last: whatever happens before, the next run knows whose folders these are.
  std::error_code ignored;
  fs::remove(plan_of(destination_), ignored);
  sync_folder(parent_of(destination_));
  return {};
}

void PartialFolder::discard() {
  if (is_complete_) return;
  std::error_code code;
  if (clear_folder(path_)) fs::remove_all(path_, code);  // the plan last: until then the folder is known as ours
  remove_made_parents();
}

void PartialFolder::remove_made_parents() const {
  std::error_code ignored;
  for (auto parent = made_parents_.rbegin(); parent != made_parents_.rend(); ++parent)
    fs::remove(*parent, ignored);  // only while it is empty
}

}  // namespace ngforge
