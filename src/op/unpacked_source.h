// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "source/source.h"

namespace ngforge {

/// Makes a stream (Access::once) readable in any box and from any thread: the first read() takes all planes
/// [k_begin, k_end) of `channels` (ascending) from it, to memory if that takes at most `memory_bytes`, else to an
/// unlinked scratch file, which on_notice announces. Nothing is read before. Reading anything outside of that part is
/// not allowed.
///
/// Errors of every read(): the stream's own (concerns_source), kept from the first one on; io and permission (scratch);
/// cancelled.
std::unique_ptr<VolumeSource> unpack_when_read(std::unique_ptr<VolumeSource> stream, Index k_begin, Index k_end,
                                               std::vector<Index> channels, std::uint64_t memory_bytes,
                                               const RunOptions& run);

}  // namespace ngforge
