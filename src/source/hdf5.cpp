// SPDX-License-Identifier: Apache-2.0
// Datasets of HDF5 files, read with the HDF Group's library but for two things that it does one at a time: chunks are
// fetched as they lie and decoded by whoever asks, and values that lie in one piece are read as those of any file.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "array/copy_values.h"
#include "core/byte_order.h"
#include "source/hdf5_filters.h"
#include "source/hdf5_library.h"
#include "source/plain_array.h"
#include "source/raster_source.h"

namespace ngforge {
namespace {

constexpr std::size_t kMostListed = 20;
constexpr int kMostAxes = H5S_MAX_RANK;
// Chunks are read together until they are so long: one by one, small ones are more work to hand out than to decode.
constexpr Index kBoxBytes = 1 << 20;
constexpr int kShuffleParameters = 32;

std::string sizes_text(const Extents& shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

// ---- What is in the file. Everything here needs the lock.

Result<Extents> shape_of(const Hdf5Library& h5, hid_t dataset, const std::string& where) {
  const Hdf5Handle space(h5, h5.H5Dget_space(dataset), h5.H5Sclose);
  const int rank = space ? h5.H5Sget_simple_extent_ndims(space.get()) : -1;
  hsize_t sizes[H5S_MAX_RANK]{};
  if (rank < 0 || rank > kMostAxes || h5.H5Sget_simple_extent_dims(space.get(), sizes, nullptr) < 0)
    return make_error(ErrorCode::invalid_data, "{}: expected an array, found {}", where, hdf5_reason(h5)).of_source();
  Extents shape;
  for (int a = 0; a < rank; ++a) {
    if (sizes[a] > static_cast<hsize_t>(INT64_MAX))
      return make_error(ErrorCode::invalid_data, "{}: expected sizes below 2^63, found {}", where, sizes[a])
          .of_source();
    shape.push_back(static_cast<Index>(sizes[a]));
  }
  return shape;
}

/// IEEE 754 with this many bits for exponent and mantissa.
std::optional<StoredType> real_type(const Hdf5Library& h5, hid_t type) {
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  if (h5.H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0) return std::nullopt;
  const std::size_t bytes = h5.H5Tget_size(type);
  if (mantissa != 0 || exponent != mantissa_bits || sign + 1 != 8 * bytes) return std::nullopt;
  if (bytes == 2 && exponent_bits == 5) return StoredType::float16;
  if (bytes == 4 && exponent_bits == 8) return StoredType::float32;
  if (bytes == 8 && exponent_bits == 11) return StoredType::float64;
  return std::nullopt;
}

std::optional<StoredType> integer_type(const Hdf5Library& h5, hid_t type) {
  const bool is_signed = h5.H5Tget_sign(type) == H5T_SGN_2;
  const std::size_t bytes = h5.H5Tget_size(type);
  if (h5.H5Tget_precision(type) != 8 * bytes || h5.H5Tget_offset(type) != 0) return std::nullopt;
  switch (bytes) {
    case 1: return is_signed ? StoredType::int8 : StoredType::uint8;
    case 2: return is_signed ? StoredType::int16 : StoredType::uint16;
    case 4: return is_signed ? StoredType::int32 : StoredType::uint32;
    case 8: return is_signed ? StoredType::int64 : StoredType::uint64;
    default: return std::nullopt;
  }
}

/// Numbers; enumerations as the integers they are (h5py keeps booleans so); records of two equal reals as complex.
std::optional<NumberType> number_type(const Hdf5Library& h5, hid_t type) {
  std::optional<StoredType> stored;
  switch (h5.H5Tget_class(type)) {
    case H5T_INTEGER: stored = integer_type(h5, type); break;
    case H5T_FLOAT: stored = real_type(h5, type); break;
    case H5T_ENUM: {
      const Hdf5Handle base(h5, h5.H5Tget_super(type), h5.H5Tclose);
      return base ? number_type(h5, base.get()) : std::nullopt;
    }
    case H5T_COMPOUND: {
      if (h5.H5Tget_nmembers(type) != 2) return std::nullopt;
      const Hdf5Handle first(h5, h5.H5Tget_member_type(type, 0), h5.H5Tclose),
          second(h5, h5.H5Tget_member_type(type, 1), h5.H5Tclose);
      if (!first || !second || h5.H5Tget_class(first.get()) != H5T_FLOAT || h5.H5Tget_class(second.get()) != H5T_FLOAT)
        return std::nullopt;
      auto part = number_type(h5, first.get());
      const auto other = number_type(h5, second.get());
      if (!part || !other || part->type != other->type || part->is_foreign_order != other->is_foreign_order ||
          h5.H5Tget_size(type) != 2 * size_of(part->type) || part->type == StoredType::float16)
        return std::nullopt;
      part->type = part->type == StoredType::float32 ? StoredType::complex64 : StoredType::complex128;
      return part;
    }
    default: return std::nullopt;
  }
  const H5T_order_t order = h5.H5Tget_order(type);
  if (!stored || (order != H5T_ORDER_LE && order != H5T_ORDER_BE)) return std::nullopt;
  const bool is_little = order == H5T_ORDER_LE;
  return NumberType{*stored, size_of(*stored) > 1 && is_little != (std::endian::native == std::endian::little)};
}

struct Listed {
  std::string path, sizes;
  bool is_volume = false;  // three or four axes of numbers
};

/// The datasets below an object.
std::vector<Listed> list_datasets(const Hdf5Library& h5, hid_t object, const std::string& path) {
  std::vector<std::string> names;
  h5.H5Ovisit2(
      object, H5_INDEX_NAME, H5_ITER_INC,
      [](hid_t, const char* name, const H5O_info_t* info, void* data) -> herr_t {
        if (info->type == H5O_TYPE_DATASET) static_cast<std::vector<std::string>*>(data)->emplace_back(name);
        return 0;
      },
      &names, H5O_INFO_BASIC);
  std::vector<Listed> datasets;
  for (const std::string& name : names) {
    const Hdf5Handle dataset(h5, h5.H5Dopen2(object, name.c_str(), H5P_DEFAULT), h5.H5Dclose);
    if (!dataset) continue;
    const auto shape = shape_of(h5, dataset.get(), name);
    const Hdf5Handle type(h5, h5.H5Dget_type(dataset.get()), h5.H5Tclose);
    if (!shape || !type) continue;
    const bool is_volume = (shape->size() == 3 || shape->size() == 4) && number_type(h5, type.get());
    datasets.push_back({path + (path.ends_with('/') ? "" : "/") + name, sizes_text(*shape), is_volume});
  }
  return datasets;
}

std::string names_of(const std::vector<Listed>& datasets) {
  std::string text;
  for (std::size_t n = 0; n < std::min(datasets.size(), kMostListed); ++n)
    text += fmt::format("{}{} ({})", n == 0 ? "" : ", ", datasets[n].path, datasets[n].sizes);
  if (datasets.size() > kMostListed) text += fmt::format(" and {} more", datasets.size() - kMostListed);
  return text.empty() ? "no dataset" : text;
}

/// The dataset that is meant: the one named, or the only one that can be a volume.
Result<std::string> choose_dataset(const Hdf5Library& h5, hid_t file, const std::string& place, std::string inside) {
  if (inside.empty()) {
    const auto all = list_datasets(h5, file, "/");
    std::vector<Listed> volumes;
    std::ranges::copy_if(all, std::back_inserter(volumes), &Listed::is_volume);
    if (volumes.size() == 1) return volumes.front().path;
    if (volumes.empty())
      return make_error(ErrorCode::unsupported, "{}: expected a dataset of three or four axes of numbers, found {}",
                        place, names_of(all))
          .of_source();
    return make_error(ErrorCode::needs_decision, "{}: expected one dataset, found {}", place, names_of(volumes))
        .with_hint(fmt::format("name it behind the file: \"{}|hdf5:{}\"", place, volumes.front().path))
        .of_source();
  }
  if (!inside.starts_with('/')) inside.insert(0, 1, '/');
  const Hdf5Handle object(h5, h5.H5Oopen(file, inside.c_str(), H5P_DEFAULT), h5.H5Oclose);
  if (!object)
    return make_error(ErrorCode::not_found, "{}: expected the dataset {}, found {}", place, inside,
                      names_of(list_datasets(h5, file, "/")))
        .of_source();
  if (h5.H5Iget_type(object.get()) != H5I_DATASET)
    return make_error(ErrorCode::invalid_data, "{}: {}: expected a dataset, found a group with {}", place, inside,
                      names_of(list_datasets(h5, object.get(), inside)))
        .of_source();
  return inside;
}

/// Three lengths, those of the last three axes, that the dataset's attribute has.
std::optional<std::array<double, 3>> lengths_of(const Hdf5Library& h5, hid_t dataset, const char* name) {
  if (h5.H5Aexists(dataset, name) <= 0) return std::nullopt;
  const Hdf5Handle attribute(h5, h5.H5Aopen(dataset, name, H5P_DEFAULT), h5.H5Aclose);
  if (!attribute) return std::nullopt;
  const Hdf5Handle space(h5, h5.H5Aget_space(attribute.get()), h5.H5Sclose);
  const Hdf5Handle type(h5, h5.H5Aget_type(attribute.get()), h5.H5Tclose);
  if (!space || !type || !number_type(h5, type.get()) || h5.H5Sget_simple_extent_npoints(space.get()) != 3)
    return std::nullopt;
  std::array<double, 3> lengths{};
  if (h5.H5Aread(attribute.get(), h5.native_double, lengths.data()) < 0) return std::nullopt;
  const bool are_lengths =
      std::ranges::all_of(lengths, [](double length) { return length > 0 && std::isfinite(length); });
  return are_lengths ? std::optional(lengths) : std::nullopt;
}

/// How a dataset lies in its file.
struct Storage {
  NumberType number;
  Extents shape, chunk_shape;  // as the file has them, slowest first; no chunk_shape: not chunked, or not by us
  std::vector<Hdf5Filter> filters;
  bool edges_are_unfiltered = false;
  std::optional<std::uint64_t> offset;  // of all values in one piece
  Bytes fill;                           // one value in the file's byte order
  std::string text;                     // for people
};

Result<void> read_filters(const Hdf5Library& h5, hid_t properties, const std::string& where, Storage& storage) {
  const int count = h5.H5Pget_nfilters(properties);
  bool all_known = true;
  for (int n = 0; n < count; ++n) {
    unsigned flags = 0, config = 0, parameters[kShuffleParameters]{};
    std::size_t parameter_count = kShuffleParameters;
    char name[64]{};
    const int id = h5.H5Pget_filter2(properties, static_cast<unsigned>(n), &flags, &parameter_count, parameters,
                                     sizeof name - 1, name, &config);
    if (id < 0) return make_error(ErrorCode::invalid_data, "{}: filter {}: {}", where, n, hdf5_reason(h5)).of_source();
    Hdf5Filter filter{id, std::string(hdf5_filter_name(id)), {}};
    if (filter.name.empty()) filter.name = *name != '\0' ? fmt::format("{} ({})", name, id) : std::to_string(id);
    filter.parameters.assign(parameters, parameters + std::min<std::size_t>(parameter_count, kShuffleParameters));
    all_known &= is_known_filter(id);
    if (!is_known_filter(id) && h5.H5Zfilter_avail(id) <= 0)
      return make_error(ErrorCode::unsupported,
                        "{}: expected chunks packed with gzip, shuffle, fletcher32, lzf, lz4, zstd, blosc, bzip2 or "
                        "szip, found the filter {}",
                        where, filter.name)
          .of_source();
    storage.text += ", " + filter.name;
    storage.filters.push_back(std::move(filter));
  }
  if (!all_known) storage.chunk_shape.clear();
  return {};
}

Result<Storage> read_storage(const Hdf5Library& h5, hid_t dataset, const std::string& where) {
  Storage storage;
  NGFORGE_TRY(storage.shape, shape_of(h5, dataset, where));
  const Hdf5Handle type(h5, h5.H5Dget_type(dataset), h5.H5Tclose);
  const auto number = type ? number_type(h5, type.get()) : std::nullopt;
  if (!number)
    return make_error(ErrorCode::unsupported,
                      "{}: expected integers, IEEE reals or complex numbers, found another type", where)
        .of_source();
  storage.number = *number;
  const Hdf5Handle properties(h5, h5.H5Dget_create_plist(dataset), h5.H5Pclose);
  if (!properties) return make_error(ErrorCode::invalid_data, "{}: {}", where, hdf5_reason(h5)).of_source();
  storage.fill.resize(size_of(number->type));
  if (h5.H5Pget_fill_value(properties.get(), type.get(), storage.fill.data()) < 0)
    storage.fill.assign(size_of(number->type), std::byte{0});
  const H5D_layout_t layout = h5.H5Pget_layout(properties.get());
  if (layout == H5D_CONTIGUOUS) {
    const haddr_t offset = h5.H5Dget_offset(dataset);
    if (offset != HADDR_UNDEF && h5.H5Pget_external_count(properties.get()) == 0) storage.offset = offset;
    storage.text = "contiguous";
  } else if (layout == H5D_CHUNKED) {
    hsize_t sizes[H5S_MAX_RANK]{};
    const int rank = h5.H5Pget_chunk(properties.get(), kMostAxes, sizes);
    if (rank != static_cast<int>(storage.shape.size()))
      return make_error(ErrorCode::invalid_data, "{}: chunks: expected {} axes, found {}", where, storage.shape.size(),
                        rank)
          .of_source();
    storage.chunk_shape.assign(sizes, sizes + rank);
    storage.text = "chunks " + sizes_text(storage.chunk_shape);
    unsigned options = 0;
    if (h5.H5Pget_chunk_opts(properties.get(), &options) >= 0)
      storage.edges_are_unfiltered = (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
    NGFORGE_CHECK(read_filters(h5, properties.get(), where, storage));
  } else {
    storage.text = layout == H5D_COMPACT ? "compact" : "virtual";
  }
  return storage;
}

/// The files that the values of a virtual dataset lie in must be there: the library takes fill values for them.
Result<void> check_virtual_files(const Hdf5Library& h5, hid_t dataset, const std::string& place,
                                 const std::string& where) {
  const Hdf5Handle properties(h5, h5.H5Dget_create_plist(dataset), h5.H5Pclose);
  // Where else the library would look is then its own affair.
  if (!properties || h5.H5Pget_layout(properties.get()) != H5D_VIRTUAL || std::getenv("HDF5_VDS_PREFIX") != nullptr)
    return {};
  std::size_t count = 0;
  if (h5.H5Pget_virtual_count(properties.get(), &count) < 0)
    return make_error(ErrorCode::invalid_data, "{}: {}", where, hdf5_reason(h5)).of_source();
  for (std::size_t n = 0; n < count; ++n) {
    const ssize_t length = h5.H5Pget_virtual_filename(properties.get(), n, nullptr, 0);
    std::string name(static_cast<std::size_t>(std::max<ssize_t>(0, length)), '\0');
    if (length <= 0 || h5.H5Pget_virtual_filename(properties.get(), n, name.data(), name.size() + 1) < 0) continue;
    // "." is this file; a name with % stands for as many files as there are.
    if (name == "." || name.find('%') != std::string::npos) continue;
    std::error_code ignored;
    const auto beside = std::filesystem::path(place).parent_path() / name;
    if (!std::filesystem::exists(beside, ignored) && !std::filesystem::exists(name, ignored))
      return make_error(ErrorCode::not_found, "{}: expected {}, which holds some of its values, found nothing", where,
                        beside.string())
          .of_source();
  }
  return {};
}

// ---- Reading

/// Which axis of the dataset is which of a box [i, j, k, channel].
struct AxisRoles {
  std::array<std::optional<std::size_t>, 4> axis;  // nothing: one value thick
};

class Hdf5Source final : public VolumeSource {
 public:
  Hdf5Source(const Hdf5Library& library, Hdf5Handle file, Hdf5Handle dataset, Storage storage, const AxisRoles& roles,
             VolumeHeader header, std::string where)
      : h5_(library),
        file_(std::move(file)),
        dataset_(std::move(dataset)),
        storage_(std::move(storage)),
        roles_(roles),
        header_(std::move(header)),
        where_(std::move(where)) {}

  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return Access::any_box; }
  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override;

 private:
  /// A box in the axes of the dataset, and where its values go.
  struct Piece {
    Extents begin, shape, strides;
    std::byte* to = nullptr;
  };
  Result<void> read_by_library(const Piece& piece) const;
  Result<void> read_chunk(const Extents& chunk_begin, const Piece& piece) const;
  /// The chunk as it lies in the file, or nothing when it was never written.
  Result<std::optional<Bytes>> fetch(const Extents& chunk_begin, std::uint32_t& left_out) const;

  const Hdf5Library& h5_;
  Hdf5Handle file_, dataset_;
  const Storage storage_;
  const AxisRoles roles_;
  const VolumeHeader header_;
  const std::string where_;
};

Result<void> Hdf5Source::read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
  NGFORGE_ASSERT((SourceBox{{0, 0, 0}, header_.size_ijk}.contains(box)));
  if (out.empty()) return {};
  const std::size_t rank = storage_.shape.size();
  Piece piece{Extents(rank, 0), Extents(rank, 1), Extents(rank, 0), out.data()};
  auto stride = static_cast<Index>(size_of(header_.type));
  for (int role = 0; role < 4; ++role) {
    const Index begin = role < 3 ? box.begin[role] : channels.begin;
    const Index size = role < 3 ? box.size()[role] : channels.size();
    if (const auto axis = roles_.axis[static_cast<std::size_t>(role)]) {
      piece.begin[*axis] = begin;
      piece.shape[*axis] = size;
      piece.strides[*axis] = stride;
    }
    stride *= size;
  }
  if (storage_.chunk_shape.empty()) return read_by_library(piece);
  // All chunks that the box touches, the last axis first.
  Extents at(rank);
  for (std::size_t a = 0; a < rank; ++a) at[a] = piece.begin[a] / storage_.chunk_shape[a] * storage_.chunk_shape[a];
  const Extents first = at;
  while (true) {
    Piece part = piece;
    for (std::size_t a = 0; a < rank; ++a) {
      const Index begin = std::max(at[a], piece.begin[a]);
      part.to += (begin - piece.begin[a]) * piece.strides[a];
      part.shape[a] = std::min(at[a] + storage_.chunk_shape[a], piece.begin[a] + piece.shape[a]) - begin;
      part.begin[a] = begin;
    }
    NGFORGE_CHECK(read_chunk(at, part));
    std::size_t a = rank;
    while (a-- > 0) {
      at[a] += storage_.chunk_shape[a];
      if (at[a] < piece.begin[a] + piece.shape[a]) break;
      at[a] = first[a];
    }
    if (a == static_cast<std::size_t>(-1)) return {};
  }
}

Result<std::optional<Bytes>> Hdf5Source::fetch(const Extents& chunk_begin, std::uint32_t& left_out) const {
  const std::vector<hsize_t> offset(chunk_begin.begin(), chunk_begin.end());
  const Hdf5Lock lock(h5_);
  unsigned mask = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t size = 0;
  const auto failed = [&] {
    return make_error(ErrorCode::invalid_data, "{}: chunk at {}: cannot be read: {}", where_,
                      fmt::join(chunk_begin, ","), hdf5_reason(h5_))
        .of_source();
  };
  if (h5_.H5Dget_chunk_info_by_coord(dataset_.get(), offset.data(), &mask, &address, &size) < 0) return failed();
  if (address == HADDR_UNDEF || size == 0) return std::optional<Bytes>();
  if (size > header_.stored_bytes)
    return make_error(ErrorCode::invalid_data, "{}: chunk at {}: expected at most {} bytes, found {}", where_,
                      fmt::join(chunk_begin, ","), header_.stored_bytes, size)
        .of_source();
  Bytes bytes(static_cast<std::size_t>(size));
  if (h5_.H5Dread_chunk(dataset_.get(), H5P_DEFAULT, offset.data(), &left_out, bytes.data()) < 0) return failed();
  return std::optional(std::move(bytes));
}

Result<void> Hdf5Source::read_chunk(const Extents& chunk_begin, const Piece& piece) const {
  const Extents& chunk = storage_.chunk_shape;
  const bool swaps = storage_.number.is_foreign_order;
  std::uint32_t left_out = 0;
  NGFORGE_TRY(auto bytes, fetch(chunk_begin, left_out));
  if (!bytes) {
    copy_values(header_.type, piece.shape, storage_.fill.data(), Extents(chunk.size(), 0), piece.to, piece.strides,
                swaps);
    return {};
  }
  bool is_partial = false;
  for (std::size_t a = 0; a < chunk.size(); ++a) is_partial |= chunk_begin[a] + chunk[a] > storage_.shape[a];
  if (is_partial && storage_.edges_are_unfiltered) left_out = ~std::uint32_t{0};
  const auto where = fmt::format("{}: chunk at {}", where_, fmt::join(chunk_begin, ","));
  auto values = undo_filters(storage_.filters, left_out, std::move(*bytes), value_bytes_of(chunk, header_.type), where);
  if (!values) return std::move(values).error().of_source();
  const Extents strides = dense_strides(chunk, header_.type);
  const std::byte* from = values->data();
  for (std::size_t a = 0; a < chunk.size(); ++a) from += (piece.begin[a] - chunk_begin[a]) * strides[a];
  copy_values(header_.type, piece.shape, from, strides, piece.to, piece.strides, swaps);
  return {};
}

/// What only the library can read: compact, virtual and external data, filters of its own.
Result<void> Hdf5Source::read_by_library(const Piece& piece) const {
  const std::vector<hsize_t> begin(piece.begin.begin(), piece.begin.end()),
      shape(piece.shape.begin(), piece.shape.end());
  Bytes values(value_bytes_of(piece.shape, header_.type));
  {
    const Hdf5Lock lock(h5_);
    const Hdf5Handle in_file(h5_, h5_.H5Dget_space(dataset_.get()), h5_.H5Sclose);
    const Hdf5Handle in_memory(h5_, h5_.H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                               h5_.H5Sclose);
    const Hdf5Handle type(h5_, h5_.H5Dget_type(dataset_.get()), h5_.H5Tclose);
    if (!in_file || !in_memory || !type ||
        h5_.H5Sselect_hyperslab(in_file.get(), H5S_SELECT_SET, begin.data(), nullptr, shape.data(), nullptr) < 0 ||
        h5_.H5Dread(dataset_.get(), type.get(), in_memory.get(), in_file.get(), H5P_DEFAULT, values.data()) < 0)
      return make_error(ErrorCode::invalid_data, "{}: values from {}: cannot be read: {}", where_,
                        fmt::join(piece.begin, ","), hdf5_reason(h5_))
          .of_source();
  }
  copy_values(header_.type, piece.shape, values.data(), dense_strides(piece.shape, header_.type), piece.to,
              piece.strides, storage_.number.is_foreign_order);
  return {};
}

// ---- Opening

AxisRoles find_roles(std::size_t rank, std::optional<std::size_t> channel_axis_fastest_first) {
  AxisRoles roles;
  std::size_t role = 0;
  for (std::size_t n = 0; n < rank; ++n) {
    if (n == channel_axis_fastest_first)
      roles.axis[3] = rank - 1 - n;
    else if (role < 3)
      roles.axis[role++] = rank - 1 - n;
  }
  return roles;
}

/// Whole chunks that together are long enough to be worth a task.
void plan_boxes(const Storage& storage, const AxisRoles& roles, VolumeHeader& header) {
  Index bytes = static_cast<Index>(size_of(header.type));
  std::array<Index, 4> box{1, 1, 1, 1};
  for (std::size_t role = 0; role < 4; ++role) {
    const auto axis = roles.axis[role];
    if (!axis) continue;
    box[role] = std::min(storage.chunk_shape[*axis], storage.shape[*axis]);
    bytes *= box[role];
  }
  header.chunk_channels = box[3];
  for (int a = 0; a < 3; ++a) {
    Index& side = box[static_cast<std::size_t>(a)];
    const Index wanted = std::max<Index>(1, kBoxBytes / bytes);
    const Index chunks = std::min(wanted, ceil_div(header.size_ijk[a], side));
    header.chunk_ijk[a] = std::min(side * chunks, header.size_ijk[a]);
    bytes *= chunks;
  }
}

void read_voxel_size(const Hdf5Library& h5, hid_t dataset, VolumeHeader& header) {
  // Fiji, ilastik and elf write the first, gunpowder, funlib and CREMI the second; both from the slowest axis on.
  const std::pair<const char*, double> names[] = {{"element_size_um", 1e-3}, {"resolution", 1e-6}};
  for (const auto& [name, mm] : names) {
    const auto lengths = lengths_of(h5, dataset, name);
    if (!lengths) continue;
    for (std::size_t a = 0; a < 3; ++a) {
      const double length = (*lengths)[2 - a] * mm;
      header.affine_ijk_to_mm.m[a][a] = length;
      header.affine_ijk_to_mm.m[a][3] = length / 2;
    }
    header.has_voxel_size = true;
    header.details += fmt::format(", voxel size from {}", name);
    return;
  }
}

Result<void> check_size(const VolumeHeader& header, const std::string& where) {
  auto bytes = static_cast<std::int64_t>(size_of(header.type));
  for (const Index factor : {header.size_ijk.x, header.size_ijk.y, header.size_ijk.z, header.channels})
    if (__builtin_mul_overflow(bytes, factor, &bytes))
      return make_error(ErrorCode::invalid_data, "{}: expected a volume of less than 2^63 bytes", where).of_source();
  return {};
}

Result<std::unique_ptr<VolumeSource>> open_dataset(const Hdf5Library& h5, std::shared_ptr<ByteSource> bytes,
                                                   const std::string& inside) {
  const Hdf5Lock lock(h5);
  const std::string& place = bytes->place();
  // H5F_ACC_RDONLY calls the library, which is not linked.
  constexpr unsigned kReadOnly = 0;
  Hdf5Handle file(h5, h5.H5Fopen(place.c_str(), kReadOnly, H5P_DEFAULT), h5.H5Fclose);
  if (!file)
    return make_error(ErrorCode::invalid_data, "{}: expected an HDF5 file, found one that HDF5 {} cannot open: {}",
                      place, h5.version, hdf5_reason(h5))
        .of_source();
  NGFORGE_TRY(const std::string path, choose_dataset(h5, file.get(), place, inside));
  const std::string where = fmt::format("{}: {}", place, path);
  Hdf5Handle dataset(h5, h5.H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), h5.H5Dclose);
  if (!dataset)
    return make_error(ErrorCode::invalid_data, "{}: cannot be opened: {}", where, hdf5_reason(h5)).of_source();
  NGFORGE_TRY(Storage storage, read_storage(h5, dataset.get(), where));
  NGFORGE_CHECK(check_virtual_files(h5, dataset.get(), place, where));

  VolumeHeader header;
  header.type = storage.number.type;
  header.format = "HDF5";
  header.details = fmt::format("dataset {} ({}), {}", path, sizes_text(storage.shape), storage.text);
  const Extents fastest_first(storage.shape.rbegin(), storage.shape.rend());
  NGFORGE_TRY(const auto channel_axis, take_plain_axes(fastest_first, where, header));
  NGFORGE_CHECK(check_size(header, where));
  read_voxel_size(h5, dataset.get(), header);
  header.fingerprint = path + ' ';
  if (storage.offset) {
    const RasterLayout layout{.data_offset = *storage.offset,
                              .is_foreign_order = storage.number.is_foreign_order,
                              .number_bytes = storage.number.number_bytes(),
                              .is_interleaved = header.channels_come_together()};
    return open_raster(std::move(bytes), std::move(header), layout);
  }
  header.fingerprint += bytes->fingerprint();
  header.stored_bytes = bytes->stored_bytes();
  const AxisRoles roles = find_roles(storage.shape.size(), channel_axis);
  if (!storage.chunk_shape.empty()) plan_boxes(storage, roles, header);
  return std::make_unique<Hdf5Source>(h5, std::move(file), std::move(dataset), std::move(storage), roles,
                                      std::move(header), where);
}

Result<std::unique_ptr<VolumeSource>> open_hdf5(std::shared_ptr<ByteSource> bytes, const SourceRequest& request) {
  if (!bytes->has_random_access())
    return make_error(ErrorCode::unsupported, "{}: expected an HDF5 file that can be read anywhere, found {}",
                      bytes->place(), bytes->is_gzip() ? "gzip" : "a stream")
        .of_source();
  NGFORGE_TRY(const Hdf5Library* const library, hdf5_library());
  return open_dataset(*library, std::move(bytes), request.inside);
}

int sniff_hdf5(std::span<const std::byte> head, std::string_view name) {
  constexpr std::string_view kMagic = "\x89HDF\r\n\x1a\n";
  // It stands at the beginning, or behind a block of the user that is 512, 1024 ... bytes long.
  for (const std::size_t at : {0, 512})
    if (head.size() >= at + kMagic.size() && std::memcmp(head.data() + at, kMagic.data(), kMagic.size()) == 0)
      return 95;
  return name.ends_with(".h5") || name.ends_with(".hdf5") ? 30 : 0;
}

}  // namespace

extern const SourceDescriptor hdf5_source;
const SourceDescriptor hdf5_source = {
    .name = "hdf5",
    .title = "dataset of an HDF5 file, \"FILE|hdf5:/PATH\", [z, y, x] with channels (.h5, .hdf5)",
    .url_scheme = "hdf5",
    .is_folder = false,
    .takes_inside = true,
    .suffixes = ".hdf5 .h5",
    .sniff = sniff_hdf5,
    .open_bytes = open_hdf5,
};

}  // namespace ngforge
