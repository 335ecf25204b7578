// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include <unistd.h>

namespace ngforge::cli {
namespace {

constexpr const char* kRunGroup = "How it runs (never changes the result)";

Error wrong(std::string_view option, std::string_view expected, std::string_view found) {
  return make_error(ErrorCode::invalid_argument, "{}: expected {}, found \"{}\"", option, expected, found);
}

std::vector<std::string_view> split_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// The number in front; what follows it is left in `text`.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || !std::isfinite(value)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return value;
}

template <class T, class Parse>
Result<std::array<T, 3>> parse_triple(std::string_view text, std::string_view option, Parse&& parse) {
  const auto parts = split_commas(text);
  if (parts.size() != 1 && parts.size() != 3) return wrong(option, "X,Y,Z or one number", text);
  std::array<T, 3> triple{};
  for (std::size_t a = 0; a < 3; ++a) {
    NGFORGE_TRY(triple[a], parse(parts[parts.size() == 1 ? 0 : a]));
  }
  return triple;
}

// "1 to 100", "xy|xz".
std::string values_of(const EncodingOption& option) {
  if (option.names.empty()) return fmt::format("{} to {}", option.low, option.high);
  return fmt::format("{}", fmt::join(option.names, "|"));
}

std::string initial_of(const EncodingOption& option) {
  if (option.names.empty()) return fmt::format("{}", option.initial);
  return option.names[static_cast<std::size_t>(option.initial - option.low)];
}

Result<int> parse_value(std::string_view text, const EncodingOption& option) {
  const std::string name = "--" + option.name;
  if (option.names.empty()) {
    NGFORGE_TRY(const Index number, parse_integer(text, name, option.low, option.high));
    return static_cast<int>(number);
  }
  const auto found = std::ranges::find(option.names, text);
  if (found == option.names.end()) return wrong(name, values_of(option), text);
  return option.low + static_cast<int>(found - option.names.begin());
}

}  // namespace

Result<Index> parse_integer(std::string_view text, std::string_view option, Index low, Index high) {
  Index value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value < low || value > high)
    return wrong(option,
                 high == INT64_MAX ? fmt::format("a whole number of at least {}", low)
                                   : fmt::format("a whole number from {} to {}", low, high),
                 text);
  return value;
}

Result<double> parse_number(std::string_view text, std::string_view option) {
  std::string_view rest = text;
  const auto value = take_number(rest);
  if (!value || !rest.empty()) return wrong(option, "a number", text);
  return *value;
}

Result<std::uint64_t> parse_size(std::string_view text, std::string_view option) {
  std::string_view unit = text;
  const auto value = take_number(unit);
  static constexpr std::pair<std::string_view, double> kUnits[] = {{"", 1},
                                                                   {"B", 1},
                                                                   {"kB", 1e3},
                                                                   {"KB", 1e3},
                                                                   {"MB", 1e6},
                                                                   {"GB", 1e9},
                                                                   {"TB", 1e12},
                                                                   {"KiB", 1024.0},
                                                                   {"MiB", 1048576.0},
                                                                   {"GiB", 1073741824.0},
                                                                   {"TiB", 1099511627776.0}};
  if (value)
    for (const auto& [name, factor] : kUnits)
      if (unit == name && *value * factor >= 1 && *value * factor < 9e18)
        return static_cast<std::uint64_t>(*value * factor);
  return wrong(option, "a size such as 512MiB or 2GB", text);
}

Result<double> parse_length_nm(std::string_view text, std::string_view option) {
  std::string_view unit = text;
  const auto value = take_number(unit);
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1}, {"nm", 1}, {"um", 1e3}, {"\u00b5m", 1e3}, {"mm", 1e6}, {"cm", 1e7}, {"m", 1e9}};
  if (value)
    for (const auto& [name, factor] : kUnits)
      if (unit == name && *value > 0) return *value * factor;
  return wrong(option, "a length such as 8nm, 0.5um or 1mm", text);
}

Result<std::array<Index, 3>> parse_index_triple(std::string_view text, std::string_view option, Index low, Index high) {
  return parse_triple<Index>(text, option,
                             [&](std::string_view part) { return parse_integer(part, option, low, high); });
}

Result<std::array<double, 3>> parse_length_triple_nm(std::string_view text, std::string_view option) {
  return parse_triple<double>(text, option, [&](std::string_view part) { return parse_length_nm(part, option); });
}

Result<std::vector<Index>> parse_shape(std::string_view text, std::string_view option) {
  std::vector<Index> shape;
  for (const std::string_view part : split_commas(text)) {
    NGFORGE_TRY(shape.emplace_back(), parse_integer(part, option, 1, INT64_MAX));
  }
  if (shape.size() < 2 || shape.size() > 4) return wrong(option, "X,Y,Z or X,Y,Z,CHANNELS", text);
  return shape;
}

void add_place(CLI::App& app, const std::string& name, std::string& place, const std::string& text) {
  const auto check = [](const std::string& value) {
    return value.empty() ? std::string("expected a path or URL, found \"\"") : std::string();
  };
  app.add_option(name, place, text)->required()->type_name("")->check(CLI::Validator(check, ""));
}

void add_mesh_folder(CLI::App& app, MeshFolderOptions& options, const std::string& initial_format,
                     const std::string& initial_layout) {
  app.add_option("--format", options.format,
                 fmt::format("multires: levels of detail, compressed by Draco; legacy: one plain mesh for each label "
                             "[{}]",
                             initial_format))
      ->type_name("multires|legacy");
  app.add_option("--layout", options.layout,
                 fmt::format("sharded: few files; flat: two files for each label [{}]", initial_layout))
      ->type_name("sharded|flat");
  app.add_option("--mesh-dir", options.mesh_dir, "The folder of meshes [what info names, else mesh]")
      ->type_name("NAME");
  app.add_flag_callback(
      "--no-colon-suffix", [&options] { options.has_colon_suffix = false; },
      "Call legacy manifests ID, not ID:0, for systems whose file names have no colon");
}

void RunGroup::add_to(CLI::App& app) {
  const char* group = kRunGroup;
  app.add_option("--threads", threads_, "Threads to work with [all cores]")->type_name("N")->group(group);
  app.add_option("--memory", memory_,
                 "Memory to stay under; the rest goes through scratch [a quarter of the machine, at most 4GiB]")
      ->type_name("SIZE")
      ->group(group);
  app.add_option("--scratch", scratch_, "Folder for what does not fit the memory [beside the destination]")
      ->type_name("DIR")
      ->group(group);
  add_told_to(app);
}

void RunGroup::add_told_to(CLI::App& app) {
  const char* group = kRunGroup;
  app.add_option("--progress", progress_,
                 "A bar on a terminal, JSON lines, or silence; auto: a bar on a terminal, else silence [auto]")
      ->type_name("auto|bar|json|none")
      ->group(group);
  app.add_option("--log-level", log_level_, "Errors only, or also choices that were made [info]")
      ->type_name("error|info")
      ->group(group);
  app.add_flag("--quiet", quiet_, "Errors only, no progress")->group(group);
}

Result<RunOptions> RunGroup::resolve(const CommandContext& context) const {
  RunOptions run;
  run.stop = context.stop;
  run.scratch = scratch_;
  if (!threads_.empty()) {
    NGFORGE_TRY(const Index threads, parse_integer(threads_, "--threads", 1, 1024));
    run.threads = static_cast<int>(threads);
  }
  if (!memory_.empty()) {
    NGFORGE_TRY(run.memory_bytes, parse_size(memory_, "--memory"));
  }
  if (log_level_ != "error" && log_level_ != "info") return wrong("--log-level", "error|info", log_level_);
  if (progress_ != "auto" && progress_ != "bar" && progress_ != "json" && progress_ != "none")
    return wrong("--progress", "auto|bar|json|none", progress_);
  const bool bar = progress_ == "bar" || (progress_ == "auto" && ::isatty(STDERR_FILENO) != 0);
  if (!quiet_ && (bar || progress_ == "json")) {
    context.teller->show(bar ? Teller::Kind::bar : Teller::Kind::lines);
    run.on_progress = [teller = context.teller](const Progress& progress) { teller->tell(progress); };
  }
  if (!quiet_ && log_level_ == "info")
    run.on_notice = [teller = context.teller](const std::string& line) { teller->tell_notice(line); };
  return run;
}

void VolumeGroup::add_to(CLI::App& app, bool writes) {
  const std::size_t others = app.get_options().size();
  const char* what = "What it becomes";
  app.add_option("--type", options_.type, "What the values mean [from the header]")
      ->type_name("image|segmentation")
      ->group(what);
  std::string encodings = "auto";
  for (const EncodingName& encoding : all_encodings())
    encodings += '|' + encoding.name + (encoding.alias.empty() ? "" : '|' + encoding.alias);
  app.add_option("--encoding", options_.encoding,
                 "How chunks hold their voxels [auto: cseg for 32 and 64-bit labels, else raw]")
      ->type_name(encodings)
      ->group(what);
  app.add_option("--block", block_, "Block of compressed_segmentation [8,8,8]")->type_name("X,Y,Z")->group(what);
  for (const EncodingOption& option : all_encoding_options())
    app.add_option("--" + option.name, encoding_options_[option.name],
                   fmt::format("{}{} [{}]", option.help, option.names.empty() ? ", " + values_of(option) : "",
                               initial_of(option)))
        ->type_name(option.names.empty() ? "N" : values_of(option))
        ->group(what);
  app.add_option("--chunk-size", chunk_size_, "Shape of the chunks [64^3 voxels, least elongated in nm]")
      ->type_name("X,Y,Z")
      ->group(what);
  if (writes) {
    app.add_option("--layout", options_.layout,
                   "Shard files, a file for each chunk, or such files in nested folders [sharded]")
        ->type_name("sharded|flat|deep")
        ->group(what);
    app.add_option("--compress", options_.compress, "Of chunks; zstd and blosc in .zarr only [gzip; in .zarr zstd]")
        ->type_name("gzip|none|zstd|blosc")
        ->group(what);
    app.add_option("--level", level_,
                   "Level of the compressor: gzip 0 to 12, zstd 1 to 12, blosc 0 to 9 [gzip 6, zstd 3, blosc 5]")
        ->type_name("N")
        ->group(what);
    app.add_option("--shard-size", shard_size_, "Uncompressed voxels in a shard [512MiB]")
        ->type_name("SIZE")
        ->group(what);
    app.add_option("--sharding", options_.sharding, "Bits: PRESHIFT,MINISHARD,SHARD[,identity|murmurhash3_x86_128]")
        ->type_name("BITS")
        ->group(what);
  }
  app.add_flag("--keep-empty", options_.keep_empty, "Keep chunks that are all zero")->group(what);
  const char* pyramid = "Scales";
  app.add_option("--downsample", options_.downsample,
                 "How voxels become coarser ones [auto: average for images, majority for labels]")
      ->type_name("auto|average|majority|stride|min|max|median")
      ->group(pyramid);
  app.add_option("--factor", options_.factor,
                 "By what sizes are divided from scale to scale; a tuple for each step: 2,2,1;2,2,2 [auto: towards "
                 "isotropic voxels]")
      ->type_name("auto|X,Y,Z")
      ->group(pyramid);
  app.add_option("--scales", scales_,
                 "How many scales; 1 is full resolution only; keep: those that the source has [until one chunk holds "
                 "the volume]")
      ->type_name("N|keep")
      ->group(pyramid);
  app.add_option("--outside", options_.outside,
                 "What cells at the border average over: real voxels only, or a value beyond them [edge]")
      ->type_name("edge|V")
      ->group(pyramid);
  const char* where = "Where it lies, and what of it";
  app.add_option("--voxel-size", voxel_size_, "Voxel size, with unit: 8nm,8nm,40nm [from the source]")
      ->type_name("X,Y,Z")
      ->group(where);
  app.add_option("--voxel-offset", voxel_offset_, "Voxel of the volume's corner [from the source, else 0]")
      ->type_name("X,Y,Z")
      ->group(where);
  app.add_option("--orientation", options_.orientation, "Direction of the output axes, 48 codes [RAS]")
      ->type_name("CODE")
      ->group(where);
  app.add_option("--input-orientation", options_.source.input_orientation,
                 "Direction of columns, rows and slices of pictures, 48 codes [column x, row y, slice z]")
      ->type_name("CODE")
      ->group(where);
  app.add_option("--crop", options_.crop, "X0:X1,Y0:Y1,Z0:Z1 in output voxels, half open")
      ->type_name("BOX")
      ->group(where);
  app.add_option("--shape", shape_, "Raw binary: sizes, the fastest axis first (--dtype is then the stored type)")
      ->type_name("X,Y,Z[,C]")
      ->group(where);
  app.add_option("--channel", options_.channel, "One channel, or all [all]")->type_name("N|all")->group(where);
  app.add_option("--time", time_, "One time point")->type_name("N")->group(where);
  const char* values = "Values";
  app.add_option("--dtype", options_.dtype, "Convert to this type, rounding and clamping")
      ->type_name("T")
      ->group(values);
  app.add_option("--window", window_, "Values that become the whole range of the type")
      ->type_name("LO,HI")
      ->group(values);
  app.add_option("--nan", nan_, "What NaN becomes")->type_name("V")->group(values);
  app.add_option("--complex", options_.complex_part, "What complex values become")
      ->type_name("abs|phase|real|imag")
      ->group(values);
  app.add_flag("--ignore-scaling", options_.ignore_scaling, "Take stored integers, not slope and intercept")
      ->group(values);
  const auto all = std::as_const(app).get_options();
  added_.assign(all.begin() + static_cast<std::ptrdiff_t>(others), all.end());
}

Result<void> VolumeGroup::refuse(const std::string& place) const {
  const auto given = std::ranges::find_if(added_, [](const CLI::Option* option) { return option->count() > 0; });
  if (given == added_.end()) return {};
  return make_error(ErrorCode::invalid_argument, "{}: expected a volume as destination, found {}", (*given)->get_name(),
                    place);
}

Result<VolumeOptions> VolumeGroup::resolve() const {
  VolumeOptions options = options_;
  if (!level_.empty()) {
    NGFORGE_TRY(const Index level, parse_integer(level_, "--level", 0, 12));
    options.level = static_cast<int>(level);
  }
  if (!shard_size_.empty()) {
    NGFORGE_TRY(options.shard_bytes, parse_size(shard_size_, "--shard-size"));
  }
  if (!chunk_size_.empty()) {
    NGFORGE_TRY(options.chunk_size_xyz, parse_index_triple(chunk_size_, "--chunk-size", 1, 2048));
  }
  if (!block_.empty()) {
    NGFORGE_TRY(options.block_size_xyz, parse_index_triple(block_, "--block", 1, 64));
  }
  for (const EncodingOption& option : all_encoding_options()) {
    const auto given = encoding_options_.find(option.name);
    if (given == encoding_options_.end() || given->second.empty()) continue;
    NGFORGE_TRY(options.encoding_options[option.name], parse_value(given->second, option));
  }
  options.keep_scales = scales_ == "keep";
  if (!scales_.empty() && !options.keep_scales) {
    NGFORGE_TRY(const Index scales, parse_integer(scales_, "--scales", 1, 64));
    options.scales = static_cast<int>(scales);
  }
  if (!voxel_size_.empty()) {
    NGFORGE_TRY(options.voxel_size_nm, parse_length_triple_nm(voxel_size_, "--voxel-size"));
  }
  if (!voxel_offset_.empty()) {
    NGFORGE_TRY(options.voxel_offset,
                parse_index_triple(voxel_offset_, "--voxel-offset", -(Index{1} << 53), Index{1} << 53));
  }
  if (!window_.empty()) {
    const auto parts = split_commas(window_);
    if (parts.size() != 2) return wrong("--window", "LO,HI", window_);
    NGFORGE_TRY(const double low, parse_number(parts[0], "--window"));
    NGFORGE_TRY(const double high, parse_number(parts[1], "--window"));
    options.window = {{low, high}};
  }
  if (!nan_.empty()) {
    NGFORGE_TRY(options.nan, parse_number(nan_, "--nan"));
  }
  if (!shape_.empty()) {
    NGFORGE_TRY(options.source.shape, parse_shape(shape_, "--shape"));
  }
  options.source.dtype = options.dtype;
  if (!time_.empty()) {
    NGFORGE_TRY(options.time, parse_integer(time_, "--time", 0, INT64_MAX));
  }
  if (!options.complex_part.empty() && options.complex_part != "abs" && options.complex_part != "phase" &&
      options.complex_part != "real" && options.complex_part != "imag")
    return wrong("--complex", "abs|phase|real|imag", options.complex_part);
  return options;
}

}  // namespace ngforge::cli
