// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "core/block.h"

namespace ngforge {

enum class Downsampling : std::uint8_t { average, majority, stride, min, max, median };
inline constexpr Downsampling kDownsamplings[] = {Downsampling::average, Downsampling::majority, Downsampling::stride,
                                                  Downsampling::min,     Downsampling::max,      Downsampling::median};
std::string_view name_of(Downsampling method);
std::optional<Downsampling> find_downsampling(std::string_view name);

/// How many fine voxels one coarse voxel spans, per axis, each >= 1.
using Factor = std::array<Index, 3>;

/// The coarse box whose cells lie on the global grid: begin floor(begin / f), end ceil(end / f).
Box coarse_box(const Box& fine, const Factor& factor);
/// The fine voxels of the coarse cells in `coarse`, cut to the volume `fine_bounds`.
Box fine_box(const Box& coarse, const Factor& factor, const Box& fine_bounds);

/// What a cell at the border averages over (`--outside`): only voxels that exist, or a value for those that do not
/// (rounded and clamped to the type). All but average always look at the voxels that exist.
struct Outside {
  bool is_edge = true;
  double value = 0;
};

/// Computes the coarse voxels `coarse.box` from `fine`, whose box must hold fine_box(coarse.box, factor, fine_bounds);
/// `fine_bounds` is the whole volume of the finer scale: voxels outside it do not exist. Same type and channels.
/// Average: integers exactly, half to even; floats are summed in double in x, y, z order over what is not NaN (NaN when
/// nothing is). Majority: ties to the smallest value (floats: NaN loses to everything). Stride: the first voxel of the
/// cell that exists. Min, max, median: of what is not NaN; the lower median of an even count; of +0.0 and -0.0 the
/// first in x, y, z order. Pure; `coarse` and `fine` must not overlap; addresses and strides are multiples of the value
/// size. Fast: dispatches to SIMD kernels for factors of 1 and 2.
void downsample(const BlockView& fine, const Box& fine_bounds, const Factor& factor, Downsampling method,
                const Outside& outside, const MutableBlockView& coarse);

/// The same, one voxel at a time, as the definition reads. The reference that downsample() is tested against.
void downsample_reference(const BlockView& fine, const Box& fine_bounds, const Factor& factor, Downsampling method,
                          const Outside& outside, const MutableBlockView& coarse);

}  // namespace ngforge
