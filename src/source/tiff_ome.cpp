// SPDX-License-Identifier: Apache-2.0
// https://docs.openmicroscopy.org/ome-model/6.2.2/ome-tiff/specification.html
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <utility>

#include <pugixml.hpp>

#include "core/length_units.h"
#include "source/tiff_series.h"

namespace ngforge {
namespace {

constexpr Index kMaxPlanes = 1 << 24;
constexpr PlanePlace kNowhere{std::numeric_limits<std::uint32_t>::max(), 0};

/// The name without the prefix of its namespace.
std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  return name.substr(name.find(':') == std::string_view::npos ? 0 : name.find(':') + 1);
}

std::vector<pugi::xml_node> children(const pugi::xml_node& node, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node child : node.children())
    if (local_name(child) == name) found.push_back(child);
  return found;
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  const auto all = children(node, name);
  return all.empty() ? pugi::xml_node() : all.front();
}

class OmeReader {
 public:
  OmeReader(const TiffFile& file, const std::string& path, const pugi::xml_node& root)
      : file_(file), path_(path), own_uuid_(root.attribute("UUID").value()) {
    stack_.files = {path};
  }

  Result<PageStack> read(const pugi::xml_node& image, std::size_t number, std::size_t images) {
    const pugi::xml_node pixels = child(image, "Pixels");
    NGFORGE_CHECK(read_sizes(pixels));
    const auto data = children(pixels, "TiffData");
    for (const pugi::xml_node& block : data) NGFORGE_CHECK(place_block(block));
    if (data.empty()) NGFORGE_CHECK(place_block({}));
    if (const auto missing = std::ranges::find(stack_.planes, kNowhere.file, &PlanePlace::file);
        missing != stack_.planes.end()) {
      const Index plane = missing - stack_.planes.begin();
      return bad("expected a place for every plane, found none for slice {}, channel {}, time {}",
                 plane % stack_.slices, plane / stack_.slices / stack_.times, plane / stack_.slices % stack_.times);
    }
    read_lengths(pixels);
    stack_.header.format = "OME-TIFF";
    stack_.header.details = describe_axes(stack_);
    if (stack_.files.size() > 1) stack_.header.details += fmt::format(" in {} files", stack_.files.size());
    if (images > 1) stack_.header.details += fmt::format("; image {} of {} (0 to {})", number, images, images - 1);
    return std::move(stack_);
  }

 private:
  template <class... Args>
  Error bad(fmt::format_string<Args...> format, Args&&... args) const {
    return make_error(ErrorCode::invalid_data, "{}: OME: {}", path_, fmt::format(format, std::forward<Args>(args)...))
        .of_source();
  }

  Result<Index> count(const pugi::xml_node& node, const char* name, Index otherwise, Index low) const {
    const pugi::xml_attribute attribute = node.attribute(name);
    if (attribute.empty()) return otherwise;
    const long long value = attribute.as_llong(-1);
    if (value < low || value > kMaxPlanes)
      return bad("{}: expected {} to {}, found \"{}\"", name, low, kMaxPlanes, attribute.value());
    return value;
  }

  Result<void> read_sizes(const pugi::xml_node& pixels) {
    if (pixels.empty()) return bad("expected Pixels in an Image, found none");
    samples_ = file_.page(0).shape.samples;
    NGFORGE_TRY(stack_.slices, count(pixels, "SizeZ", 1, 1));
    NGFORGE_TRY(stack_.times, count(pixels, "SizeT", 1, 1));
    NGFORGE_TRY(const Index channels, count(pixels, "SizeC", 1, 1));
    if (channels % samples_ != 0) return bad("SizeC: expected a multiple of {} samples, found {}", samples_, channels);
    stack_.channels = channels / samples_;
    const double planes =
        static_cast<double>(stack_.slices) * static_cast<double>(stack_.times) * static_cast<double>(stack_.channels);
    if (planes > static_cast<double>(kMaxPlanes))
      return bad("expected at most {} planes, found {}", kMaxPlanes, planes);
    const std::string order = pixels.attribute("DimensionOrder").as_string("XYZCT");
    if (!std::ranges::is_permutation(order, std::string_view("XYZCT")) || !order.starts_with("XY"))
      return bad("DimensionOrder: expected XY and Z, C, T in some order, found \"{}\"", order);
    order_ = order.substr(2);
    stack_.planes.assign(static_cast<std::size_t>(planes), kNowhere);
    return {};
  }

  /// One TiffData: planes in DimensionOrder from the first named on, in pages that follow each other.
  Result<void> place_block(const pugi::xml_node& block) {
    NGFORGE_TRY(const Index page, count(block, "IFD", 0, 0));
    NGFORGE_TRY(Index z, count(block, "FirstZ", 0, 0));
    NGFORGE_TRY(Index c, count(block, "FirstC", 0, 0));
    NGFORGE_TRY(Index t, count(block, "FirstT", 0, 0));
    c /= samples_;
    NGFORGE_TRY(const std::uint32_t file, file_of(child(block, "UUID")));
    const auto all = static_cast<Index>(stack_.planes.size());
    const bool names_page = !block.attribute("IFD").empty();
    const Index pages = file == 0 ? static_cast<Index>(file_.page_count()) : all;
    NGFORGE_TRY(const Index planes, count(block, "PlaneCount", names_page ? 1 : std::min(pages, all), 0));
    for (Index n = 0; n < planes; ++n) {
      if (z >= stack_.slices || c >= stack_.channels || t >= stack_.times) {
        if (n > 0 && block.attribute("PlaneCount").empty()) return {};
        return bad("TiffData: expected a plane below {} slices, {} channels, {} times, found {}, {}, {}", stack_.slices,
                   stack_.channels, stack_.times, z, c, t);
      }
      stack_.planes[static_cast<std::size_t>((c * stack_.times + t) * stack_.slices + z)] = {
          file, static_cast<std::uint32_t>(page + n)};
      step(z, c, t);
    }
    return {};
  }

  void step(Index& z, Index& c, Index& t) const {
    for (const char axis : order_) {
      Index& at = axis == 'Z' ? z : axis == 'C' ? c : t;
      const Index length = axis == 'Z' ? stack_.slices : axis == 'C' ? stack_.channels : stack_.times;
      if (++at < length || axis == order_.back()) return;
      at = 0;
    }
  }

  /// The file that holds a block, among those that lie beside this one.
  Result<std::uint32_t> file_of(const pugi::xml_node& uuid) {
    const std::string name = uuid.attribute("FileName").value();
    if (uuid.empty() || name.empty() || (!own_uuid_.empty() && own_uuid_ == uuid.text().get())) return std::uint32_t{0};
    namespace fs = std::filesystem;
    if (name == fs::path(path_).filename().string()) return std::uint32_t{0};
    if (fs::path(name).filename().string() != name || name == "." || name == "..")
      return bad("UUID: expected the name of a file beside this one, found \"{}\"", name);
    const auto [known, is_new] = numbers_.emplace(name, static_cast<std::uint32_t>(stack_.files.size()));
    if (is_new) stack_.files.push_back((fs::path(path_).parent_path() / name).string());
    return known->second;
  }

  void read_lengths(const pugi::xml_node& pixels) {
    std::array<double, 3> size_mm{};
    const char* const names[] = {"PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ"};
    for (std::size_t a = 0; a < 3; ++a) {
      const double value = pixels.attribute(names[a]).as_double(0);
      const std::string unit = pixels.attribute((std::string(names[a]) + "Unit").c_str()).as_string("um");
      const auto unit_mm = millimetres_of(unit);
      if (unit_mm && std::isfinite(value) && value > 0) size_mm[a] = value * *unit_mm;
    }
    if (size_mm[2] == 0 && stack_.slices == 1) size_mm[2] = size_mm[0];
    if (std::ranges::all_of(size_mm, [](double length) { return length > 0; })) stack_.voxel_size_mm = size_mm;
  }

  const TiffFile& file_;
  const std::string& path_;
  const std::string own_uuid_;
  PageStack stack_;
  Index samples_ = 1;
  std::string order_;  // of Z, C, T, fastest first
  std::map<std::string, std::uint32_t> numbers_;
};

}  // namespace

Result<std::optional<PageStack>> read_ome_series(const TiffFile& file, const std::string& path,
                                                 std::string_view number) {
  const std::string& text = file.tags().description;
  // What ends so and is no XML is no OME, whatever it was meant to be.
  if (text.find("<OME") == std::string::npos && text.find(":OME") == std::string::npos)
    return std::optional<PageStack>();
  pugi::xml_document document;
  if (const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
      !parsed)
    return make_error(ErrorCode::invalid_data, "{}: expected OME's XML in the description, found: {} (character {})",
                      path, parsed.description(), parsed.offset)
        .of_source();
  const pugi::xml_node root = document.document_element();
  if (local_name(root) != "OME") return std::optional<PageStack>();
  if (const auto elsewhere = child(root, "BinaryOnly"); !elsewhere.empty())
    return make_error(ErrorCode::unsupported, "{}: expected OME's XML in the file, found that it is in {}", path,
                      elsewhere.attribute("MetadataFile").value())
        .with_hint("name the file of the series that holds it")
        .of_source();
  const auto images = children(root, "Image");
  if (images.empty())
    return make_error(ErrorCode::invalid_data, "{}: OME: expected an Image, found none", path).of_source();
  std::size_t chosen = 0;
  if (!number.empty()) {
    const bool is_number =
        number.size() <= 6 && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) chosen = std::stoul(std::string(number));
    if (!is_number || chosen >= images.size())
      return make_error(ErrorCode::invalid_argument,
                        "{}: expected an image from 0 to {} behind \"tiff:\", found \"{}\"", path, images.size() - 1,
                        number);
  }
  OmeReader reader(file, path, root);
  NGFORGE_TRY(auto stack, reader.read(images[chosen], chosen, images.size()));
  return std::optional(std::move(stack));
}

}  // namespace ngforge
