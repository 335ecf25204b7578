// SPDX-License-Identifier: Apache-2.0
#include "sink/chunk_sink.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

class FileSink final : public ChunkSink {
 public:
  FileSink(const ScaleInfo& scale, Layout layout, bool gzip, bool resume)
      : scale_(scale), layout_(layout), gzip_(gzip), resume_(resume) {}
  Result<void> open(const std::string& folder) { return writer_.open(folder + "/" + scale_.key); }

  bool is_finished(const GridVec& cell) const override { return resume_ && writer_.exists(name(cell)); }

  Result<void> put(Index, const GridVec& cell, std::span<const std::byte> bytes) override {
    NGFORGE_CHECK(writer_.write(name(cell), bytes));
    ++counts_.files;
    counts_.bytes += bytes.size();
    return {};
  }
  Result<void> pass(Index, const GridVec&) override { return {}; }
  void abandon() override {}

 private:
  std::string name(const GridVec& cell) const {
    const Box box_vox = scale_.chunk_box(cell);
    std::string name = layout_ == Layout::flat ? chunk_name(box_vox) : deep_chunk_name(box_vox);
    if (gzip_) name += ".gz";
    return name;
  }

  const ScaleInfo scale_;
  const Layout layout_;
  const bool gzip_, resume_;
  FolderWriter writer_;
};

}  // namespace

Result<std::unique_ptr<ChunkSink>> open_file_sink(const std::string& folder, const ScaleInfo& scale, Layout layout,
                                                  bool gzip, bool resume) {
  auto sink = std::make_unique<FileSink>(scale, layout, gzip, resume);
  NGFORGE_CHECK(sink->open(folder));
  return std::unique_ptr<ChunkSink>(std::move(sink));
}

}  // namespace ngforge
