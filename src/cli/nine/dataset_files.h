// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/nine/json.h"
#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge::cli::nine {

/// The path or web address that a dataset is named by: a path, file:///PATH with %XX, http(s)://, each perhaps behind
/// precomputed://. Errors: invalid_argument (another scheme, another machine's file).
Result<std::string> place_of(std::string_view url);

/// The small files of a dataset.
class DatasetFiles {
 public:
  /// `url` as place_of takes it. Nothing need be there. Errors: those of place_of.
  static Result<DatasetFiles> at(std::string_view url);

  const std::string& place() const { return place_; }
  /// The `info`. Errors: not_found and those of the store, invalid_data.
  Result<Json> read_info() const;
  /// Whether there is such a file, gzip or not. Errors: those of the store.
  Result<bool> has(const std::string& name) const;
  /// Writes a file that is not there yet; the dataset's folder is made. Errors: already_exists, those of the store.
  Result<void> add(const std::string& name, std::string_view bytes) const;
  /// Writes `info`: members by name, nothing between them. The former one is replaced.
  Result<void> replace_info(const Json& info) const;
  /// The same where there must be none yet.
  Result<void> add_info(const Json& info) const;
  /// Takes it away again, when the work that it was for has failed: it would be in the way of the next run.
  void remove_info() const;

 private:
  Result<void> put(const std::string& name, std::string_view bytes) const;

  std::string place_;
};

}  // namespace ngforge::cli::nine
