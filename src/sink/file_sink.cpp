// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "sink/chunk_sink.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

class FileSink final : public ChunkSink {
 public:
  FileSink(std::function<std::string(const GridVec&)> name, bool resume) : name_(std::move(name)), resume_(resume) {}
  Result<void> open(const std::string& folder) { return writer_.open(folder); }

  bool is_finished(const GridVec& cell) const override { return resume_ && writer_.exists(name_(cell)); }

  Result<void> put(Index, const GridVec& cell, std::span<const std::byte> bytes) override {
    NGFORGE_CHECK(writer_.write(name_(cell), bytes));
    ++counts_.files;
    counts_.bytes += bytes.size();
    return {};
  }
  Result<void> pass(Index, const GridVec&) override { return {}; }
  void abandon() override {}

 private:
  const std::function<std::string(const GridVec&)> name_;
  const bool resume_;
  FolderWriter writer_;
};

}  // namespace

Result<std::unique_ptr<ChunkSink>> open_file_sink(const std::string& folder,
                                                  std::function<std::string(const GridVec&)> name, bool resume) {
  auto sink = std::make_unique<FileSink>(std::move(name), resume);
  NGFORGE_CHECK(sink->open(folder));
  return std::unique_ptr<ChunkSink>(std::move(sink));
}

}  // namespace ngforge
