// SPDX-License-Identifier: Apache-2.0
// Meshes as two files for each label.
#include "sink/folder_writer.h"
#include "sink/mesh_sink.h"

namespace ngforge {
namespace {

class MeshFileSink final : public MeshSink {
 public:
  MeshFileSink(MeshFileNames names, bool resume) : names_(std::move(names)), resume_(resume) {}
  Result<void> open(const std::string& folder) { return writer_.open(folder); }

  Result<void> put(std::uint64_t label, std::span<const std::byte> manifest,
                   std::span<const std::byte> fragments) override {
    const auto [manifest_name, fragments_name] = names_(label);
    NGFORGE_CHECK(write(fragments_name, fragments));
    return write(manifest_name, manifest);
  }
  Result<void> finish() override { return {}; }

 private:
  Result<void> write(const std::string& name, std::span<const std::byte> bytes) {
    ++files_;
    bytes_ += bytes.size();
    if (resume_ && writer_.exists(name)) return {};
    return writer_.write(name, bytes);
  }

  const MeshFileNames names_;
  const bool resume_;
  FolderWriter writer_;
};

}  // namespace

Result<std::unique_ptr<MeshSink>> open_mesh_file_sink(const std::string& folder, MeshFileNames names, bool resume) {
  auto sink = std::make_unique<MeshFileSink>(std::move(names), resume);
  NGFORGE_CHECK(sink->open(folder));
  return std::unique_ptr<MeshSink>(std::move(sink));
}

}  // namespace ngforge
