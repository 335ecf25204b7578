// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ngforge {

/// Numbers the labels of a block from 1 in the order in which they are met. 0, and labels that nobody wants, have 0.
/// Keeps its memory over calls of reset().
class LabelNumbers {
 public:
  /// Forgets all labels. `wanted` (ascending) must outlive the numbering; without it all are wanted.
  void reset(std::optional<std::span<const std::uint64_t>> wanted);

  std::uint32_t number_of(std::uint64_t label) {
    for (std::size_t at = hash(label);; ++at) {
      const Entry& entry = entries_[at & mask_];
      if (entry.label == label && entry.is_used) return entry.number;
      if (!entry.is_used) return add(label);
    }
  }

  /// The labels that have a number, that of number 1 first.
  std::span<const std::uint64_t> labels() const { return labels_; }

 private:
  struct Entry {
    std::uint64_t label = 0;
    std::uint32_t number = 0;
    bool is_used = false;
  };

  std::size_t hash(std::uint64_t label) const { return label * 0x9E3779B97F4A7C15u >> shift_; }
  std::uint32_t add(std::uint64_t label);
  void insert(const Entry& entry);
  void clear_entries(int bits);
  void grow();

  std::optional<std::span<const std::uint64_t>> wanted_;
  std::vector<std::uint64_t> labels_;
  std::vector<Entry> entries_;
  std::size_t used_ = 0, mask_ = 0;
  int shift_ = 0;
};

}  // namespace ngforge
