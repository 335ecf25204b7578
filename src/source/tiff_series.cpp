// SPDX-License-Identifier: Apache-2.0
#include "source/tiff_series.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "core/json.h"
#include "core/length_units.h"

namespace ngforge {
namespace {

constexpr Index kMaxPlanes = 1 << 24;

/// Reads ImageJ's description: one name=value a line.
std::map<std::string, std::string, std::less<>> parse_lines(std::string_view text) {
  std::map<std::string, std::string, std::less<>> values;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto equals = line.find('='); equals != std::string_view::npos)
      values.emplace(line.substr(0, equals), line.substr(equals + 1));
    at = end + 1;
  }
  return values;
}

template <class Values>
Result<Index> count_of(const Values& values, std::string_view name, const std::string& path) {
  const auto found = values.find(name);
  if (found == values.end()) return Index{0};
  Index count = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto [stop, code] = std::from_chars(found->second.data(), end, count);
  if (code != std::errc{} || stop != end || count < 1 || count > kMaxPlanes)
    return make_error(ErrorCode::invalid_data, "{}: ImageJ's {}: expected 1 to {}, found \"{}\"", path, name,
                      kMaxPlanes, found->second);
  return count;
}

/// Lengths in ImageJ's unit: pixels of it along x and y are in tags, planes in `spacing`.
template <class Values>
std::optional<std::array<double, 3>> imagej_voxel_size(const Values& values, const TiffTags& tags, Index slices) {
  const auto unit = values.find("unit");
  const auto unit_mm = unit == values.end() ? std::nullopt : millimetres_of(unit->second);
  if (!unit_mm || tags.x_resolution <= 0 || tags.y_resolution <= 0) return std::nullopt;
  std::array<double, 3> size_mm{*unit_mm / tags.x_resolution, *unit_mm / tags.y_resolution, 0};
  size_mm[2] = slices > 1 ? *unit_mm : size_mm[0];  // ImageJ writes no spacing when it is 1
  if (const auto spacing = values.find("spacing"); spacing != values.end()) {
    double value = 0;
    const auto& text = spacing->second;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc{} && std::isfinite(value) && value != 0) size_mm[2] = std::abs(value) * *unit_mm;
  }
  return size_mm;
}

/// What the pages that follow each other in `file` are made to be.
Result<void> take_planes(TiffFile& file, const std::string& path, Index count, std::string_view who) {
  const auto wanted = static_cast<std::size_t>(count);
  if (file.page_count() == 1 && wanted > 1) return file.take_as_stack(wanted);
  if (file.page_count() < wanted)
    return make_error(ErrorCode::invalid_data, "{}: expected {} pages as {} says, found {}", path, wanted, who,
                      file.page_count())
        .of_source();
  return {};
}

/// Planes in the order of the file: `order` names axes Z, C, T from the fastest on, with their lengths.
void order_planes(PageStack& stack, const std::vector<std::pair<char, Index>>& order) {
  const Index count = stack.slices * stack.channels * stack.times;
  stack.planes.resize(static_cast<std::size_t>(count));
  for (Index page = 0; page < count; ++page) {
    Index rest = page, z = 0, c = 0, t = 0;
    for (const auto& [axis, length] : order) {
      Index& to = axis == 'Z' ? z : axis == 'C' ? c : t;
      // An axis that is named twice goes on where it was.
      Index before = 1;
      for (const auto& earlier : order) {
        if (&earlier.first == &axis) break;
        if (earlier.first == axis) before *= earlier.second;
      }
      to += rest % length * before;
      rest /= length;
    }
    stack.planes[static_cast<std::size_t>((c * stack.times + t) * stack.slices + z)] = {
        0, static_cast<std::uint32_t>(page)};
  }
}

/// What the resolution tags say, as far as it can be meant.
void read_resolution(const TiffTags& tags, PageStack& stack) {
  if (tags.x_resolution <= 0 || tags.y_resolution <= 0 || tags.resolution_unit == TiffTags::Unit::none) return;
  const double unit_mm = tags.resolution_unit == TiffTags::Unit::centimetre ? 10 : 25.4;
  const double x_mm = unit_mm / tags.x_resolution, y_mm = unit_mm / tags.y_resolution;
  // Dots per inch are what a printer should do. Nothing says how far pages lie apart.
  if (tags.resolution_unit == TiffTags::Unit::centimetre && stack.slices == 1)
    stack.voxel_size_mm = {x_mm, y_mm, x_mm};
  else
    stack.header.details += fmt::format("; resolution tags say {:.6g} x {:.6g} mm", x_mm, y_mm);
}

/// Those of `copies` that are alike but for ever smaller sizes: a file may hold a label or a mask beside them.
std::vector<PlanePlace> pyramid_of(const TiffFile& file, const PlanePlace& plane, std::vector<PlanePlace> copies) {
  ImageShape last = file.page(plane.page).shape;
  std::erase_if(copies, [&](const PlanePlace& place) {
    const ImageShape shape = file.page(place.page).shape;
    const bool is_next = shape.type == last.type && shape.samples == last.samples && shape.width <= last.width &&
                         shape.height <= last.height && shape != last;
    if (is_next) last = shape;
    return !is_next;
  });
  return copies;
}

}  // namespace

Result<std::optional<PageStack>> read_imagej_series(TiffFile& file, const std::string& path) {
  const std::string& text = file.tags().description;
  if (!text.starts_with("ImageJ=")) return std::optional<PageStack>();
  const auto values = parse_lines(text);
  PageStack stack;
  NGFORGE_TRY(const Index images, count_of(values, "images", path));
  NGFORGE_TRY(const Index channels, count_of(values, "channels", path));
  NGFORGE_TRY(const Index slices, count_of(values, "slices", path));
  NGFORGE_TRY(const Index frames, count_of(values, "frames", path));
  stack.channels = std::max<Index>(1, channels);
  stack.times = std::max<Index>(1, frames);
  stack.slices = std::max<Index>(1, slices);
  const Index planes = std::max<Index>(1, images);
  const bool is_whole =
      static_cast<double>(stack.channels) * static_cast<double>(stack.times) * static_cast<double>(stack.slices) ==
      static_cast<double>(planes);
  if (!is_whole) {  // a plain stack
    stack.channels = stack.times = 1;
    stack.slices = planes;
  }
  NGFORGE_CHECK(take_planes(file, path, planes, "ImageJ"));
  stack.files = {path};
  order_planes(stack, {{'C', stack.channels}, {'Z', stack.slices}, {'T', stack.times}});
  stack.voxel_size_mm = imagej_voxel_size(values, file.tags(), stack.slices);
  stack.header.format = "ImageJ TIFF";
  stack.header.details = describe_axes(stack);
  return std::optional(std::move(stack));
}

Result<std::optional<PageStack>> read_shaped_series(TiffFile& file, const std::string& path) {
  const std::string& text = file.tags().description;
  if (!text.starts_with("{\"shape\":")) return std::optional<PageStack>();
  const auto json = parse_json(text, path);
  if (!json || !json->is_object() || !(*json)["shape"].is_array()) return std::optional<PageStack>();
  std::vector<Index> shape;
  double planes = 1;
  for (const Json& length : (*json)["shape"]) {
    NGFORGE_TRY(shape.emplace_back(), json_integer(length, path + ": shape", 1, INT32_MAX));
  }
  const ImageShape page = file.page(0).shape;
  const std::size_t in_page = page.samples > 1 && shape.size() >= 3 && shape.back() == page.samples ? 3 : 2;
  if (shape.size() < in_page) return std::optional<PageStack>();
  for (std::size_t a = 0; a + in_page < shape.size(); ++a) planes *= static_cast<double>(shape[a]);
  const bool is_truncated = json->value("truncated", Json(false)) == true;
  if (planes > static_cast<double>(kMaxPlanes) || (!is_truncated && planes != static_cast<double>(file.page_count())))
    return std::optional<PageStack>();
  const auto count = static_cast<Index>(planes);
  NGFORGE_CHECK(take_planes(file, path, count, "its shape"));
  PageStack stack;
  const auto axes = json->value("axes", Json());
  std::vector<std::pair<char, Index>> order;
  for (std::size_t a = shape.size() - in_page; a-- > 0;) {
    const std::string letters = axes.is_string() ? axes.get<std::string>() : "";
    const char letter = letters.size() == shape.size() ? letters[a] : 'Z';
    order.emplace_back(letter == 'C' || letter == 'T' ? letter : 'Z', shape[a]);
    (order.back().first == 'C' ? stack.channels : order.back().first == 'T' ? stack.times : stack.slices) *= shape[a];
  }
  stack.files = {path};
  order_planes(stack, order);
  stack.header.format = "TIFF";
  stack.header.details = describe_axes(stack);
  read_resolution(file.tags(), stack);
  return std::optional(std::move(stack));
}

PageStack read_plain_series(const TiffFile& file, const std::string& path) {
  PageStack stack;
  stack.files = {path};
  std::vector<PlanePlace> copies;
  for (std::uint32_t page = 0; page < file.page_count(); ++page)
    (file.page(page).is_smaller_copy ? copies : stack.planes).push_back({0, page});
  if (stack.planes.empty()) std::swap(stack.planes, copies);
  stack.slices = static_cast<Index>(stack.planes.size());
  stack.header.format = "TIFF";
  stack.header.details = fmt::format("{} page{}", stack.slices, stack.slices == 1 ? "" : "s");
  if (!copies.empty()) stack.header.details += fmt::format(" and {} smaller copies", copies.size());
  if (stack.slices == 1) stack.copies = pyramid_of(file, stack.planes.front(), copies);
  read_resolution(file.tags(), stack);
  return stack;
}

}  // namespace ngforge
