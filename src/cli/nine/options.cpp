// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/options.h"

#include <charconv>

#include <fmt/format.h>

namespace ngforge::cli::nine {

void add_kind_options(Arguments& arguments, std::optional<std::string>& type, std::optional<std::string>& encoding) {
  arguments.add_choice("--type", {"image", "segmentation"}, type,
                       "type of the dataset (default: as described, else image)");
  arguments.add_choice("--encoding", {"raw", "jpeg", "compressed_segmentation"}, encoding,
                       "encoding of chunks (default: as described, else raw)");
}

void add_storage_options(Arguments& arguments, StorageOptions& options, bool has_chunks) {
  arguments.begin_group("How files are stored");
  arguments.add_flag({"--no-gzip", "--no-compression"}, options.has_gzip, false, "no gzip around files");
  const auto take_level = [&options](const std::string& text) -> std::optional<std::string> {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), options.level);
    if (code != std::errc{} || end != text.data() + text.size()) return fmt::format("invalid int value: '{}'", text);
    if (options.level >= 0 && options.level <= 9) return std::nullopt;
    return fmt::format("invalid choice: {} (choose from 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", options.level);
  };
  arguments.add_value("--compresslevel", "{0,1,2,3,4,5,6,7,8,9}", take_level, "level of gzip (default: 9)");
  if (has_chunks)
    arguments.add_flag({"--flat"}, options.is_flat, true,
                       "all chunks of a scale in one folder, under the names that viewers ask for; without it they lie "
                       "in folders by axis, for which a web server must rewrite names (ngforge serve does)");
}

}  // namespace ngforge::cli::nine
