// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/stored_type.h"
#include "ngforge/error.h"
#include "ngforge/source_options.h"
#include "ngforge/types.h"

namespace ngforge {

/// How a source can be read.
enum class Access {
  any_box,  // read() may be called for any box, in any order, from any thread
  once,     // a stream: every read() starts where the one before ended or later, in stored order; one thread
};

/// What a volume file says of itself, found without reading voxels.
struct VolumeHeader {
  /// A stream brings all channels of a voxel at once.
  bool channels_come_together() const { return channels_are_colors || channels_are_interleaved; }

  SourceVec size_ijk;                     // >= 1 each; i is the fastest axis in the file
  Index channels = 1;                     // all axes behind k, or the components of RGB, flattened
  bool channels_are_colors = false;       // they mean red, green, blue (alpha), and come together from a stream
  bool channels_are_interleaved = false;  // they lie voxel by voxel, as colours do, and come together from a stream
  std::vector<Index>
      channel_axes;  // sizes of the axes that were flattened, fastest first (fMRI: {time}); empty for one channel
  StoredType type = StoredType::uint8;
  bool type_is_asked = false;       // `type` is SourceOptions::dtype, which then means no conversion
  double slope = 1, intercept = 0;  // value = slope * stored + intercept
  bool has_label_intent = false;
  /// "image" or "segmentation" when the format itself says so (precomputed), else "".
  std::string known_type;

  /// Voxel-centre indices (i, j, k) to millimetres, RAS+. Has an entry for every axis even when `is_anatomical` is
  /// false.
  Affine affine_ijk_to_mm;
  bool has_voxel_size = false;  // false: the file says nothing of lengths
  bool is_anatomical = false;   // true: axes can be brought to RAS+ order (NIfTI, MGH, OME-Zarr)
  /// Corner of the volume in voxels of its own grid (precomputed); 0 for files.
  SourceVec voxel_offset_ijk;

  std::string format;   // "NIfTI-1", "MGZ", "precomputed" ...
  std::string details;  // one line for `info`: units, codes, intent, description
  /// Identifies the content as far as the header can: changes when the file is replaced. Used by --resume.
  std::string fingerprint;
  std::uint64_t stored_bytes = 0;  // size of the file, 0 when unknown
  bool is_compressed_stream = false;
  /// Boxes that the source decodes as a whole (precomputed chunks), counted from the volume's corner; 0,0,0 when any
  /// rows do.
  SourceVec chunk_ijk;
  /// Channels that are decoded with such a box even when fewer are asked for.
  Index chunk_channels = 1;
  /// What is held while such a box is read, beside its values: indices of shards.
  std::uint64_t index_bytes = 0;
  /// Rows of a plane are decoded from the first on: boxes should be read from all planes before the rows below them.
  bool rows_come_in_order = false;
};

/// A volume that is open for reading.
class VolumeSource {
 public:
  virtual ~VolumeSource() = default;
  virtual const VolumeHeader& header() const = 0;
  virtual Access access() const = 0;
  /// Reads all of `box` for `channels` into `out`: [i, j, k, channel], i fastest, dense, machine byte order, stored
  /// type (no slope applied; interleaved colours are separated). out.size() must be exact.
  ///
  /// Access::once: boxes follow each other in stored order (channel slowest, then k, then j, then i; colours: all
  /// channels at once) and hold whole rows; planes or rows between them are skipped. Boxes of several channels hold
  /// whole planes only when channels are colours. Errors: invalid_data (truncated or corrupt, with the byte), io.
  virtual Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) = 0;
  /// How many resolutions the source has; this object reads the finest.
  virtual std::size_t level_count() const { return 1; }
  /// Opens resolution 1 (the next coarser) to level_count() - 1. It has the channels, the type and the axes of this
  /// source; size, affine, offset and chunks are its own. Errors: as open_source; invalid_data when it does not agree.
  virtual Result<std::unique_ptr<VolumeSource>> open_level(std::size_t level);
};

class ByteSource;

/// Opens any volume that this build knows: a path, "-" (standard input), a FIFO, or a dataset's folder or URL,
/// optionally with a format forced ("nifti://PATH", "PATH|nifti:", "precomputed://DIR",
/// "DIR|neuroglancer-precomputed:"), which may be told what to take of the file ("FILE|hdf5:/a/b"). The format is found
/// by looking at the first bytes. Errors name the formats that were tried; all have concerns_source.
Result<std::unique_ptr<VolumeSource>> open_source(const std::string& place, const SourceOptions& options = {});
/// The same for several places that make one volume: image files are its slices, folders of them its channels.
Result<std::unique_ptr<VolumeSource>> open_source(std::span<const std::string> places,
                                                  const SourceOptions& options = {});

/// What is to be opened, taken apart.
struct SourceRequest {
  std::string place;   // path, "-" or URL, without the format
  std::string scheme;  // how the format was named ("zarr2"), "" when it was found by looking
  std::string inside;  // what stands behind the format's colon: "/a/b" of "FILE|hdf5:/a/b"
  SourceOptions options;
};

/// A row of sources.def.
struct SourceDescriptor {
  const char* name;                            // "nifti"
  const char* title;                           // "NIfTI-1 and NIfTI-2 (.nii, .nii.gz)"
  const char* url_scheme;                      // how the viewer spells it: "nifti", "neuroglancer-precomputed"
  bool is_folder;                              // sniffed by the names inside, not by bytes
  bool takes_inside = false;                   // it may be told what to take of the file
  std::array<const char*, 2> other_schemes{};  // more spellings: "zarr2", "zarr3"
  /// Folder formats: keys that a server has when the dataset is one of these, in the order of asking.
  std::array<const char*, 4> markers{};
  const char* suffixes = "";       // what its files are called, the longest first: ".nii.gz .nii"
  bool takes_shape = false;        // it cannot say its sizes: SourceOptions::shape does
  bool takes_orientation = false;  // SourceOptions::input_orientation means something
  /// File formats without a header of their own: whether this file is to be taken as it lies, though it may begin like
  /// gzip, as values can by chance. nullptr: never.
  bool (*is_plain)(const SourceRequest& request) = nullptr;
  /// 0 (certainly not) to 100 (certainly). `head`: the first bytes, gunzipped when they were gzip (up to 1024);
  /// `name`: the file's name in lower case. Folder formats: `head` holds the names inside, sorted, one per line.
  int (*sniff)(std::span<const std::byte> head, std::string_view name);
  /// Folder formats: the place is a folder or URL. nullptr for file formats.
  Result<std::unique_ptr<VolumeSource>> (*open)(const SourceRequest& request) = nullptr;
  /// File formats: `bytes` has been read no further than its head(), so that a FIFO is opened once. nullptr for
  /// folders.
  Result<std::unique_ptr<VolumeSource>> (*open_bytes)(std::shared_ptr<ByteSource> bytes,
                                                      const SourceRequest& request) = nullptr;
};
std::span<const SourceDescriptor* const> all_sources();

}  // namespace ngforge
