// SPDX-License-Identifier: Apache-2.0
#include "mesh/label_numbers.h"

#include <algorithm>

namespace ngforge {
namespace {

constexpr int kFirstBits = 10;

}  // namespace

void LabelNumbers::reset(std::optional<std::span<const std::uint64_t>> wanted) {
  wanted_ = wanted;
  labels_.clear();
  clear_entries(kFirstBits);
}

void LabelNumbers::clear_entries(int bits) {
  entries_.assign(std::size_t{1} << bits, {});
  used_ = 0;
  mask_ = entries_.size() - 1;
  shift_ = 64 - bits;
}

void LabelNumbers::grow() {
  const std::vector<Entry> old = entries_;
  clear_entries(64 - shift_ + 1);
  for (const Entry& entry : old) {
    if (entry.is_used) insert(entry);
  }
}

void LabelNumbers::insert(const Entry& entry) {
  std::size_t at = hash(entry.label);
  while (entries_[at & mask_].is_used) ++at;
  entries_[at & mask_] = entry;
  ++used_;
}

std::uint32_t LabelNumbers::add(std::uint64_t label) {
  if (2 * (used_ + 1) > entries_.size()) grow();
  const bool is_wanted = label != 0 && (!wanted_ || std::ranges::binary_search(*wanted_, label));
  if (is_wanted) labels_.push_back(label);
  const std::uint32_t number = is_wanted ? static_cast<std::uint32_t>(labels_.size()) : 0;
  insert({label, number, true});
  return number;
}

}  // namespace ngforge
