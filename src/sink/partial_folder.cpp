// SPDX-License-Identifier: Apache-2.0
#include "sink/partial_folder.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/json.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPlanName = ".ngforge-plan.json";

// Removes every file that is not finished business of a former run; the plan file is kept open and locked.
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

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string to_json(const RunIdentity& identity) {
  Json json = Json::object();
  for (const auto& [name, value] : identity) json[name] = value;
  return dump_json(json);
}

// The first difference between a former plan and this one, or "".
std::string difference(const std::string& former, const RunIdentity& identity) {
  const auto json = parse_json(former, kPlanName);
  if (!json || !json->is_object()) return "its plan cannot be read";
  for (const auto& [name, value] : identity) {
    const auto found = json->find(name);
    const std::string before = found != json->end() && found->is_string() ? found->get<std::string>() : "nothing";
    if (before != value) return fmt::format("{} was {}, now {}", name, before, value);
  }
  return {};
}

}  // namespace

Result<PartialFolder> PartialFolder::open(const std::string& destination, const RunIdentity& identity,
                                          DestinationPolicy policy) {
  PartialFolder folder;
  folder.destination_ = without_trailing_slashes(destination);
  folder.path_ = folder.destination_ + ".partial";
  folder.overwrite_ = policy.overwrite;
  std::error_code code;
  const bool destination_exists = fs::exists(fs::symlink_status(folder.destination_, code));
  const bool partial_exists = fs::exists(fs::symlink_status(folder.path_, code));
  if (destination_exists && policy.resume && !partial_exists) {
    if (!fs::exists(folder.destination_ + "/info", code))
      return make_error(ErrorCode::already_exists, "{}: expected a finished dataset, found something without info",
                        folder.destination_);
    folder.is_complete_ = true;
    return folder;
  }
  if (destination_exists && !policy.overwrite && !policy.resume)
    return make_error(ErrorCode::already_exists, "{}: exists already", folder.destination_)
        .with_hint("replace it with --overwrite, or choose another destination");
  if (partial_exists && !policy.resume && !policy.overwrite)
    return make_error(ErrorCode::already_exists, "{}: left by a run that did not finish", folder.path_)
        .with_hint("go on with --resume, or start anew with --overwrite");
  NGFORGE_CHECK(folder.take(identity, policy));
  return folder;
}

Result<void> PartialFolder::lock_plan() {
  const std::string plan_path = path_ + "/" + kPlanName;
  plan_descriptor_ = ::open(plan_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (plan_descriptor_ < 0) return system_error(plan_path, "cannot be created");
  if (::flock(plan_descriptor_, LOCK_EX | LOCK_NB) != 0)
    return make_error(ErrorCode::already_exists, "{}: another run is writing it now", path_);
  return {};
}

Result<void> PartialFolder::take(const RunIdentity& identity, DestinationPolicy policy) {
  std::error_code code;
  fs::create_directories(parent_of(path_), code);
  if (code && !fs::is_directory(parent_of(path_))) {
    errno = code.value();
    return system_error(parent_of(path_), "cannot be created");
  }
  fs::create_directory(path_, code);
  if (code) {
    errno = code.value();
    return system_error(path_, "cannot be created");
  }
  NGFORGE_CHECK(lock_plan());
  const std::string plan_path = path_ + "/" + kPlanName;
  std::ifstream stream(plan_path, std::ios::binary);
  const std::string former{std::istreambuf_iterator<char>(stream), {}};
  if (policy.resume && !former.empty()) {
    if (const std::string what = difference(former, identity); !what.empty())
      return make_error(ErrorCode::already_exists, "{}: cannot be resumed: {}", path_, what)
          .with_hint("start anew with --overwrite");
    is_resumed_ = true;
    return {};
  }
  NGFORGE_CHECK(clear_folder(path_));
  const std::string plan = to_json(identity);
  if (::ftruncate(plan_descriptor_, 0) != 0) return system_error(plan_path, "cannot be written");
  return write_at(plan_descriptor_, 0, std::as_bytes(std::span(plan)), plan_path);
}

PartialFolder::PartialFolder(PartialFolder&& other) noexcept
    : destination_(std::move(other.destination_)),
      path_(std::move(other.path_)),
      overwrite_(other.overwrite_),
      is_complete_(other.is_complete_),
      is_resumed_(other.is_resumed_),
      plan_descriptor_(std::exchange(other.plan_descriptor_, -1)) {}

PartialFolder::~PartialFolder() {
  if (plan_descriptor_ >= 0) ::close(plan_descriptor_);
}

Result<void> PartialFolder::commit() {
  sync_folder(path_);
  std::error_code code;
  // The plan goes last: a folder without it is either whole or not ours.
  fs::remove(path_ + "/" + kPlanName, code);
  const unsigned flags = RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), flags) != 0) {
    // File systems without the flag answer EINVAL; what is there may then only be replaced when that was asked for.
    const bool unsupported = errno == EINVAL || errno == ENOSYS;
    const bool exists = fs::exists(fs::symlink_status(destination_, code));
    if (exists && !overwrite_)
      return make_error(ErrorCode::already_exists, "{}: appeared while it was being made", destination_);
    if (!exists && unsupported) {
      if (::rename(path_.c_str(), destination_.c_str()) != 0) return system_error(destination_, "cannot be renamed to");
    } else if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), RENAME_EXCHANGE) == 0) {
      fs::remove_all(path_, code);  // the old dataset, now under the partial's name
    } else {
      return system_error(destination_, "cannot be replaced");
    }
  }
  sync_folder(parent_of(destination_));
  return {};
}

void PartialFolder::discard() {
  if (is_complete_) return;
  std::error_code code;
  fs::remove_all(path_, code);
}

}  // namespace ngforge
