// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

/// What must be the same for a run to be resumed: names (options, source) and their values, in a fixed order.
using RunIdentity = std::vector<std::pair<std::string, std::string>>;

/// How a run treats what is already at its destination. A resumed run replaces an old destination when the run that it
/// goes on with was to do so. `is_resumable`: whether the command knows --resume.
struct DestinationPolicy {
  bool resume = false, overwrite = false, is_resumable = true;
};

/// A dataset that grows in DST.partial and takes the name DST once, when it is whole (COMMANDS.md, "Whole or not at
/// all"). Two processes cannot hold the same one: the plan file in it is locked.
class PartialFolder {
 public:
  /// Looks at DST and DST.partial and makes or takes over the latter. `last_file` is what every finished dataset has.
  /// Errors: already_exists (DST or DST.partial in the way, or not of our making; with resume: what differs),
  /// permission, io.
  static Result<PartialFolder> open(const std::string& destination, const RunIdentity& identity,
                                    DestinationPolicy policy, const std::string& last_file = "info");

  PartialFolder(PartialFolder&& other) noexcept;
  PartialFolder& operator=(PartialFolder&&) = delete;
  ~PartialFolder();

  /// With resume: DST is already there and whole; there is nothing to do.
  bool is_complete() const { return is_complete_; }
  /// With resume: a former run's files are in path().
  bool is_resumed() const { return is_resumed_; }
  const std::string& path() const { return path_; }

  /// Gives the folder its name, replacing an old DST in one step when the policy says overwrite. Everything must be in
  /// it.
  Result<void> commit();
  /// Removes what this run made (exits 1-4; all failures of a command that knows no --resume).
  void discard();

 private:
  PartialFolder() = default;
  Result<void> end_former_commit();
  Result<void> check_partial(DestinationPolicy policy) const;
  void remove_made_parents() const;
  Result<void> take(const RunIdentity& identity, DestinationPolicy policy);
  Result<void> take_name() const;
  Result<void> rename_in_steps() const;

  std::string destination_, path_;
  std::vector<std::string> made_parents_;  // the outermost first
  bool overwrites_ = false, is_complete_ = false, is_resumed_ = false;
  int plan_descriptor_ = -1;
};

}  // namespace ngforge
