// SPDX-License-Identifier: Apache-2.0
// VTK XML PolyData: VTKFile/PolyData/Piece, each with Points/DataArray and, in Polys and Strips, the arrays
// connectivity and offsets (where each cell ends). Values are text, Base64 in place, or lie behind the "_" of
// AppendedData.
#include <string>
#include <string_view>
#include <vector>

#include <pugixml.hpp>

#include "ngforge/text.h"
#include "surface/mesh_builder.h"
#include "surface/numbers.h"
#include "surface/surface.h"
#include "surface/text_reader.h"
#include "surface/vtp_arrays.h"

namespace ngforge {
namespace {

constexpr std::string_view kAppended = "<AppendedData";

std::optional<DataType> parse_type(std::string_view name) {
  return parse_data_type(lower_case(name));
}

class VtpFile {
 public:
  explicit VtpFile(const SurfaceInput& input) : input_(input), mesh_(input.place) {
    packing_.place = input.place;
    packing_.most_bytes = input.most_array_bytes;
  }

  Result<Surface> read() {
    NGFORGE_CHECK(parse());
    const auto root = document_.child("VTKFile");
    NGFORGE_CHECK(take_packing(root));
    for (const auto piece : root.child("PolyData").children("Piece")) NGFORGE_CHECK(read_piece(piece));
    Surface surface;
    surface.format = "VTK XML";
    NGFORGE_TRY(surface.mesh, std::move(mesh_).finish());
    return surface;
  }

 private:
  // What is appended raw is no XML: the rest is parsed without it.
  Result<void> parse() {
    const std::string_view text = input_.text();
    const std::size_t cut = text.find(kAppended);
    std::string xml(text.substr(0, cut));
    if (cut != std::string_view::npos) {
      const std::size_t open = text.find('>', cut), begin = text.find('_', std::min(open, text.size()));
      if (begin == std::string_view::npos)
        return make_error(ErrorCode::invalid_data, "{}: expected \"_\" behind AppendedData at byte {}, found none",
                          input_.place, cut);
      const std::string_view tag = text.substr(cut, open - cut);
      appended_ = {text.substr(begin + 1), tag.find("base64") != std::string_view::npos};
      xml += "</VTKFile>";
    }
    const auto parsed = document_.load_buffer(xml.data(), xml.size());
    if (!parsed)
      return make_error(ErrorCode::invalid_data, "{}: expected XML, found a fault at byte {}: {}", input_.place,
                        parsed.offset, parsed.description());
    return {};
  }

  Result<void> take_packing(pugi::xml_node root) {
    if (const std::string_view kind = root.attribute("type").value(); kind != "PolyData")
      return make_error(ErrorCode::unsupported, "{}: expected a VTKFile of type PolyData, found {:?}", input_.place,
                        kind);
    if (std::string_view(root.attribute("byte_order").value()) == "BigEndian") packing_.order = std::endian::big;
    if (std::string_view(root.attribute("header_type").value()) == "UInt64") packing_.header_bytes = 8;
    const std::string_view compressor = root.attribute("compressor").value();
    packing_.is_zlib = compressor == "vtkZLibDataCompressor";
    if (!packing_.is_zlib && !compressor.empty())
      return make_error(ErrorCode::unsupported, "{}: expected no compressor or vtkZLibDataCompressor, found {}",
                        input_.place, compressor);
    return {};
  }

  Result<void> read_piece(pugi::xml_node piece) {
    const auto first = static_cast<std::int64_t>(mesh_.vertex_count());
    const auto points = piece.child("Points").child("DataArray");
    if (points) {
      NGFORGE_TRY(const auto coordinates, read_array<float>(points));
      if (coordinates.size() % 3 != 0)
        return make_error(ErrorCode::invalid_data, "{}: Points: expected three numbers for each, found {}",
                          input_.place, coordinates.size());
      mesh_.add_vertices(coordinates);
    }
    for (const char* kind : {"Polys", "Strips"}) {
      const auto cells = piece.child(kind);
      const auto offsets = cells.find_child_by_attribute("DataArray", "Name", "offsets"),
                 connectivity = cells.find_child_by_attribute("DataArray", "Name", "connectivity");
      if (!offsets || !connectivity) continue;
      NGFORGE_TRY(auto ends, read_array<std::int64_t>(offsets));
      NGFORGE_TRY(const auto corners, read_array<std::int64_t>(connectivity));
      ends.insert(ends.begin(), 0);
      NGFORGE_CHECK(mesh_.add_cells(ends, corners, std::string_view(kind) == "Strips", first));
    }
    return {};
  }

  template <class T>
  Result<std::vector<T>> read_array(pugi::xml_node array) {
    const std::string_view type_name = array.attribute("type").value();
    const auto type = parse_type(type_name);
    if (!type || (std::is_integral_v<T> && !is_integer(*type)))
      return make_error(ErrorCode::invalid_data, "{}: {}: expected numbers of a known type, found {:?}", input_.place,
                        array.parent().name(), type_name);
    const std::string_view format = array.attribute("format").value();
    if (format == "ascii") return read_words<T>(array.child_value());
    VtpPacked packed{array.child_value(), true};
    if (format == "appended") {
      packed = appended_;
      const auto offset = array.attribute("offset").as_ullong();
      packed.data.remove_prefix(std::min<std::uint64_t>(offset, packed.data.size()));
    } else if (format != "binary") {
      return make_error(ErrorCode::invalid_data, "{}: {}: expected format ascii, binary or appended, found {:?}",
                        input_.place, array.parent().name(), format);
    }
    // An array without values may have no text at all.
    if (packed.data.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::vector<T>();
    NGFORGE_TRY(const auto bytes, unpack_vtp_array(packed, packing_));
    return numbers_as<T>(bytes, *type, packing_.order);
  }

  template <class T>
  Result<std::vector<T>> read_words(std::string_view text) {
    TextReader reader(text, input_.place);
    std::vector<T> values;
    while (!reader.peek_word().empty()) {
      if constexpr (std::is_integral_v<T>) {
        NGFORGE_TRY(values.emplace_back(), reader.whole("a whole number"));
      } else {
        NGFORGE_TRY(values.emplace_back(), reader.real("a number"));
      }
    }
    return values;
  }

  const SurfaceInput& input_;
  MeshBuilder mesh_;
  pugi::xml_document document_;
  VtpPacking packing_;
  VtpPacked appended_;
};

Result<Surface> read(const SurfaceInput& input) {
  return VtpFile(input).read();
}

int sniff(std::span<const std::byte> bytes, std::string_view name) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 1024));
  return head.find("<VTKFile") != std::string_view::npos ? 90 : ends_with_any_case(name, ".vtp") ? 30 : 0;
}

}  // namespace

extern const SurfaceDescriptor vtp_surface;
const SurfaceDescriptor vtp_surface{.name = "vtp",
                                    .title = "VTK XML PolyData (.vtp): ASCII, Base64 and appended, zlib or not",
                                    .suffixes = "",
                                    .sniff = sniff,
                                    .read = read};

}  // namespace ngforge
