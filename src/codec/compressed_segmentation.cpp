// SPDX-License-Identifier: Apache-2.0
// compressed_segmentation (precomputed specification, 1.5). In 32-bit little-endian words:
//   file     where each channel begins (for one channel: 1), then the channels; offsets below count from the channel's
//            start
//   channel  two header words per block, blocks x fastest; then per block its encoded values, then its table if these
//            contents were not yet written in the channel
//   header   word 0: bits 0..23 table offset, bits 24..31 bits per value (0, 1, 2, 4, 8, 16, 32); word 1: offset of the
//            values
//   values   of the whole block, x fastest, lowest bits first; beyond the chunk's edge code 0
//   table    the block's distinct labels, ascending; one word each, or two (low, high) for uint64
// Order and sharing are those of the viewer's and tensorstore's writers.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

#include "codec/block_labels.h"
#include "codec/codec.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

static_assert(std::endian::native == std::endian::little, "labels are copied as they lie in memory");

using Word = std::uint32_t;
constexpr std::size_t kMaxOffset = std::size_t{1} << 24;  // a header's field; the viewer masks both offsets to it

template <class T>
constexpr std::size_t kLabelWords = sizeof(T) / sizeof(Word);

int bits_for(std::size_t labels) {
  for (const int bits : {0, 1, 2, 4, 8, 16})
    if (labels <= std::size_t{1} << bits) return bits;
  return 32;
}

// Blocks of a chunk, and the part of each that lies inside.
struct Grid {
  VoxelVec chunk, block, blocks;

  Grid(const VoxelVec& chunk_size, const std::array<Index, 3>& block_size)
      : chunk(chunk_size), block{block_size[0], block_size[1], block_size[2]} {
    for (int a = 0; a < 3; ++a) blocks[a] = ceil_div(chunk[a], block[a]);
  }
  VoxelVec begin(const VoxelVec& at) const { return {at.x * block.x, at.y * block.y, at.z * block.z}; }
  VoxelVec inside(const VoxelVec& at) const {
    const VoxelVec from = begin(at);
    VoxelVec size;
    for (int a = 0; a < 3; ++a) size[a] = std::min(block[a], chunk[a] - from[a]);
    return size;
  }
  // Words that a block's values take, or nothing when no file could hold them.
  std::optional<std::size_t> value_words(int bits) const {
    Index count = bits;
    for (int a = 0; a < 3; ++a)
      if (__builtin_mul_overflow(count, block[a], &count)) return std::nullopt;
    return static_cast<std::size_t>(ceil_div(count, 32));
  }
};

// Words that grow at the end; memory is kept from chunk to chunk.
class Words {
 public:
  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  Word* data() { return words_.data(); }
  // Room for `count` more, whose content is unspecified.
  Word* add(std::size_t count) {
    if (size_ + count > words_.size()) words_.resize(std::max(2 * words_.size(), size_ + count));
    Word* added = words_.data() + size_;
    size_ += count;
    return added;
  }

 private:
  std::vector<Word> words_;
  std::size_t size_ = 0;
};

// Tables that a channel has so far, found by their content.
class Tables {
 public:
  void clear(std::size_t blocks) {
    const std::size_t capacity = std::bit_ceil(2 * blocks + 1);
    slots_.assign(capacity, Slot{});
  }
  // Offset of the table with these words; it is appended when there is none yet.
  std::size_t find_or_add(const void* labels, std::size_t label_words, Words& words) {
    const std::size_t mask = slots_.size() - 1;
    const auto* bytes = static_cast<const std::byte*>(labels);
    for (std::size_t at = hash(bytes, label_words) & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.words == 0) {
        slot = {static_cast<Word>(words.size()), static_cast<Word>(label_words)};
        std::memcpy(words.add(label_words), labels, label_words * sizeof(Word));
        return slot.offset;
      }
      if (slot.words == label_words && std::memcmp(words.data() + slot.offset, labels, label_words * sizeof(Word)) == 0)
        return slot.offset;
    }
  }

 private:
  struct Slot {
    Word offset = 0, words = 0;
  };
  static std::size_t hash(const std::byte* bytes, std::size_t words) {
    std::uint64_t h = words;
    for (std::size_t i = 0; i < words; ++i)
      h = std::rotl((h ^ load<Word>(bytes + sizeof(Word) * i)) * 0x9e3779b97f4a7c15u, 29);
    return static_cast<std::size_t>(h ^ (h >> 32));
  }

  std::vector<Slot> slots_;  // at most half full: a block adds at most one
};

// Gives labels numbers in order of appearance.
template <class T>
class LabelNumbers {
 public:
  void clear(std::size_t most) {
    const std::size_t capacity = std::bit_ceil(2 * most + 1);
    if (slots_.size() < capacity) slots_.assign(capacity, Slot{});
    mask_ = capacity - 1;
    ++round_;
    if (round_ == 0) {  // after 2^32 blocks old marks would look new
      std::fill(slots_.begin(), slots_.end(), Slot{});
      round_ = 1;
    }
    labels.clear();
  }
  Word number(T label) {
    if (!labels.empty() && label == last_) return last_number_;
    last_ = label;
    for (std::size_t at = static_cast<std::size_t>((label * std::uint64_t{0x9e3779b97f4a7c15}) >> 32) & mask_;;
         at = (at + 1) & mask_) {
      Slot& slot = slots_[at];
      if (slot.round != round_) {
        slot = {round_, static_cast<Word>(labels.size())};
        labels.push_back(label);
        return last_number_ = slot.number;
      }
      if (labels[slot.number] == label) return last_number_ = slot.number;
    }
  }

  std::vector<T> labels;

 private:
  struct Slot {
    Word round = 0, number = 0;
  };
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  Word round_ = 0;
  T last_{};
  Word last_number_ = 0;
};

// Bit i of `x` to bit 2 i.
std::uint64_t spread_2(std::uint64_t x) {
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x << 2) & 0x3333333333333333;
  return (x | x << 1) & 0x5555555555555555;
}

// Bit i of 16 bits to bit 4 i.
std::uint64_t spread_4(std::uint64_t x) {
  x = (x | x << 24) & 0x000000ff000000ff;
  x = (x | x << 12) & 0x000f000f000f000f;
  x = (x | x << 6) & 0x0303030303030303;
  return (x | x << 3) & 0x1111111111111111;
}

// The codes of an 8x8x8 block from the sets of voxels that have bit 0, 1 ... of their code.
void write_codes(const VoxelSet* planes, int bits, Word* out) {
  if (bits == 1) {
    std::memcpy(out, planes[0].data(), sizeof(VoxelSet));
    return;
  }
  for (std::size_t z = 0; z < 8; ++z) {
    const int step = 64 / bits;
    for (int from = 0; from < 64; from += step) {
      std::uint64_t codes = 0;
      for (int b = 0; b < bits; ++b) {
        const std::uint64_t part = (planes[b][z] >> from) & ((std::uint64_t{1} << step) - 1);
        codes |= (bits == 2 ? spread_2(part) : spread_4(part)) << b;
      }
      std::memcpy(out, &codes, sizeof codes);
      out += 2;
    }
  }
}

template <class View>
View channel_of(View view, Index channel) {
  view.data += channel * view.stride_channel;
  view.channels = 1;
  return view;
}

template <class T>
class Encoder {
 public:
  // Appends the one channel of `view` to `out`.
  Result<void> append(const BlockView& view, const std::array<Index, 3>& block_size, Bytes& out) {
    const Grid grid(view.size(), block_size);
    const auto blocks = static_cast<std::size_t>(grid.blocks.product());
    if (2 * blocks > kMaxOffset) return too_large(2 * blocks);
    words_.clear();
    words_.add(2 * blocks);
    tables_.clear(blocks);
    const bool is_usual = grid.block == VoxelVec::all(kBlockSide);
    std::size_t number = 0;
    VoxelVec at;
    for (at.z = 0; at.z < grid.blocks.z; ++at.z)
      for (at.y = 0; at.y < grid.blocks.y; ++at.y)
        for (at.x = 0; at.x < grid.blocks.x; ++at.x, ++number) {
          values_offset_ = words_.size();
          if (!is_usual || !encode_usual(view, grid, at)) NGFORGE_CHECK(encode_any(view, grid, at));
          if (std::max(values_offset_, table_offset_) >= kMaxOffset) return too_large(words_.size());
          words_.data()[2 * number] = static_cast<Word>(table_offset_) | static_cast<Word>(bits_) << 24;
          words_.data()[2 * number + 1] = static_cast<Word>(values_offset_);
        }
    const auto* bytes = reinterpret_cast<const std::byte*>(words_.data());
    out.insert(out.end(), bytes, bytes + sizeof(Word) * words_.size());
    return {};
  }

 private:
  static Error too_large(std::size_t words) {
    return make_error(ErrorCode::limit,
                      "compressed_segmentation: expected less than {} words in a channel, found at least {}",
                      kMaxOffset, words)
        .with_hint("use a smaller --chunk-size, or --encoding raw");
  }
  const std::byte* corner(const BlockView& view, const VoxelVec& from) const {
    return view.data + from.z * view.stride_z + from.y * view.stride_y + from.x * static_cast<Index>(sizeof(T));
  }

  // A block of 8x8x8 with few labels. False, with nothing written, when there are many.
  bool encode_usual(const BlockView& view, const Grid& grid, const VoxelVec& at) {
    const VoxelVec size = grid.inside(at);
    const std::byte* data = corner(view, grid.begin(at));
    const bool is_whole = size == VoxelVec::all(kBlockSide);
    if (is_whole ? !find_labels(data, view.stride_y, view.stride_z, found_) : !find_clipped(data, view, size))
      return false;
    int order[kMostLabels];
    for (int k = 0; k < found_.count; ++k) {
      int place = k;
      for (; place > 0 && found_.labels[order[place - 1]] > found_.labels[k]; --place) order[place] = order[place - 1];
      order[place] = k;
    }
    T table[kMostLabels];
    for (int code = 0; code < found_.count; ++code) table[code] = found_.labels[order[code]];
    bits_ = bits_for(static_cast<std::size_t>(found_.count));
    if (bits_ > 0) {
      VoxelSet planes[4] = {};
      for (int code = 1; code < found_.count; ++code)
        for (int b = 0; b < bits_; ++b)
          if ((code >> b & 1) != 0)
            for (std::size_t z = 0; z < 8; ++z) planes[b][z] |= found_.voxels[order[code]][z];
      if (!is_whole)
        for (VoxelSet& plane : planes)
          for (std::size_t z = 0; z < 8; ++z) plane[z] &= inside_[z];
      write_codes(planes, bits_, words_.add(static_cast<std::size_t>(16 * bits_)));
    }
    table_offset_ = tables_.find_or_add(table, static_cast<std::size_t>(found_.count) * kLabelWords<T>, words_);
    return true;
  }

  // The same for a block that is cut by the chunk's edge: filled up with its first label, whose voxels outside are
  // taken out of the codes by inside_.
  bool find_clipped(const std::byte* data, const BlockView& view, const VoxelVec& size) {
    T padded[512];
    T first;
    std::memcpy(&first, data, sizeof(T));
    std::fill(std::begin(padded), std::end(padded), first);
    inside_ = {};
    for (Index z = 0; z < size.z; ++z)
      for (Index y = 0; y < size.y; ++y) {
        std::memcpy(padded + 64 * z + 8 * y, data + z * view.stride_z + y * view.stride_y,
                    static_cast<std::size_t>(size.x) * sizeof(T));
        inside_[static_cast<std::size_t>(z)] |= ((std::uint64_t{1} << size.x) - 1) << (8 * y);
      }
    return find_labels(reinterpret_cast<const std::byte*>(padded), 8 * sizeof(T), 64 * sizeof(T), found_);
  }

  Result<void> encode_any(const BlockView& view, const Grid& grid, const VoxelVec& at) {
    const VoxelVec size = grid.inside(at);
    const std::byte* data = corner(view, grid.begin(at));
    numbers_.clear(static_cast<std::size_t>(size.product()));
    codes_.clear();
    for (Index z = 0; z < size.z; ++z)
      for (Index y = 0; y < size.y; ++y)
        for (Index x = 0; x < size.x; ++x)
          codes_.push_back(numbers_.number(
              load<T>(data + z * view.stride_z + y * view.stride_y + x * static_cast<Index>(sizeof(T)))));
    const std::vector<T>& labels = numbers_.labels;
    order_.resize(labels.size());
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<Word>(i);
    std::sort(order_.begin(), order_.end(), [&](Word a, Word b) { return labels[a] < labels[b]; });
    ranks_.resize(labels.size());
    table_.resize(labels.size());
    for (std::size_t code = 0; code < order_.size(); ++code) {
      ranks_[order_[code]] = static_cast<Word>(code);
      table_[code] = labels[order_[code]];
    }
    bits_ = bits_for(labels.size());
    if (bits_ > 0) {
      const auto count = grid.value_words(bits_);
      if (!count || *count >= kMaxOffset) return too_large(count.value_or(std::numeric_limits<std::size_t>::max()));
      Word* words = words_.add(*count);
      std::fill_n(words, *count, 0);
      std::size_t i = 0;
      for (Index z = 0; z < size.z; ++z)
        for (Index y = 0; y < size.y; ++y)
          for (Index x = 0; x < size.x; ++x, ++i) {
            const auto bit = static_cast<std::size_t>((x + grid.block.x * (y + grid.block.y * z)) * bits_);
            words[bit >> 5] |= ranks_[codes_[i]] << (bit & 31);
          }
    }
    table_offset_ = tables_.find_or_add(table_.data(), table_.size() * kLabelWords<T>, words_);
    return {};
  }

  Words words_;
  Tables tables_;
  BlockLabels<T> found_;
  VoxelSet inside_{};
  LabelNumbers<T> numbers_;
  std::vector<Word> codes_, order_, ranks_;
  std::vector<T> table_;
  // Of the block at hand.
  int bits_ = 0;
  std::size_t values_offset_ = 0, table_offset_ = 0;
};

template <class T>
class Decoder {
 public:
  // One channel, whose bytes begin with word `first` of the file.
  Decoder(std::span<const std::byte> channel, std::size_t first, const MutableBlockView& view,
          const std::array<Index, 3>& block_size)
      : bytes_(channel.data()),
        words_(channel.size() / sizeof(Word)),
        first_(first),
        view_(view),
        grid_(view.size(), block_size) {}

  Result<void> decode() {
    Index header_words = 2;
    for (int a = 0; a < 3; ++a)
      if (__builtin_mul_overflow(header_words, grid_.blocks[a], &header_words))
        header_words = std::numeric_limits<Index>::max();
    if (static_cast<std::size_t>(header_words) > words_)
      return make_error(ErrorCode::invalid_data,
                        "compressed_segmentation: expected {} words of block headers, found {}", header_words, words_);
    std::size_t number = 0;
    VoxelVec at;
    for (at.z = 0; at.z < grid_.blocks.z; ++at.z)
      for (at.y = 0; at.y < grid_.blocks.y; ++at.y)
        for (at.x = 0; at.x < grid_.blocks.x; ++at.x, ++number) NGFORGE_CHECK(decode_block(at, number));
    return {};
  }

 private:
  Word word(std::size_t at) const { return load<Word>(bytes_ + sizeof(Word) * at); }
  std::byte* row(const VoxelVec& from, Index y, Index z) const {
    return view_.data + (from.z + z) * view_.stride_z + (from.y + y) * view_.stride_y +
           from.x * static_cast<Index>(sizeof(T));
  }

  Result<void> decode_block(const VoxelVec& at, std::size_t number) {
    const Word header = word(2 * number);
    const int bits = static_cast<int>(header >> 24);
    const std::size_t table = header & (kMaxOffset - 1), values = word(2 * number + 1);
    const auto fail = [&](std::string_view expected, std::size_t found) {
      return make_error(ErrorCode::invalid_data,
                        "compressed_segmentation: block {} {} {} (header at byte {}): expected {}, found {}", at.x,
                        at.y, at.z, sizeof(Word) * (first_ + 2 * number), expected, found);
    };
    if (bits > 32 || (bits != 0 && !std::has_single_bit(static_cast<unsigned>(bits))))
      return fail("0, 1, 2, 4, 8, 16 or 32 bits per value", static_cast<std::size_t>(bits));
    const auto value_words = grid_.value_words(bits);
    if (!value_words || (bits > 0 && (values > words_ || *value_words > words_ - values)))
      return fail(fmt::format("values inside {} words", words_), values);
    if (table + kLabelWords<T> > words_) return fail(fmt::format("a table inside {} words", words_), table);
    const std::size_t labels = (words_ - table) / kLabelWords<T>;
    const std::byte* table_bytes = bytes_ + sizeof(Word) * table;
    bool is_inside = true;
    switch (bits) {
      case 0: fill(at, load<T>(table_bytes)); break;
      case 1: is_inside = expand<1>(at, values, table_bytes, labels); break;
      case 2: is_inside = expand<2>(at, values, table_bytes, labels); break;
      case 4: is_inside = expand<4>(at, values, table_bytes, labels); break;
      case 8: is_inside = expand<8>(at, values, table_bytes, labels); break;
      case 16: is_inside = expand<16>(at, values, table_bytes, labels); break;
      default: is_inside = expand<32>(at, values, table_bytes, labels); break;
    }
    if (!is_inside) return fail(fmt::format("values that number at most {} labels of the table", labels), labels + 1);
    return {};
  }

  void fill(const VoxelVec& at, T label) const {
    const VoxelVec from = grid_.begin(at), size = grid_.inside(at);
    T repeated[8];
    std::fill(std::begin(repeated), std::end(repeated), label);
    for (Index z = 0; z < size.z; ++z)
      for (Index y = 0; y < size.y; ++y) {
        std::byte* out = row(from, y, z);
        Index x = 0;
        for (; x + 8 <= size.x; x += 8, out += sizeof repeated) std::memcpy(out, repeated, sizeof repeated);
        std::memcpy(out, repeated, static_cast<std::size_t>(size.x - x) * sizeof(T));
      }
  }

  // False when a code lies behind the last word.
  template <int kBits>
  bool expand(const VoxelVec& at, std::size_t values, const std::byte* table, std::size_t labels) const {
    if constexpr (kBits <= 4) {
      if (grid_.block == VoxelVec::all(kBlockSide) && grid_.inside(at) == grid_.block)
        return expand_usual(at, kBits, values, table, labels);
    }
    const VoxelVec from = grid_.begin(at), size = grid_.inside(at);
    constexpr Word kMask = kBits == 32 ? ~Word{0} : (Word{1} << (kBits % 32)) - 1;
    for (Index z = 0; z < size.z; ++z)
      for (Index y = 0; y < size.y; ++y) {
        std::byte* out = row(from, y, z);
        auto bit = static_cast<std::size_t>(grid_.block.x * (y + grid_.block.y * z)) * kBits;
        for (Index x = 0; x < size.x; ++x, bit += kBits, out += sizeof(T)) {
          const Word code = word(values + (bit >> 5)) >> (bit & 31) & kMask;
          if (code >= labels) return false;
          std::memcpy(out, table + sizeof(T) * code, sizeof(T));
        }
      }
    return true;
  }

  bool expand_usual(const VoxelVec& at, int bits, std::size_t values, const std::byte* table, std::size_t count) const {
    T labels[kMostLabels] = {};
    count = std::min(count, std::size_t{1} << bits);
    std::memcpy(labels, table, count * sizeof(T));
    return expand_codes(bytes_ + sizeof(Word) * values, bits, labels, count, row(grid_.begin(at), 0, 0), view_.stride_y,
                        view_.stride_z);
  }

  const std::byte* bytes_;
  const std::size_t words_, first_;
  const MutableBlockView view_;
  const Grid grid_;
};

bool supports(DataType type, Index channels) {
  return (type == DataType::uint32 || type == DataType::uint64) && channels >= 1;
}

Error unsupported_voxels(DataType type, Index channels) {
  return make_error(ErrorCode::unsupported,
                    "compressed_segmentation: expected channels of uint32 or uint64, found {} of {}", channels,
                    name_of(type));
}

template <class T>
Result<void> encode_labels(const BlockView& view, const CodecOptions& options, Bytes& out) {
  thread_local Encoder<T> encoder;  // its memory serves all chunks of a thread
  const auto channels = static_cast<std::size_t>(view.channels);
  out.resize(sizeof(Word) * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t begin = out.size() / sizeof(Word);
    if (begin > std::numeric_limits<Word>::max())
      return make_error(ErrorCode::limit,
                        "compressed_segmentation: expected channels of less than 2^32 words, found more")
          .with_hint("use a smaller --chunk-size, or --encoding raw");
    store(out.data() + sizeof(Word) * c, static_cast<Word>(begin));
    NGFORGE_CHECK(encoder.append(channel_of(view, static_cast<Index>(c)), options.block_size_xyz, out));
  }
  return {};
}

Result<void> encode(const BlockView& view, const CodecOptions& options, Bytes& out) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  return view.type == DataType::uint32 ? encode_labels<std::uint32_t>(view, options, out)
                                       : encode_labels<std::uint64_t>(view, options, out);
}

// Every block with a header, full-width codes and a table of all its values; blocks at edges are padded.
std::uint64_t most_bytes(const VoxelVec& size, DataType type, Index channels, const CodecOptions& options) {
  constexpr std::uint64_t kOffsetBytes = 4, kHeaderBytes = 8, kWidestCodeBytes = 4;
  std::uint64_t blocks = 1, block_values = 1;
  for (int a = 0; a < 3; ++a) {
    const Index side = options.block_size_xyz[static_cast<std::size_t>(a)];
    blocks *= static_cast<std::uint64_t>(ceil_div(size[a], side));
    block_values *= static_cast<std::uint64_t>(side);
  }
  const std::uint64_t block_bytes = kHeaderBytes + block_values * (kWidestCodeBytes + size_of(type));
  return static_cast<std::uint64_t>(channels) * (kOffsetBytes + blocks * block_bytes);
}

template <class T>
Result<void> decode_labels(std::span<const std::byte> bytes, const CodecOptions& options,
                           const MutableBlockView& view) {
  const std::size_t words = bytes.size() / sizeof(Word), channels = static_cast<std::size_t>(view.channels);
  if (words < channels)
    return make_error(ErrorCode::invalid_data, "compressed_segmentation: expected {} channel offsets, found {} words",
                      channels, words);
  std::size_t begin = load<Word>(bytes.data());
  if (begin != channels)
    return make_error(ErrorCode::invalid_data,
                      "compressed_segmentation: expected channel offset {} at byte 0, found {}", channels, begin);
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t at = sizeof(Word) * (c + 1);
    const std::size_t end = c + 1 == channels ? words : load<Word>(bytes.data() + at);
    if (end < begin || end > words)
      return make_error(ErrorCode::invalid_data,
                        "compressed_segmentation: expected channel offset {} to {} at byte {}, found {}", begin, words,
                        at, end);
    const auto channel = bytes.subspan(sizeof(Word) * begin, sizeof(Word) * (end - begin));
    NGFORGE_CHECK(Decoder<T>(channel, begin, channel_of(view, static_cast<Index>(c)), options.block_size_xyz).decode());
    begin = end;
  }
  return {};
}

Result<void> decode(std::span<const std::byte> bytes, const CodecOptions& options, const MutableBlockView& view) {
  if (!supports(view.type, view.channels)) return unsupported_voxels(view.type, view.channels);
  if (bytes.empty() || bytes.size() % sizeof(Word) != 0)
    return make_error(ErrorCode::invalid_data, "compressed_segmentation: expected a multiple of 4 bytes, found {}",
                      bytes.size());
  return view.type == DataType::uint32 ? decode_labels<std::uint32_t>(bytes, options, view)
                                       : decode_labels<std::uint64_t>(bytes, options, view);
}

}  // namespace

extern const CodecDescriptor compressed_segmentation_codec;
const CodecDescriptor compressed_segmentation_codec{.name = "compressed_segmentation",
                                                    .alias = "cseg",
                                                    .title = "compressed_segmentation: labels in blocks with tables",
                                                    .is_lossy = false,
                                                    .is_compressed = false,
                                                    .is_plain = false,
                                                    .has_block_size = true,
                                                    .supports = supports,
                                                    .encode = encode,
                                                    .most_bytes = most_bytes,
                                                    .decode = decode};

}  // namespace ngforge
