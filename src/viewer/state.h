// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"

namespace ngforge {

/// Where a viewer is that anyone can use; a server of ours has its own.
inline constexpr const char* kPublicViewer = "https://neuroglancer-demo.appspot.com/";

/// How many colours of segments a state may have: with more, the viewer chooses its own.
inline constexpr std::size_t kMostColors = 4096;

/// A dataset and where the browser finds it.
struct ViewerLayer {
  const Dataset* dataset = nullptr;
  std::string url;                                // "http://127.0.0.1:9123/data/t1/": the folder of its `info`
  std::vector<std::string> segments;              // ids to select; empty: all are shown
  std::optional<std::array<double, 2>> contrast;  // range of a grey image; none: the whole range of its type
};

/// What the viewer takes as `source.transform`: T's first three rows, rotation columns times resolution_nm, to
/// dimensions of 1e-9 m. "null" when the dataset has no transform. JSON text.
std::string layer_transform(const Dataset& dataset);
/// The layer's `source.url`: URL|neuroglancer-precomputed:
std::string layer_source(const std::string& url);
/// The whole layer object as JSON text.
std::string layer_json(const ViewerLayer& layer);
/// The viewer's state: layers, dimensions (when a dataset has a transform millimetres, of small voxels micrometres or
/// nanometres; else voxels of the first), position at the centre of the first volume, else surface, zoomed so that it
/// fits. JSON text.
std::string viewer_state(std::span<const ViewerLayer> layers);
/// Finds the contrast of a layer that is shown with one. Errors: those of Dataset::contrast.
Result<void> find_contrast(ViewerLayer& layer);
/// The link that opens a viewer with this state: URL#!STATE, encoded as the viewer does.
std::string viewer_link(const std::string& viewer_url, const std::string& state);

}  // namespace ngforge
