// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/source_options.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge {

/// What a running operation tells its caller. Called from one thread at a time; must not block for long.
struct Progress {
  std::string stage;                  // "converting"
  std::uint64_t done = 0, total = 0;  // in `unit`; at the end of a stage they are equal; total 0: not known
  std::string unit;                   // "voxels"
};

/// How an operation runs; nothing in here changes its result.
struct RunOptions {
  int threads = 0;                 // 0: all cores
  std::uint64_t memory_bytes = 0;  // 0: a quarter of the machine, at most 4 GiB
  int memory_shares = 1;           // how many datasets that are open at once share it, each with what one chunk takes
  std::string scratch;             // folder; "": beside the destination
  std::function<void(const Progress&)> on_progress;
  std::function<void(const std::string&)> on_notice;  // one line that a user should see (a choice that was made)
  std::stop_token stop;
};

/// What an encoding is called.
struct EncodingName {
  std::string name, alias;  // "compressed_segmentation", "cseg"; alias "": none
};
/// Those of this build.
std::vector<EncodingName> all_encodings();

/// A choice that one of the encodings leaves to whoever writes it.
struct EncodingOption {
  std::string name, encoding, help;  // "jpeg-quality", "jpeg"
  int initial = 0, low = 0, high = 0;
  std::vector<std::string> names;  // of the values from `low` to `high`: "xy", "xz"; empty: they are a quantity
};
/// Those of every encoding of this build.
std::vector<EncodingOption> all_encoding_options();

/// Options that decide what a volume becomes (COMMANDS.md, "Options of convert"). Empty means the default given there.
struct VolumeOptions {
  SourceOptions source;
  std::string type;  // "", "image", "segmentation"
  std::string encoding = "auto";
  std::string layout = "sharded";  // sharded, flat, deep
  std::string compress = "auto";   // gzip, none; in OME-Zarr also zstd, blosc
  std::optional<int> level;        // of the compressor
  std::uint64_t shard_bytes = 512ull << 20;
  std::string sharding;  // "preshift,minishard,shard[,hash]"
  std::optional<std::array<Index, 3>> chunk_size_xyz;
  std::array<Index, 3> block_size_xyz{8, 8, 8};
  std::map<std::string, int> encoding_options;  // by EncodingOption::name
  std::string downsample = "auto";              // auto, average, majority, stride, min, max, median
  std::string factor = "auto";                  // "2,2,1;2,2,2"
  std::optional<int> scales;
  bool keep_scales = false;      // those that the source has, instead of computed ones
  std::string outside = "edge";  // "edge" or a number
  std::optional<std::array<double, 3>> voxel_size_nm;
  std::optional<std::array<Index, 3>> voxel_offset;
  std::string orientation = "RAS";  // for sources with anatomical axes
  std::string dtype;
  std::optional<std::array<double, 2>> window;
  std::optional<double> nan;
  std::string complex_part;  // abs, phase, real, imag
  bool ignore_scaling = false;
  std::string channel = "all";  // "all" or a number
  std::optional<Index> time;
  std::string crop;  // "X0:X1,Y0:Y1,Z0:Z1", output voxels at full resolution
  bool keep_empty = false;
};

struct ConvertOptions : VolumeOptions {
  bool dry_run = false, resume = false, overwrite = false;
};

/// One scale in a plan or report.
struct ScaleReport {
  std::string key;
  std::array<Index, 3> size_xyz{}, voxel_offset{}, chunk_size_xyz{};
  std::array<double, 3> resolution_nm{};
  std::string encoding, sharding;
  std::uint64_t chunks = 0;         // in the grid
  std::uint64_t stored_chunks = 0;  // known after writing
  std::uint64_t empty_chunks = 0;
  std::uint64_t files = 0;  // plan: an upper bound unless exact
  std::uint64_t bytes = 0;  // plan: an upper bound unless exact
};

struct ConvertReport {
  std::string destination, format, type, data_type;
  Index channels = 1;
  std::vector<ScaleReport> scales;
  std::uint64_t peak_memory_bytes = 0;  // plan: what the budget will hold at most
  std::uint64_t scratch_bytes = 0;
  bool is_exact = false;             // plan: files and bytes are exact
  bool was_complete = false;         // --resume found a finished destination and did nothing
  std::vector<std::string> notices;  // choices made and readers that cannot open the result
};

/// Converts a volume to a precomputed folder or an OME-Zarr image (.zarr), or a dataset back to a file (.nii,
/// .nii.gz...; the suffix of the destination says what it becomes). Whole or not at all; see COMMANDS.md for what each
/// error leaves behind.
Result<ConvertReport> convert(const std::string& source, const std::string& destination, const ConvertOptions& options,
                              const RunOptions& run);
/// The same for several places that make one volume: image files are its slices, folders of them its channels.
Result<ConvertReport> convert(std::span<const std::string> sources, const std::string& destination,
                              const ConvertOptions& options, const RunOptions& run);

struct SurfaceReport {
  std::string destination, format;
  std::string source_format;  // "GIfTI"
  std::uint64_t vertices = 0, triangles = 0;
  std::array<std::array<double, 3>, 2> bounds_mm{};  // least and greatest coordinates, as written
  std::uint64_t bytes = 0;
};
/// Whether the suffix of a destination is that of a surface file that can be written (.vtk, .obj, .ply, .stl, .gii).
bool is_surface_file(const std::string& destination);
/// Converts a surface file to another kind of surface file: `convert` with such a destination. Coordinates become
/// world millimetres (RAS+), or stay as they are with their matrices where the destination can say what they mean
/// (GIfTI). Errors: unsupported, invalid_data (the source), already_exists, io, permission.
Result<SurfaceReport> convert_surface(std::span<const std::string> sources, const std::string& destination,
                                      const ConvertOptions& options, const RunOptions& run);

/// Where a dataset that is shown has meshes that are made when asked for.
inline constexpr const char* kLiveMeshFolder = "mesh";

/// A dataset that can be shown: precomputed as it lies, or anything else translated when asked for.
struct Dataset {
  std::string name;              // last part of the place without format suffixes
  std::string source;            // the place
  std::shared_ptr<Store> store;  // keys of a precomputed volume: "info", "<scale>/<chunk>" ...
  std::string format;            // of the source: "NIfTI-1", "Neuroglancer precomputed"
  std::string type;              // "image", "segmentation"; "surface": a folder of meshes, in nm of the world
  DataType data_type = DataType::uint8;
  Index channels = 1;
  bool is_rgb = false;  // channels mean red, green, blue (alpha)
  Box box_vox;          // of scale 0; around a surface, in units of resolution_nm
  std::array<double, 3> resolution_nm{};
  std::size_t scales = 0;               // resolutions to choose from; a surface has none
  std::optional<Affine> transform_nm;   // transform.json: corner nm -> world nm
  std::vector<std::uint64_t> segments;  // surface: those that are selected when it is shown
  std::uint64_t triangles = 0;          // surface: of these
  /// Of its segment properties: ids in ascending order and "#rrggbb".
  std::vector<std::pair<std::uint64_t, std::string>> segment_colors;
  /// Range that a grey image should be shown with: percentiles of the coarsest scale. Computed when called.
  std::function<Result<std::array<double, 2>>()> contrast;
  bool contrast_is_slow = false;  // it takes a whole stream, or much of a large file
  /// What is read of the source for any coarser scale, where those are computed from the finest; else 0.
  std::uint64_t computed_from_bytes = 0;
};

/// Whether a place takes a share of the memory when it is shown: what is translated, and segmentations without meshes.
bool takes_memory(const std::string& place);

/// Whether a place is called as files are that name the region of each vertex of a surface (.label.gii, .annot).
bool is_called_regions(const std::string& place);

/// Opens a surface with the regions of its vertices: a segment for each. Errors: as open_dataset().
Result<Dataset> open_regions(const std::string& surface, const std::string& regions, const RunOptions& run);

/// Opens a place for `serve` and `link`. Errors: those of open_source, of surface files and of precomputed datasets,
/// all concerns_source.
Result<Dataset> open_dataset(const std::string& place, const VolumeOptions& options, const RunOptions& run);

/// `info`: what a place is. Text for people, or one JSON object.
Result<std::string> describe(const std::string& place, bool as_json, bool as_scale_table,
                             const SourceOptions& options = {});

/// What a folder of meshes is to be; `mesh` and `surfaces` share it.
struct MeshFolderOptions {
  std::string format;            // multires, legacy; "": as what is there, else multires
  std::string layout;            // sharded, flat; "": as what is there, else sharded, but flat for legacy
  std::string mesh_dir;          // "": what `info` names, else "mesh"
  bool has_colon_suffix = true;  // legacy: manifests are called "ID:0", else "ID"
};

/// Options of `mesh`.
struct MeshOptions : MeshFolderOptions {
  std::optional<double> max_error_nm;   // >= 0; nothing: the longest side of a voxel
  int quantization_bits = 16;           // 10, 16
  std::vector<std::uint64_t> labels;    // empty: all
  std::vector<std::uint64_t> excluded;  // of all
  std::uint64_t min_voxels = 1;         // of all
  int scale = 0;                        // that is meshed; 0 is full resolution
  bool is_open = false;                 // no faces where labels touch the border of the volume
  bool dry_run = false, resume = false, overwrite = false;
};

/// One level of detail, of all labels together.
struct MeshLevelReport {
  std::uint64_t fragments = 0, triangles = 0, bytes = 0;
  double error_nm = 0, scale_nm = 0;  // what simplification may do; what a viewer chooses by
};
struct MeshReport {
  std::string destination, format, layout, scale;
  double max_error_nm = 0;
  std::array<Index, 3> node_voxels{};   // of level 0
  std::uint64_t nodes = 0, labels = 0;  // `labels`: known after writing
  std::vector<MeshLevelReport> levels;  // known after writing
  std::uint64_t files = 0, bytes = 0;
  std::uint64_t peak_memory_bytes = 0;  // plan
  std::uint64_t scratch_bytes = 0;      // plan: about what it takes when nothing can be simplified
  bool was_complete = false;            // --resume found a finished folder and did nothing
  std::vector<std::string> notices;
};
/// `mesh`: surfaces of the labels of a segmentation on this machine, in a folder beside its scales that `info` then
/// names. The folder appears whole or not at all, and `info` is replaced at once after it.
/// Errors: those of the dataset; unsupported (not a folder, not labels), invalid_argument, not_found (labels that are
/// not in the volume), needs_decision (labels without a surface, --memory), already_exists, permission, io, cancelled.
Result<MeshReport> mesh(const std::string& dataset, const MeshOptions& options, const RunOptions& run);

/// One finding of `check`.
struct Finding {
  std::string code;     // "undecodable-chunk" ...
  std::string where;    // file and key
  std::string message;  // expected, found; what it means on screen
  std::string hint;     // what to do
};
struct CheckOptions {
  bool repair = false;  // mend what can be mended first; no voxel changes
};
struct CheckReport {
  std::vector<Finding> findings;
  std::vector<ScaleReport> scales;
  std::vector<std::string> mended;  // by `repair`, a line each
};
/// `check`: everything that can be wrong with a dataset. With `repair`, a file is replaced by its mended one at once or
/// not at all, and what remains is found. Errors: not_found and the like (no dataset is there), cancelled; with
/// `repair` also unsupported (not a folder on this machine), permission, io.
Result<CheckReport> check(const std::string& place, const CheckOptions& options, const RunOptions& run);

/// `formats`: every source, encoding, layout and store of this build. Text for people, or one JSON object.
std::string list_formats(bool as_json);

}  // namespace ngforge
