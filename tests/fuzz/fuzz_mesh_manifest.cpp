// SPDX-License-Identifier: Apache-2.0
// Manifests of meshes: what is decoded is encoded to the same bytes, and the checks of rules hold anything.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "layout/mesh_info.h"
#include "layout/mesh_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ngforge;
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto names = parse_legacy_manifest(text, "fuzz"); names)
    if (parse_legacy_manifest(write_legacy_manifest(*names), "fuzz") != *names) std::abort();
  if (const auto info = parse_mesh_info(text, "fuzz"); info)
    if (!parse_mesh_info(write_mesh_info(*info), "fuzz")) std::abort();
  const auto manifest = decode_mesh_manifest(bytes, "fuzz");
  if (!manifest) return 0;
  static_cast<void>(check_manifest(*manifest, "fuzz"));
  const Bytes again = encode_mesh_manifest(*manifest);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
