// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "op/volume_plan.h"
#include "sink/chunk_sink.h"

namespace ngforge {

/// What makes a planned volume a dataset of one format: where its chunks go, and the files beside them.
class DatasetFormat {
 public:
  virtual ~DatasetFormat() = default;

  /// For people: "OME-Zarr 0.5".
  virtual const char* title() const = 0;
  /// Takes the chunks of a scale; `folder` is the dataset's. They wait for their turn in `room`.
  /// Errors: permission, io.
  virtual Result<std::unique_ptr<ChunkSink>> open_sink(const std::string& folder, std::size_t scale, bool resume,
                                                       std::shared_ptr<WaitingRoom> room) const = 0;
  /// Files that a scale becomes at most, with the bytes that they have beside those of chunks, and how it is encoded.
  virtual void describe_scale(std::size_t scale, ScaleReport& report) const = 0;
  /// Key of the file that tells how it was made (layout/provenance.h).
  virtual const char* provenance_key() const = 0;
  /// The other files that describe the dataset: key and text. The last is what makes it a dataset.
  virtual std::vector<std::pair<std::string, std::string>> metadata() const = 0;
  /// Whether those of a finished dataset say the same, but for what other commands add.
  virtual bool says_the_same(const std::string& folder) const = 0;
  /// Lines for the user: who cannot open it, and who needs help with chunks that were left out.
  virtual std::vector<std::string> reader_notices() const = 0;
  virtual std::vector<std::string> absent_chunk_notices() const = 0;
};

/// Of the kind that `plan` is of; `plan` must outlive it.
std::unique_ptr<DatasetFormat> make_dataset_format(const VolumePlan& plan);
std::unique_ptr<DatasetFormat> make_precomputed_format(const VolumePlan& plan);
std::unique_ptr<DatasetFormat> make_ome_zarr_format(const VolumePlan& plan);

}  // namespace ngforge
