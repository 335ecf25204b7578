// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/volume_facts.h"

#include <cmath>
#include <set>

#include <fmt/ranges.h>

#include "cli/nine/json.h"
#include "cli/nine/nine.h"
#include "cli/nine/texts.h"
#include "ngforge/op.h"

namespace ngforge::cli::nine {
namespace {

constexpr double kNmPerMm = 1e6;

// "minishard,shard,preshift"
Result<std::array<Index, 3>> parse_bits(const std::string& text) {
  NGFORGE_TRY(const Json bits, parse(fmt::format("{{\"bits\": [{}]}}", text), "--sharding " + text));
  return integers_member(bits, "bits", 0, "--sharding " + text);
}

std::string list_of_floats(const std::array<double, 3>& values) {
  return fmt::format("[{}, {}, {}]", float_text(values[0]), float_text(values[1]), float_text(values[2]));
}

// Columns are directions, the translation is that of the corner.
Affine corner_transform(const Affine& affine_mm, const std::array<double, 3>& lengths_mm,
                        const std::array<double, 3>& resolution_nm) {
  Affine transform;
  for (std::size_t row = 0; row < 3; ++row) {
    double half_voxel = 0;
    for (std::size_t a = 0; a < 3; ++a) {
      transform.m[row][a] = affine_mm.m[row][a] / lengths_mm[a];
      half_voxel += transform.m[row][a] * (0.5 * resolution_nm[a]);
    }
    transform.m[row][3] = affine_mm.m[row][3] * kNmPerMm - half_voxel;
  }
  return transform;
}

// Rows of numbers; `write` makes a text of each.
template <class Write>
std::string matrix_text(const Affine& affine, std::string_view separator, Write&& write) {
  std::string text = "[";
  for (std::size_t row = 0; row < 4; ++row) {
    text += row == 0 ? "[" : fmt::format("{}[", separator);
    for (std::size_t column = 0; column < 4; ++column)
      text += fmt::format("{}{}", column == 0 ? "" : separator, write(affine.m[row][column]));
    text += ']';
  }
  return text + ']';
}

Result<VolumeFacts> facts_of(const Json& header, const ReadingOptions& options, const std::string& place) {
  VolumeFacts facts;
  NGFORGE_TRY(facts.size, integers_member(header, "size", 1, place));
  NGFORGE_TRY(facts.channels, integer_member(header, "num_channels", 1, place));
  NGFORGE_TRY(const std::string stored, text_member(header, "data_type", place));
  if (header.at("voxel_size_mm").is_null())
    return make_error(ErrorCode::needs_decision, "{}: the file does not say its voxel size", place);
  const bool is_scaled = header.at("slope") != 1 || header.at("intercept") != 0;
  facts.read_type = options.input_max || (is_scaled && !options.ignore_scaling) ? "float64" : stored;
  static const std::set<std::string> kTypes{"uint8", "uint16", "uint32", "uint64", "float32"};
  facts.data_type = kTypes.contains(facts.read_type) ? facts.read_type : "float32";
  Affine affine_mm;
  affine_mm.m = header.at("affine_mm").get<std::array<std::array<double, 4>, 4>>();
  std::array<double, 3> lengths_mm{};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto& m = affine_mm.m;
    lengths_mm[a] = std::sqrt(m[0][a] * m[0][a] + m[1][a] * m[1][a] + m[2][a] * m[2][a]);
    facts.resolution_nm[a] = lengths_mm[a] * kNmPerMm;
  }
  facts.transform = corner_transform(affine_mm, lengths_mm, facts.resolution_nm);
  return facts;
}

}  // namespace

std::optional<std::array<double, 2>> ReadingOptions::ends() const {
  if (!input_max) return std::nullopt;
  return {{input_min.value_or(0), *input_max}};
}

void add_reading_options(Arguments& arguments, ReadingOptions& options) {
  arguments.begin_group("How the volume is read");
  arguments.add_flag({"--ignore-scaling"}, options.ignore_scaling, true,
                     "take the stored values, not slope and intercept");
  arguments.add_flag({"--load-full-volume"}, options.is_loaded, true, "");
  arguments.add_flag({"--mmap"}, options.is_mapped, true,
                     "changes nothing: no volume is loaded as a whole, whatever its size");
  arguments.begin_group("What becomes of values");
  arguments.add_number("--input-min", options.input_min,
                       "the value that becomes the least of the data type (default: 0)");
  arguments.add_number("--input-max", options.input_max,
                       "the value that becomes the greatest of the data type, after slope and intercept");
}

std::optional<int> check_reading_options(const Arguments& arguments, const ReadingOptions& options) {
  if (!options.input_min || options.input_max) return std::nullopt;
  return arguments.fail("--input-min cannot be specified if --input-max is omitted");
}

Result<std::string> VolumeFacts::description(const std::string& sharding, bool has_gzip) const {
  std::string shards;
  if (!sharding.empty()) {
    NGFORGE_TRY(const auto bits, parse_bits(sharding));
    const char* const encoding = has_gzip ? "gzip" : "raw";
    shards = fmt::format(R"(,
            "sharding": {{
                "@type": "neuroglancer_uint64_sharded_v1",
                "minishard_bits": {},
                "shard_bits": {},
                "hash": "identity",
                "minishard_index_encoding": "{}",
                "data_encoding": "{}",
                "preshift_bits": {}
            }})",
                         bits[0], bits[1], encoding, encoding, bits[2]);
  }
  return fmt::format(R"({{
    "type": "image",
    "num_channels": {},
    "data_type": "{}",
    "scales": [
        {{
            "encoding": "raw",
            "size": [{}],
            "resolution": {},
            "voxel_offset": [0, 0, 0]{}
        }}
    ]
}})",
                     channels, data_type, fmt::join(size, ", "), list_of_floats(resolution_nm), shards);
}

std::string VolumeFacts::transform_json() const {
  return matrix_text(transform, ", ", float_text);
}

std::string VolumeFacts::transform_link() const {
  return matrix_text(transform, "_", [](double value) {
    const std::string text = float_text(value);
    return text.ends_with(".0") ? fmt::format("{:.0f}", value + 0.0) : text;
  });
}

Result<VolumeFacts> read_facts(const std::string& place, const ReadingOptions& options) {
  NGFORGE_TRY(const std::string text, describe(place, true, false));
  NGFORGE_TRY(const Json header, parse(text, place));
  if (!header.contains("affine_mm"))
    return make_error(ErrorCode::unsupported, "{}: expected a volume file, found a dataset", place);
  NGFORGE_TRY(const VolumeFacts facts, facts_of(header, options, place));
  tell("INFO", fmt::format("Input image shape is ({}{})", fmt::join(facts.size, ", "),
                           facts.channels == 1 ? "" : fmt::format(", {}", facts.channels)));
  tell("INFO", fmt::format("Input voxel size is {} x {} x {} mm", facts.resolution_nm[0] / kNmPerMm,
                           facts.resolution_nm[1] / kNmPerMm, facts.resolution_nm[2] / kNmPerMm));
  if (header.at("orientation").is_string())
    tell("INFO", fmt::format("Detected input axis orientations {}+", header.at("orientation").get<std::string>()));
  if (!facts.is_perfect())
    tell("WARNING",
         fmt::format("datasets are not made of {} values: data_type is float32; set another if that suits better "
                     "(uint8, uint16, uint32, uint64, int8, int16, int32): values are then rounded and clamped",
                     facts.read_type));
  return facts;
}

FillOptions fill_options(const ReadingOptions& reading, const StorageOptions& storage) {
  FillOptions fill;
  fill.ignore_scaling = reading.ignore_scaling;
  fill.ends = reading.ends();
  fill.storage = chunk_storage(storage);
  return fill;
}

void store_transform(const VolumeFacts& facts, const DatasetFiles& files) {
  if (const auto added = files.add("transform.json", facts.transform_json()); !added)
    tell("ERROR", added.error().message);
  tell("INFO", fmt::format("Neuroglancer transform of the converted volume (written to transform.json):\n{}",
                           facts.transform_link()));
}

}  // namespace ngforge::cli::nine
