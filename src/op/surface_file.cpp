// SPDX-License-Identifier: Apache-2.0
#include "op/surface_file.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <optional>
#include <utility>

#include "ngforge/op.h"
#include "ngforge/text.h"
#include "op/dataset_mesh.h"
#include "op/run_options.h"
#include "pipeline/thread_pool.h"
#include "sink/output_file.h"
#include "source/byte_source.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

// A byte of a file becomes so many at most, all copies on the way to a mesh counted; the worst are texts of few digits.
constexpr std::uint64_t kBytesPerByte = 12;
constexpr std::uint64_t kFirstBytes = 1 << 20;

Result<Bytes> read_whole(ByteSource& source, std::uint64_t memory_bytes) {
  const std::uint64_t most = memory_bytes / kBytesPerByte;
  Bytes bytes;
  while (true) {
    const std::uint64_t known = source.content_bytes().value_or(0);
    const std::uint64_t wanted = std::max<std::uint64_t>({kFirstBytes, known + 1, 2 * bytes.size()});
    const std::size_t had = bytes.size();
    bytes.resize(static_cast<std::size_t>(std::min(wanted, most + 1)));
    NGFORGE_TRY(const std::size_t count, source.read_some(had, std::span(bytes).subspan(had)));
    bytes.resize(had + count);
    if (bytes.size() > most)
      return make_error(ErrorCode::needs_decision,
                        "{}: expected a surface file of at most {} MiB within --memory {} MiB, found more",
                        source.place(), most >> 20, memory_bytes >> 20)
          .with_hint("use a larger --memory")
          .of_source();
    if (count == 0) break;
  }
  NGFORGE_CHECK(source.finish());
  return bytes;
}

Result<Bytes> read_beside(const std::string& place, std::string_view name, ByteRange range,
                          std::uint64_t memory_bytes) {
  const std::string path = (fs::path(place).parent_path() / name).string();
  if (range.length > memory_bytes / kBytesPerByte)
    return make_error(ErrorCode::limit, "{}: expected at most {} bytes of values, found {}", path,
                      memory_bytes / kBytesPerByte, range.length)
        .of_source();
  NGFORGE_TRY(const auto source, ByteSource::open(path, false));
  Bytes bytes(static_cast<std::size_t>(range.length));
  NGFORGE_CHECK(source->read(range.offset, bytes));
  return bytes;
}

std::array<std::array<double, 3>, 2> bounds_of(const Mesh& mesh) {
  std::array<std::array<double, 3>, 2> bounds;
  for (std::size_t a = 0; a < 3; ++a) bounds[0][a] = bounds[1][a] = mesh.positions.front()[a];
  for (const auto& position : mesh.positions)
    for (std::size_t a = 0; a < 3; ++a) {
      bounds[0][a] = std::min<double>(bounds[0][a], position[a]);
      bounds[1][a] = std::max<double>(bounds[1][a], position[a]);
    }
  return bounds;
}

Result<SurfaceReport> write_surface(const std::string& place, const std::string& destination,
                                    const ConvertOptions& options, const RunOptions& run) {
  const SurfaceDescriptor& format = *find_surface_writer(destination);
  auto opened = open_surface(place, run.memory_bytes);
  if (!opened && opened.error().code == ErrorCode::unsupported && opened.error().hint.empty())
    return std::move(opened).error().with_hint(
        "labels of a volume become surfaces with ngforge mesh, and files with convert 'DATASET|mesh:ID'");
  NGFORGE_TRY(Surface surface, std::move(opened));
  const bool is_moved = !format.keeps_transforms || surface.is_in_dataset_nm;
  if (is_moved && surface.to_world_mm != Affine{}) transform_mesh(surface.mesh, surface.to_world_mm);
  const std::string title = format.title;
  SurfaceReport report{destination, title.substr(0, title.find_first_of(",:")), surface.format};
  report.vertices = surface.mesh.positions.size();
  report.triangles = surface.mesh.triangles.size();
  report.bounds_mm = bounds_of(surface.mesh);
  if (is_moved) surface.transforms.clear();
  NGFORGE_TRY(const Bytes bytes, format.write(surface));
  report.bytes = bytes.size();
  if (options.dry_run) return report;
  ThreadPool pool(1);
  NGFORGE_TRY(const auto file, OutputFile::create(destination, {false, 0, options.overwrite}, pool));
  NGFORGE_CHECK(file->append(bytes));
  NGFORGE_CHECK(file->finish());
  return report;
}

struct Guess {
  const SurfaceDescriptor* format = nullptr;
  int score = 0;
};

Guess best_guess(const std::string& place, std::string_view name) {
  std::error_code ignored;
  Guess best;
  if (!fs::is_regular_file(place, ignored)) return best;
  const auto source = ByteSource::open(place);
  for (const SurfaceDescriptor* format : all_surface_formats()) {
    const int score = source ? format->sniff((*source)->head(), name) : 0;
    if (score > best.score) best = {format, score};
  }
  return best;
}

Guess best_guess(const std::string& place) {
  std::string name = lower_case(place);
  if (ends_with_any_case(name, ".gz")) name.resize(name.size() - 3);
  return best_guess(place, name);
}

}  // namespace

Result<void> with_surface_input(const std::string& place, std::uint64_t memory_bytes,
                                const std::function<Result<void>(const SurfaceInput&)>& take) {
  NGFORGE_TRY(const auto source, ByteSource::open(place));
  NGFORGE_TRY(const Bytes bytes, read_whole(*source, memory_bytes));
  SurfaceInput input{bytes, source->place(), {}};
  input.read_beside = [&](std::string_view name, ByteRange range) {
    return read_beside(place, name, range, memory_bytes);
  };
  input.most_array_bytes = memory_bytes / kBytesPerByte;
  auto taken = take(input);
  if (!taken) return std::move(taken).error().of_source();
  return {};
}

Result<Surface> open_surface(const std::string& place, std::uint64_t memory_bytes) {
  if (is_dataset_mesh(place)) return open_dataset_mesh(place, memory_bytes);
  Surface surface;
  NGFORGE_CHECK(with_surface_input(place, memory_bytes, [&](const SurfaceInput& input) -> Result<void> {
    NGFORGE_TRY(surface, read_surface(input));
    return {};
  }));
  return surface;
}

bool looks_like_surface(const std::string& place) {
  constexpr int kSureScore = 80;
  return is_dataset_mesh(place) || best_guess(place, "").score >= kSureScore;
}

int surface_score(const std::string& place) {
  return best_guess(place).score;
}

std::string surface_format(const std::string& place) {
  const SurfaceDescriptor* const format = best_guess(place).format;
  return format == nullptr ? "" : format->name;
}

bool is_surface_file(const std::string& destination) {
  return find_surface_writer(destination) != nullptr;
}

Result<SurfaceReport> convert_surface(std::span<const std::string> sources, const std::string& destination,
                                      const ConvertOptions& options, const RunOptions& run) {
  if (sources.size() != 1)
    return make_error(ErrorCode::invalid_argument, "{}: expected one surface file as its source, found {}", destination,
                      sources.size());
  if (options.resume)
    return make_error(ErrorCode::invalid_argument, "--resume: expected a dataset as destination, found a file")
        .with_hint("use --overwrite");
  try {
    return write_surface(sources.front(), destination, options, with_defaults(run));
  } catch (const std::bad_alloc&) {
    return make_error(ErrorCode::internal, "the machine has no memory left");
  }
}

}  // namespace ngforge
