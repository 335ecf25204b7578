// SPDX-License-Identifier: Apache-2.0
#include "ngforge/properties.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "op/local_dataset.h"
#include "op/measure_labels.h"
#include "op/region_names.h"
#include "op/run_options.h"
#include "op/stored_properties.h"
#include "op/table_properties.h"
#include "sink/folder_writer.h"
#include "sink/partial_folder.h"
#include "source/byte_source.h"
#include "source/precomputed.h"
#include "surface/region_labels.h"
#include "table/table.h"

namespace ngforge {
namespace {

constexpr const char* kType = "neuroglancer_segment_properties";
// A format of tables beside those of texts.
constexpr const char* kRegions = "regions";

/// Makes the properties of one dataset.
class PropertiesRun {
 public:
  PropertiesRun(std::string table, const PropertiesOptions& options, const RunOptions& run)
      : table_(std::move(table)), options_(options), run_(with_defaults(run)) {}

  Result<PropertiesReport> run(const std::string& dataset) {
    if (table_.empty() && !options_.measure && !options_.present)
      return make_error(ErrorCode::invalid_argument,
                        "{}: expected a TABLE and a DATASET, or a DATASET and --measure, found one place alone",
                        dataset)
          .with_hint("see ngforge properties -h");
    NGFORGE_CHECK(check_format());
    NGFORGE_CHECK(open(dataset));
    NGFORGE_TRY(missing_, missing_number(options_));
    std::optional<PartialFolder> partial;
    if (!options_.dry_run) {
      NGFORGE_TRY(auto opened, PartialFolder::open(report_.destination, {}, {false, options_.overwrite, false}));
      partial.emplace(std::move(opened));
    }
    auto result = fill(partial);
    if (!result && partial) partial->discard();
    if (!result) return std::move(result).error();
    if (!options_.dry_run && properties_folder(volume_->info()) != folder_)
      NGFORGE_CHECK(link_folder(*volume_, root_, kPropertiesLink, folder_));
    return std::move(report_);
  }

 private:
  Result<void> check_format() const {
    std::string names;
    for (const TableFormat& format : all_table_formats()) {
      if (options_.format.empty() || options_.format == format.name) return {};
      names += fmt::format("{}{}", names.empty() ? "" : ", ", format.name);
    }
    return make_error(ErrorCode::invalid_argument, "--format: expected one of {}, found \"{}\"", names,
                      options_.format);
  }

  Result<void> open(const std::string& dataset) {
    NGFORGE_TRY(volume_, PrecomputedVolume::open(dataset));
    NGFORGE_TRY(root_, local_folder(*volume_, dataset));
    if (!volume_->info().is_segmentation)
      return make_error(ErrorCode::unsupported, "{}: expected a segmentation, found an image: it has no segments",
                        dataset)
          .of_source()
          .with_hint("convert it with --type segmentation");
    folder_ = properties_folder(volume_->info()).value_or(kPropertiesFolder);
    report_.destination = root_ + "/" + folder_;
    return {};
  }

  Result<void> fill(std::optional<PartialFolder>& partial) {
    NGFORGE_TRY(NamedSegments named, table_.empty() ? read_existing() : read_table());
    for (std::string& notice : named.notices) report_.notices.push_back(std::move(notice));
    report_.columns = std::move(named.columns);
    SegmentProperties properties = std::move(named.properties);
    if (options_.measure || options_.present) NGFORGE_CHECK(keep_present(properties));
    if (properties.ids.empty())
      return make_error(ErrorCode::invalid_data, "{}: expected a label with voxels, found none",
                        volume_->store()->describe())
          .of_source();
    const std::string text = write_segment_properties(properties);
    report_.segments = properties.ids.size();
    report_.bytes = text.size();
    constexpr std::uint64_t kManyBytes = 64 << 20;
    if (report_.bytes > kManyBytes)
      report_.notices.push_back(
          fmt::format("{} MiB of properties: the viewer loads them all before it shows any", report_.bytes >> 20));
    if (!partial) return {};
    if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    FolderWriter folder;
    NGFORGE_CHECK(folder.open(partial->path()));
    NGFORGE_CHECK(folder.write_synced("info", std::as_bytes(std::span(text))));
    return partial->commit();
  }

  Result<NamedSegments> read_table() {
    report_.table = table_;
    NGFORGE_TRY(const Bytes bytes, read_table_bytes());
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (options_.format.empty() && text.find(kType) != std::string_view::npos &&
        text.find_first_not_of(" \t\r\n") == text.find('{'))
      return read_info(text);
    const bool has_regions = options_.format.empty() ? looks_like_region_labels(bytes) : options_.format == kRegions;
    auto table = has_regions ? read_regions(bytes) : parse_table(bytes, table_, options_.format);
    if (!table) return std::move(table).error().of_source();
    report_.format = table->format;
    report_.rows = table->row_count();
    if (table->is_palette && !options_.measure && !options_.present)
      report_.notices.emplace_back("a table of all labels that there could be: --present keeps those that have voxels");
    auto named = properties_of_table(std::move(*table), options_, table_);
    if (!named) return std::move(named).error().of_source();
    return named;
  }

  Result<Table> read_regions(const Bytes& bytes) const {
    SurfaceInput input{bytes, table_, {}};
    input.most_array_bytes = run_.memory_bytes;
    NGFORGE_TRY(const RegionLabels regions, read_region_labels(input));
    return table_of_regions(regions);
  }

  Result<Bytes> read_table_bytes() {
    const std::uint64_t limit = properties_limit(run_.memory_bytes);
    constexpr std::size_t kStep = 1 << 20;
    NGFORGE_TRY(const auto source, ByteSource::open(table_));
    Bytes bytes;
    for (;;) {
      const std::size_t size = bytes.size();
      bytes.resize(size + kStep);
      auto count = source->read_some(size, std::span(bytes).subspan(size));
      if (!count) return std::move(count).error().of_source();
      bytes.resize(size + *count);
      if (*count == 0) break;
      if (bytes.size() > limit) return too_long(table_, "a table", limit);
    }
    NGFORGE_CHECK(source->finish());
    return bytes;
  }

  Error too_long(std::string_view where, std::string_view what, std::uint64_t limit) const {
    return make_error(ErrorCode::needs_decision, "{}: expected {} of at most {} MiB for --memory of {} MiB", where,
                      what, limit >> 20, run_.memory_bytes >> 20)
        .with_hint("use more --memory");
  }

  // Properties as they are, of whoever wrote them, when they are sound.
  Result<NamedSegments> read_info(std::string_view text) {
    const bool asks = !options_.id.empty() || !options_.label.empty() || !options_.description.empty() ||
                      !options_.color.empty() || options_.tags || options_.columns || !options_.strings.empty() ||
                      !options_.numbers.empty();
    if (asks)
      return make_error(ErrorCode::invalid_argument,
                        "{}: expected a table whose columns can be chosen, found segment properties", table_);
    std::vector<std::string> faults;
    auto read = parse_segment_properties(text, table_, faults);
    if (!read) return std::move(read).error().of_source();
    if (!faults.empty()) return make_error(ErrorCode::invalid_data, "{}", faults.front()).of_source();
    report_.format = "segment properties";
    report_.rows = read->ids.size();
    return told(std::move(*read));
  }

  Result<NamedSegments> read_existing() {
    const auto folder = properties_folder(volume_->info());
    if (!folder) return NamedSegments();
    std::vector<std::string> faults;
    const std::uint64_t limit = properties_limit(run_.memory_bytes);
    auto read = read_stored_properties(*volume_->store(), *folder, limit, faults);
    if (!read && read.error().code == ErrorCode::not_found) return NamedSegments();
    if (!read && read.error().code == ErrorCode::limit)
      return too_long(fmt::format("{}/{}/info", volume_->store()->describe(), *folder), "segment properties", limit);
    if (!read) return std::move(read).error().in(volume_->store()->describe());
    if (!faults.empty()) return make_error(ErrorCode::invalid_data, "{}", faults.front()).of_source();
    return told(std::move(*read));
  }

  static NamedSegments told(SegmentProperties properties) {
    NamedSegments named;
    for (const SegmentProperty& property : properties.properties) {
      PropertyColumn column{property.id, property.id, std::string(name_of(property.kind)), "", {}, ""};
      if (property.kind == SegmentProperty::Kind::number) {
        column.data_type = name_of(property.type);
        const auto [low, high] = std::ranges::minmax(property.numbers);
        column.range = {low, high};
      }
      named.columns.push_back(std::move(column));
    }
    named.properties = std::move(properties);
    return named;
  }

  // Leaves labels that have voxels, with their measures if these are wanted.
  Result<void> keep_present(SegmentProperties& properties) {
    auto measured = measure_labels(*volume_, run_);
    if (!measured) return std::move(measured).error().in(volume_->store()->describe());
    const std::vector<LabelMeasure>& measures = *measured;
    const auto has_voxels = [&](std::uint64_t id) {
      const auto found = std::ranges::lower_bound(measures, id, {}, &LabelMeasure::label);
      return found != measures.end() && found->label == id;
    };
    std::vector<std::uint64_t> absent;
    std::ranges::remove_copy_if(properties.ids, std::back_inserter(absent), has_voxels);
    if (!absent.empty())
      report_.notices.push_back(
          fmt::format("no voxel has {}{}: left out", ids_text(absent),
                      absent.size() == properties.ids.size() ? ", that is all of the table" : ""));
    std::vector<std::uint64_t> ids;
    // Names alone are no reason to list labels without a name.
    for (const LabelMeasure& measure : measures)
      if (options_.measure || std::ranges::binary_search(properties.ids, measure.label)) ids.push_back(measure.label);
    if (!properties.ids.empty() && ids.size() + absent.size() > properties.ids.size())
      report_.notices.push_back(
          fmt::format("{} labels have voxels and no name", ids.size() + absent.size() - properties.ids.size()));
    if (options_.measure) NGFORGE_CHECK(replace_measures(properties));
    NGFORGE_TRY(properties, with_ids(properties, ids, missing_));
    if (options_.measure) {
      NGFORGE_TRY(auto added,
                  properties_of_measures(measures, volume_->info().scales.front().resolution_nm, options_.rounds));
      for (SegmentProperty& property : added) {
        PropertyColumn column{"", property.id, "number", std::string(name_of(property.type)), {}, ""};
        if (!property.numbers.empty()) {
          const auto [low, high] = std::ranges::minmax(property.numbers);
          column.range = {low, high};
        }
        report_.columns.push_back(std::move(column));
        properties.properties.push_back(std::move(property));
      }
    }
    return {};
  }

  // Properties that have the names of measures make room for them.
  Result<void> replace_measures(SegmentProperties& properties) {
    NGFORGE_TRY(const auto names, properties_of_measures({}, {1, 1, 1}, false));
    for (const SegmentProperty& name : names) {
      const auto is_same = [&](const SegmentProperty& property) { return property.id == name.id; };
      if (std::erase_if(properties.properties, is_same) == 0) continue;
      std::erase_if(report_.columns, [&](const PropertyColumn& column) { return column.id == name.id; });
      if (!table_.empty())
        report_.notices.push_back(fmt::format("{}: what was measured takes the place of the table's column", name.id));
    }
    return {};
  }

  const std::string table_;
  const PropertiesOptions& options_;
  const RunOptions run_;
  std::shared_ptr<PrecomputedVolume> volume_;
  std::string root_, folder_;
  std::optional<double> missing_;
  PropertiesReport report_;
};

}  // namespace

Result<PropertiesReport> set_properties(const std::string& table, const std::string& dataset,
                                        const PropertiesOptions& options, const RunOptions& run) {
  return PropertiesRun(table, options, run).run(dataset);
}

std::vector<TableFormat> all_table_formats() {
  std::vector<TableFormat> formats{{kRegions, "regions of a surface: FreeSurfer .annot, GIfTI .label.gii"}};
  for (const TableDescriptor* table : all_tables()) formats.push_back({table->name, table->title});
  return formats;
}

}  // namespace ngforge
