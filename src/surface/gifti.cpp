// SPDX-License-Identifier: Apache-2.0
// GIfTI 1.0 surfaces: an array of positions (NIFTI_INTENT_POINTSET, mm) with the matrices that lead from its space to
// others, and one of triangles (NIFTI_INTENT_TRIANGLE).
#include <sstream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "compress/zlib.h"
#include "core/affine.h"
#include "core/base64.h"
#include "core/byte_cursor.h"
#include "ngforge/text.h"
#include "surface/gifti_file.h"
#include "surface/mesh_builder.h"
#include "surface/surface.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

constexpr const char* kScanner = "NIFTI_XFORM_SCANNER_ANAT";
constexpr const char* kUnknown = "NIFTI_XFORM_UNKNOWN";
constexpr int kLevel = 6;

std::string trimmed(std::string_view text) {
  return std::string(take_word(text));
}

Result<SpaceTransform> read_transform(pugi::xml_node element, const SurfaceInput& input) {
  SpaceTransform transform;
  transform.data_space = trimmed(element.child_value("DataSpace"));
  transform.transformed_space = trimmed(element.child_value("TransformedSpace"));
  TextReader reader(element.child_value("MatrixData"), input.place);
  for (auto& row : transform.matrix.m)
    for (double& value : row) {
      NGFORGE_TRY(value, reader.real("16 numbers as MatrixData"));
    }
  if (transform.matrix.m[3] != std::array<double, 4>{0, 0, 0, 1} || !inverse(transform.matrix))
    return make_error(ErrorCode::invalid_data,
                      "{}: MatrixData: expected an affine with an inverse and 0 0 0 1 as its last row, found another "
                      "matrix",
                      input.place);
  return transform;
}

std::string_view metadata_value(pugi::xml_node array, std::string_view name) {
  for (const auto entry : array.child("MetaData").children("MD"))
    if (trimmed(entry.child_value("Name")) == name) return entry.child_value("Value");
  return {};
}

// FreeSurfer leaves positions relative to the centre of its volume, and says where that is.
std::optional<Affine> freesurfer_shift(pugi::xml_node points) {
  Affine shift;
  constexpr std::string_view kNames[] = {"VolGeomC_R", "VolGeomC_A", "VolGeomC_S"};
  for (std::size_t a = 0; a < 3; ++a) {
    const auto value = parse_float(trimmed(metadata_value(points, kNames[a])));
    if (!value) return std::nullopt;
    shift.m[a][3] = *value;
  }
  return shift;
}

Affine to_scanner(pugi::xml_node points, std::span<const SpaceTransform> transforms) {
  for (const SpaceTransform& transform : transforms)
    if (transform.data_space == kScanner) return {};
  for (const SpaceTransform& transform : transforms)
    if (transform.transformed_space == kScanner) return transform.matrix;
  return freesurfer_shift(points).value_or(Affine{});
}

Result<void> check_columns(pugi::xml_node array, const SurfaceInput& input) {
  NGFORGE_TRY(const std::uint64_t columns, gifti_dimension(array, 1, input));
  if (columns == 3) return {};
  return make_error(ErrorCode::invalid_data, "{}: {}: expected 3 columns, found {}", input.place,
                    array.attribute("Intent").value(), columns);
}

Result<Surface> read(const SurfaceInput& input) {
  pugi::xml_document document;
  NGFORGE_CHECK(parse_gifti(input, document));
  const auto points = find_gifti_array(document, "NIFTI_INTENT_POINTSET"),
             triangles = find_gifti_array(document, "NIFTI_INTENT_TRIANGLE");
  if (!points || !triangles)
    return make_error(ErrorCode::invalid_data,
                      "{}: expected arrays of NIFTI_INTENT_POINTSET and NIFTI_INTENT_TRIANGLE, found {}", input.place,
                      points      ? "no triangles"
                      : triangles ? "no points"
                                  : "neither");
  NGFORGE_CHECK(check_columns(points, input));
  NGFORGE_CHECK(check_columns(triangles, input));
  Surface surface;
  surface.format = "GIfTI";
  for (const auto element : points.children("CoordinateSystemTransformMatrix")) {
    NGFORGE_TRY(surface.transforms.emplace_back(), read_transform(element, input));
  }
  surface.to_world_mm = to_scanner(points, surface.transforms);
  NGFORGE_TRY(const auto positions, read_gifti_reals(points, input));
  NGFORGE_TRY(const auto corners, read_gifti_wholes(triangles, input));
  MeshBuilder mesh(input.place);
  mesh.reserve(positions.size() / 3, corners.size() / 3);
  mesh.add_vertices(positions);
  for (std::size_t i = 0; i + 2 < corners.size(); i += 3)
    NGFORGE_CHECK(mesh.add_face(std::span(corners).subspan(i, 3)));
  NGFORGE_TRY(surface.mesh, std::move(mesh).finish());
  return surface;
}

void append_text(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).append_child(pugi::node_cdata).set_value(text.c_str());
}

void append_array(pugi::xml_node root, const char* intent, const char* type, std::size_t rows,
                  std::span<const SpaceTransform> transforms, std::span<const std::byte> values) {
  auto array = root.append_child("DataArray");
  const std::pair<const char*, std::string> attributes[] = {{"Intent", intent},
                                                            {"DataType", type},
                                                            {"ArrayIndexingOrder", "RowMajorOrder"},
                                                            {"Dimensionality", "2"},
                                                            {"Dim0", fmt::format("{}", rows)},
                                                            {"Dim1", "3"},
                                                            {"Encoding", "GZipBase64Binary"},
                                                            {"Endian", "LittleEndian"},
                                                            {"ExternalFileName", ""},
                                                            {"ExternalFileOffset", ""}};
  for (const auto& [name, value] : attributes) array.append_attribute(name).set_value(value.c_str());
  array.append_child("MetaData");
  for (const SpaceTransform& transform : transforms) {
    auto element = array.append_child("CoordinateSystemTransformMatrix");
    append_text(element, "DataSpace", transform.data_space);
    append_text(element, "TransformedSpace", transform.transformed_space);
    std::string matrix;
    for (const auto& row : transform.matrix.m) matrix += fmt::format("{} {} {} {}\n", row[0], row[1], row[2], row[3]);
    element.append_child("MatrixData").text().set(matrix.c_str());
  }
  array.append_child("Data").text().set(base64_encoded(pack_zlib(values, kLevel)).c_str());
}

// Records of three numbers each, little-endian.
template <class T>
Bytes packed(const std::vector<std::array<T, 3>>& records) {
  Bytes bytes(records.size() * 3 * sizeof(T));
  std::byte* out = bytes.data();
  for (const auto& record : records)
    for (const T value : record) {
      store(out, value);
      out += sizeof(T);
    }
  return bytes;
}

Result<Bytes> write(const Surface& surface) {
  const Mesh& mesh = surface.mesh;
  if (mesh.positions.size() > std::numeric_limits<std::int32_t>::max())
    return make_error(ErrorCode::limit, "GIfTI: expected at most 2^31 - 1 vertices, found {}", mesh.positions.size());
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version").set_value("1.0");
  declaration.append_attribute("encoding").set_value("UTF-8");
  document.append_child(pugi::node_doctype)
      .set_value("GIFTI SYSTEM \"http://www.nitrc.org/frs/download.php/115/gifti.dtd\"");
  auto root = document.append_child("GIFTI");
  root.append_attribute("Version").set_value("1.0");
  root.append_attribute("NumberOfDataArrays").set_value("2");
  root.append_child("MetaData");
  root.append_child("LabelTable");
  std::vector<SpaceTransform> transforms = surface.transforms;
  if (transforms.empty()) transforms.push_back({kUnknown, kUnknown, {}});
  append_array(root, "NIFTI_INTENT_POINTSET", "NIFTI_TYPE_FLOAT32", mesh.positions.size(), transforms,
               packed(mesh.positions));
  append_array(root, "NIFTI_INTENT_TRIANGLE", "NIFTI_TYPE_INT32", mesh.triangles.size(), {}, packed(mesh.triangles));
  std::ostringstream text;
  document.save(text, " ");
  const std::string xml = std::move(text).str();
  const auto bytes = std::as_bytes(std::span(xml));
  return Bytes(bytes.begin(), bytes.end());
}

int sniff(std::span<const std::byte> bytes, std::string_view name) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 1024));
  return head.find("<GIFTI") != std::string_view::npos || head.find("<!DOCTYPE GIFTI") != std::string_view::npos ? 95
         : ends_with_any_case(name, ".gii")                                                                      ? 50
                                                                                                                 : 0;
}

}  // namespace

extern const SurfaceDescriptor gifti_surface;
const SurfaceDescriptor gifti_surface{.name = "gifti",
                                      .title = "GIfTI: ASCII, Base64, GZipBase64, external file (.gii, .gii.gz)",
                                      .suffixes = ".gii",
                                      .sniff = sniff,
                                      .read = read,
                                      .write = write,
                                      .keeps_transforms = true};

}  // namespace ngforge
