// SPDX-License-Identifier: Apache-2.0
#include "op/check_info.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "codec/codec.h"

namespace ngforge {
namespace {

class InfoCheck {
 public:
  InfoCheck(const VolumeInfo& info, Store& store, FindingList& findings)
      : info_(info), store_(store), findings_(findings) {}

  void run() {
    check_type();
    for (std::size_t k = 0; k < info_.scales.size(); ++k) {
      check_bounds(k);
      check_chunk_size(k);
      check_encoding(k);
      if (k > 0) check_order(k);
      for (std::size_t other = 0; other < k; ++other)
        if (info_.scales[other].key == info_.scales[k].key)
          find(k, FindingCode::same_key,
               fmt::format("expected a folder for each scale, found \"{}\" in scales {} and {}: one is shown with the "
                           "chunks of the other; they were not looked at",
                           info_.scales[k].key, other, k),
               "correct key in info");
    }
    check_link("mesh", info_.mesh, "meshes");
    check_link("skeletons", info_.skeletons, "skeletons");
    check_link("segment_properties", info_.segment_properties, "names of segments");
  }

 private:
  void find(std::size_t scale, FindingCode code, std::string message, std::string hint) {
    findings_.add(static_cast<int>(scale), code, "info",
                  fmt::format("scale {}: {}", info_.scales[scale].key, std::move(message)), std::move(hint));
  }
  void find(FindingCode code, std::string message, std::string hint) {
    findings_.add(FindingList::kDataset, code, "info", std::move(message), std::move(hint));
  }

  void check_type() {
    if (!info_.is_segmentation) return;
    if (info_.channels != 1)
      find(FindingCode::bad_info,
           fmt::format("num_channels: expected 1 in a segmentation, found {}: the viewer refuses it", info_.channels),
           "use type image");
    if (info_.type == DataType::float32)
      find(FindingCode::bad_info,
           "data_type: expected integers in a segmentation, found float32: the viewer refuses it", "use type image");
  }

  void check_bounds(std::size_t k) {
    const ScaleInfo& scale = info_.scales[k];
    for (std::size_t a = 0; a < 3; ++a) {
      constexpr Index kFloatExact = Index{1} << 24;
      const Index far = std::max(std::abs(scale.voxel_offset[a]), std::abs(scale.voxel_offset[a] + scale.size_xyz[a]));
      if (far > kFloatExact && static_cast<Index>(static_cast<float>(far)) != far)
        find(k, FindingCode::inexact_bounds,
             fmt::format("expected bounds that float32 can hold, found {} along {}: the viewer asks for wrong chunks",
                         far, "xyz"[a]),
             "move the volume with --voxel-offset");
    }
  }

  void check_chunk_size(std::size_t k) {
    constexpr Index kTextureSide = 2048;
    const ScaleInfo& scale = info_.scales[k];
    // Labels of 32 and 64 bits become compressed_segmentation on their way to the screen, which is no 3-D texture.
    if (scale.encoding == "compressed_segmentation" || (info_.is_segmentation && size_of(info_.type) >= 4)) return;
    for (std::size_t a = 0; a < 3; ++a)
      if (std::min(scale.chunk_size()[a], scale.size_xyz[a]) > kTextureSide)
        find(k, FindingCode::large_chunk,
             fmt::format("expected chunks of at most {} voxels along {}, found {}: the viewer shows nothing",
                         kTextureSide, "xyz"[a], scale.chunk_size()[a]),
             "convert with a smaller --chunk-size");
  }

  // What the viewer makes of an encoding (specification, 1.3): nothing when it is well.
  std::string_view trouble_of(const std::string& encoding) const {
    const DataType type = info_.type;
    const Index channels = info_.channels;
    const bool is_label = is_integer(type) && !is_signed(type);
    if (encoding == "jpeg" && (type != DataType::uint8 || (channels != 1 && channels != 3)))
      return "expected uint8 of 1 or 3 channels in jpeg";
    if (encoding == "png" && ((type != DataType::uint8 && type != DataType::uint16) || channels > 4))
      return "expected uint8 or uint16 of 1 to 4 channels in png";
    if (encoding == "png" && type == DataType::uint16 && channels > 1) return "expected 1 channel in png of 16 bits";
    if (encoding == "jxl" && type != DataType::uint8) return "expected uint8 in jxl";
    if (encoding == "compressed_segmentation" && type != DataType::uint32 && type != DataType::uint64)
      return "expected uint32 or uint64 in compressed_segmentation";
    if (encoding == "compresso" && (!is_label || channels != 1))
      return "expected unsigned integers of 1 channel in compresso";
    return {};
  }

  void check_encoding(std::size_t k) {
    const std::string& encoding = info_.scales[k].encoding;
    if (const auto trouble = trouble_of(encoding); !trouble.empty())
      find(k, FindingCode::misread_encoding,
           fmt::format("{}, found {} of {}: the viewer shows wrong values or nothing", trouble, info_.channels,
                       name_of(info_.type)),
           "convert with another --encoding");
    else if (find_decoder(encoding, info_.type, info_.channels) == nullptr)
      find(k, FindingCode::unknown_encoding,
           fmt::format("expected an encoding that this build can decode, found {} of {} channel(s) of {}: its chunks "
                       "were not looked at",
                       encoding, info_.channels, name_of(info_.type)),
           "ngforge formats lists what can be decoded");
  }

  void check_order(std::size_t k) {
    const ScaleInfo &scale = info_.scales[k], &finer = info_.scales[k - 1];
    if (scale.chunk_sizes.size() != finer.chunk_sizes.size())
      find(
          k, FindingCode::bad_info,
          fmt::format("chunk_sizes: expected {} of them as in scale {}, found {}: the viewer does not show it with the "
                      "others",
                      finer.chunk_sizes.size(), finer.key, scale.chunk_sizes.size()),
          "give every scale as many chunk_sizes");
    for (std::size_t a = 0; a < 3; ++a)
      if (scale.resolution_nm[a] < finer.resolution_nm[a])
        find(
            k, FindingCode::scale_order,
            fmt::format("expected voxels of at least {} nm along {} as in the scale before, found {}: the viewer shows "
                        "the wrong scale",
                        finer.resolution_nm[a], "xyz"[a], scale.resolution_nm[a]),
            "list the scales from fine to coarse in info");
  }

  void check_link(const char* member, std::string folder, std::string_view what) {
    while (folder.ends_with("/")) folder.pop_back();
    if (folder.empty() || folder.find("..") != std::string::npos) return;
    const auto is_there = [&] {
      const auto found = store_.stat(folder + "/info");
      if (found || found.error().code != ErrorCode::not_found) return true;
      // Meshes of the oldest kind have no info.
      const auto names = store_.list(folder + "/");
      return std::string_view(member) == "mesh" &&
             (names ? !names->empty() : names.error().code != ErrorCode::not_found);
    };
    if (!is_there())
      find(FindingCode::missing_link,
           fmt::format("{}: expected a folder \"{}\" with an info, found none: the viewer shows no {}", member, folder,
                       what),
           "restore the folder, or take the member out of info");
  }

  const VolumeInfo& info_;
  Store& store_;
  FindingList& findings_;
};

}  // namespace

void check_info(const VolumeInfo& info, Store& store, FindingList& findings) {
  InfoCheck(info, store, findings).run();
}

}  // namespace ngforge
