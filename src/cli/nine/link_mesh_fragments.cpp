// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"

namespace ngforge::cli::nine {
namespace {

// Cells of a table with commas between them; those in double quotes may have commas, lines and doubled quotes.
std::vector<std::vector<std::string>> rows_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  bool is_quoted = false, begins_row = true, begins_cell = true;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (begins_row) {
      rows.emplace_back();
      begins_row = false;
      begins_cell = true;
    }
    if (!is_quoted && (c == '\n' || c == '\r')) {
      if (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
      begins_row = true;
      continue;
    }
    if (rows.back().empty()) rows.back().emplace_back();
    if (c == '"' && (is_quoted || begins_cell)) {
      const bool is_doubled = is_quoted && at + 1 < text.size() && text[at + 1] == '"';
      if (is_doubled)
        rows.back().back() += text[at++];
      else
        is_quoted = !is_quoted;
      begins_cell = false;
      continue;
    }
    begins_cell = c == ',' && !is_quoted;
    if (begins_cell)
      rows.back().emplace_back();
    else
      rows.back().back() += c;
  }
  return rows;
}

Result<std::string> label_of(const std::vector<std::string>& row, std::size_t number, const std::string& table) {
  std::string_view text = row.empty() ? std::string_view() : std::string_view(row[0]);
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  std::uint64_t label = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (code != std::errc{} || end != text.data() + text.size())
    return make_error(ErrorCode::invalid_data, "{}: line {}: expected a label, found \"{}\"", table, number,
                      row.empty() ? "" : row[0]);
  return fmt::format("{}", label);
}

Result<int> link(const std::string& table, const DatasetFiles& files, const char* suffix) {
  NGFORGE_TRY(const Json info, files.read_info());
  if (!info.contains("mesh"))
    return make_error(ErrorCode::invalid_data, "{}/info: expected the member mesh, found none", files.place())
        .with_hint("use mesh-to-precomputed first");
  NGFORGE_TRY(const std::string folder, text_member(info, "mesh", files.place() + "/info"));
  std::ifstream file(table, std::ios::binary);
  if (!file) return make_error(ErrorCode::not_found, "{}: cannot be read", table);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::size_t number = 0;
  for (const auto& row : rows_of(text)) {
    NGFORGE_TRY(const std::string label, label_of(row, ++number, table));
    const Json fragments(std::vector<std::string>(row.begin() + 1, row.end()));
    for (std::size_t i = 1; i < row.size(); ++i) {
      const auto is_there = files.has(folder + "/" + row[i]);
      if (!is_there || !*is_there) tell("WARNING", fmt::format("missing fragment {}", row[i]));
    }
    NGFORGE_CHECK(files.add(folder + "/" + label + suffix,
                            Json{{"fragments", fragments}}.dump(-1, ' ', true, Json::error_handler_t::replace)));
  }
  return 0;
}

struct Options {
  std::string table, url;
  bool has_no_suffix = false;
  StorageOptions storage;  // manifests are small: they are never gzip
};

Result<int> run(const Options& options) {
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.url));
  return link(options.table, files, options.has_no_suffix ? "" : ":0");
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("input_csv", options->table, "CSV file: a label, then the names of its fragments, in each line");
  arguments.add_place("dest_url", options->url, "folder or URL of the dataset");
  arguments.add_flag({"--no-colon-suffix"}, options->has_no_suffix, true,
                     "call manifests 10 instead of 10:0, for systems whose file names have no colon");
  add_storage_options(arguments, options->storage, false);
  return [options](const std::stop_token&) { return run(*options); };
}

}  // namespace

extern const Descriptor link_mesh_fragments_command;
const Descriptor link_mesh_fragments_command{.name = "link-mesh-fragments",
                                             .summary = "Puts mesh fragments under labels of a segmentation.",
                                             .example = "link-mesh-fragments fragments.csv seg/",
                                             .add = add};

}  // namespace ngforge::cli::nine
