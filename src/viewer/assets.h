// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "ngforge/store.h"

namespace ngforge {

/// A file of the Neuroglancer client, gzipped, in the program's read-only data.
struct ViewerAsset {
  const char* name;
  const std::byte *begin, *end;
};
/// All of them, by name; empty when the program was built without the viewer.
std::span<const ViewerAsset> viewer_assets();

/// The files as a read-only store, each with content_encoding gzip.
std::shared_ptr<Store> make_asset_store();

}  // namespace ngforge
