// SPDX-License-Identifier: Apache-2.0
#include "op/readers.h"

#include <fmt/format.h>

#include "codec/codec.h"

namespace ngforge {

std::vector<std::string> readers_that_cannot_open(const VolumeInfo& info, Layout layout, bool gzip) {
  std::vector<std::string> lines;
  if (is_signed(info.type) && is_integer(info.type))
    lines.push_back(
        fmt::format("WEBKNOSSOS cannot open {} (an unsigned type or float32 helps: --dtype)", name_of(info.type)));
  const CodecDescriptor* const codec = find_codec(info.scales.front().encoding);
  const bool suits_cseg = info.type == DataType::uint32 || info.type == DataType::uint64;
  if (codec != nullptr && *codec->unread_by != '\0')
    lines.push_back(fmt::format("{} cannot open {} (--encoding {} helps)", codec->unread_by, codec->name,
                                suits_cseg ? "cseg" : "raw"));
  const std::string_view encoding = info.scales.front().encoding;
  if ((encoding == "jpeg" || encoding == "png") && info.channels > 1)
    lines.push_back(fmt::format("cloud-volume mixes up the channels of {} (--encoding raw helps)", encoding));
  else if (encoding == "jxl" && info.channels > 1)
    lines.emplace_back("cloud-volume cannot open jxl of several channels (--encoding raw helps)");
  else if (encoding == "png" && info.type == DataType::uint16)
    lines.emplace_back("cloud-volume cannot open png of 16 bits (--encoding raw helps)");
  if (layout == Layout::deep)
    lines.emplace_back(
        "only ngforge and neuroglancer-scripts read the deep layout from disk; web servers must map names (--layout "
        "sharded or flat helps)");
  else if (layout == Layout::flat && gzip)
    lines.emplace_back(
        "tensorstore does not see chunk files with .gz names (--layout sharded, or --compress none, helps)");
  return lines;
}

std::string absent_chunks_notice() {
  return "cloud-volume opens it with fill_missing=True: chunks of zeros are left out (--keep-empty writes them)";
}

}  // namespace ngforge
