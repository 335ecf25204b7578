// SPDX-License-Identifier: Apache-2.0
#include "op/value_plan.h"

#include <string_view>
#include <utility>

namespace ngforge {
namespace {

Error needs_dtype(const VolumeHeader& header, std::string_view why, std::string_view example = "float32") {
  return make_error(ErrorCode::needs_decision, "{} values cannot be stored as they are: {}", name_of(header.type), why)
      .with_hint(
          header.type_is_asked
              ? fmt::format("name the stored type in the place, FILE|raw:{}, and say with --dtype what becomes of "
                            "it, for example --dtype {}",
                            name_of(header.type), example)
              : fmt::format("choose with --dtype, for example --dtype {}", example));
}

bool is_complex(StoredType type) {
  return type == StoredType::complex64 || type == StoredType::complex128 || type == StoredType::complex256;
}

// The output type when --dtype does not name it.
Result<DataType> natural_type(const VolumeHeader& header, const ValueMap& map, bool is_segmentation, DatasetKind kind) {
  const bool scaled = map.slope != 1 || map.intercept != 0;
  StoredType type = header.type;
  if (is_complex(type)) {
    if (map.complex_part == ComplexPart::none)
      return make_error(ErrorCode::needs_decision, "{} values cannot be shown as they are", name_of(type))
          .with_hint("choose with --complex abs|phase|real|imag");
    type = type == StoredType::complex64 ? StoredType::float32 : StoredType::float64;
  }
  if (is_segmentation) {
    if (scaled)
      return make_error(ErrorCode::needs_decision,
                        "labels: expected integers without scaling, found slope {} intercept {}", map.slope,
                        map.intercept)
          .with_hint("take the stored integers with --ignore-scaling, or name the type with --dtype");
    switch (type) {
      case StoredType::boolean: return DataType::uint8;
      case StoredType::uint8: return DataType::uint8;
      case StoredType::uint16: return DataType::uint16;
      case StoredType::int8:
      case StoredType::int16:
      case StoredType::int32:
      case StoredType::uint32: return DataType::uint32;
      case StoredType::int64:
      case StoredType::uint64: return DataType::uint64;
      default: return needs_dtype(header, "labels are unsigned integers", "uint32");
    }
  }
  if (scaled) return DataType::float32;
  const bool has_all_types = kind != DatasetKind::precomputed;
  if (const auto same = same_data_type(type); same && has_all_types) return *same;
  switch (type) {
    case StoredType::boolean: return DataType::uint8;
    case StoredType::float16: return DataType::float32;
    case StoredType::int64: return needs_dtype(header, "the format has no signed 64-bit integers");
    case StoredType::float64:
    case StoredType::float128:
      return needs_dtype(header, fmt::format("the format's {} floating-point type is float{}",
                                             has_all_types ? "longest" : "only", has_all_types ? 64 : 32));
    default: return *same_data_type(type);
  }
}

}  // namespace

Result<ValueMap> plan_values(const VolumeHeader& header, const VolumeOptions& options, bool is_segmentation,
                             DatasetKind kind) {
  ValueMap map;
  map.from = header.type;
  if (!options.ignore_scaling) {
    map.slope = header.slope;
    map.intercept = header.intercept;
  }
  const std::pair<const char*, ComplexPart> parts[] = {{"abs", ComplexPart::abs},
                                                       {"phase", ComplexPart::phase},
                                                       {"real", ComplexPart::real},
                                                       {"imag", ComplexPart::imag}};
  for (const auto& [name, part] : parts)
    if (is_complex(header.type) && options.complex_part == name) map.complex_part = part;
  if (!options.dtype.empty() && !header.type_is_asked) {
    const auto type = parse_data_type(options.dtype);
    const bool has_all_types = kind != DatasetKind::precomputed;
    if (!type || (!has_all_types && (*type == DataType::int64 || *type == DataType::float64)))
      return make_error(ErrorCode::invalid_argument,
                        "--dtype: expected uint8|int8|uint16|int16|uint32|int32|uint64|float32{}, found \"{}\"",
                        has_all_types ? "|int64|float64" : "", options.dtype);
    if (is_complex(header.type) && map.complex_part == ComplexPart::none)
      NGFORGE_CHECK(natural_type(header, map, false, kind));
    map.to = *type;
    map.clamps = true;
  } else {
    NGFORGE_TRY(map.to, natural_type(header, map, is_segmentation, kind));
  }
  if (is_segmentation && (is_signed(map.to) || !is_integer(map.to)))
    return make_error(ErrorCode::invalid_argument, "--dtype: expected an unsigned type for a segmentation, found {}",
                      name_of(map.to));
  if (options.window) {
    if (!((*options.window)[0] < (*options.window)[1]))
      return make_error(ErrorCode::invalid_argument, "--window: expected LO < HI, found {},{}", (*options.window)[0],
                        (*options.window)[1]);
    map.window = options.window;
    map.clamps = true;
  }
  map.nan = options.nan;
  return map;
}

}  // namespace ngforge
