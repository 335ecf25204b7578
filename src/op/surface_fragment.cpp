// SPDX-License-Identifier: Apache-2.0
#include "codec/mesh_fragment.h"
#include "compress/gzip.h"
#include "ngforge/store.h"
#include "ngforge/surfaces.h"
#include "op/run_options.h"
#include "op/surface_file.h"

namespace ngforge {

Result<void> write_mesh_fragment(const std::string& file, const std::string& folder, const std::string& key,
                                 const FragmentOptions& options, const RunOptions& run) {
  constexpr float kNmPerMm = 1e6F;
  NGFORGE_TRY(const auto store, open_store(folder));
  if (store->stat(key))
    return make_error(ErrorCode::already_exists, "{}/{}: exists already", folder, key)
        .with_hint("remove it, or choose another name");
  NGFORGE_TRY(Surface surface, open_surface(file, with_defaults(run).memory_bytes));
  if (options.coord_transform) transform_mesh(surface.mesh, *options.coord_transform);
  for (auto& position : surface.mesh.positions)
    for (float& coordinate : position) coordinate *= kNmPerMm;
  const Bytes plain = encode_mesh_fragment(surface.mesh);
  if (!options.has_gzip) return store->put(key, plain);
  Bytes packed;
  GzipCompressor(options.level).compress(plain, packed);
  return store->put(key + ".gz", packed);
}

}  // namespace ngforge
