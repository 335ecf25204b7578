// SPDX-License-Identifier: Apache-2.0
#include "op/check_server.h"

#include <set>
#include <string>

#include "layout/sharding.h"
#include "op/stored_chunks.h"
#include "store/http.h"

namespace ngforge {
namespace {

constexpr int kOk = 200, kPart = 206, kForbidden = 403, kNotFound = 404, kNoMethod = 405, kNotImplemented = 501;
// No writer makes it.
constexpr const char* kAbsentKey = "ngforge-check/no-such-name";
constexpr const char* kServeHint = "use ngforge serve, or a web server that does (see docs/serve.md)";

void find(FindingList& findings, FindingCode code, const std::string& where, std::string message, std::string hint) {
  findings.add(FindingList::kDataset, code, where, std::move(message), std::move(hint));
}

// A shard that the server has, among those of the first chunks of each scale; "" when there is none.
Result<std::string> find_shard(Store& store, const VolumeInfo& info) {
  constexpr std::size_t kMostAsked = 16;
  for (const ScaleInfo& scale : info.scales) {
    if (!scale.sharding) continue;
    const GridVec grid = scale.grid_shape();
    std::set<std::uint64_t> asked;
    for (Index number = 0; number < grid.product() && asked.size() < kMostAsked; ++number) {
      const std::uint64_t code = encode_morton(cell_of_number(number, grid), grid);
      const std::uint64_t shard = shard_place(*scale.sharding, code).shard;
      if (!asked.insert(shard).second) continue;
      std::string key = fmt::format("{}/{}", scale.key, shard_file_name(*scale.sharding, shard));
      NGFORGE_TRY(const HttpReply reply, ask_web_server(store, false, key, ByteRange{0, 16}));
      if (reply.status == kOk || reply.status == kPart) return key;
    }
  }
  return std::string();
}

}  // namespace

Result<bool> check_server(Store& store, FindingList& findings) {
  if (!is_web_server(store)) return true;
  NGFORGE_TRY(const HttpReply body, ask_web_server(store, false, "info"));
  if (body.status != kOk) return true;  // opening it tells why
  if (body.allow_origin != "*" && body.allow_origin != kViewerOrigin)
    find(findings, FindingCode::no_cors, "info",
         fmt::format("expected Access-Control-Allow-Origin: *, found {}: a viewer from another server shows nothing",
                     body.allow_origin.empty() ? "none" : body.allow_origin),
         "have the server send Access-Control-Allow-Origin: * with every answer, or use ngforge serve");
  bool goes_on = true;
  NGFORGE_TRY(const HttpReply head, ask_web_server(store, true, "info"));
  const bool is_refused = head.status == kNoMethod || head.status == kNotImplemented;  // then the viewer asks by range
  if (!is_refused && (head.status != kOk || (!head.length && head.content_encoding.empty()))) {
    find(findings, FindingCode::no_head, "info",
         fmt::format("expected HEAD to be answered with status 200 and Content-Length, found {}: the viewer does not "
                     "recognise the dataset",
                     head.status != kOk ? fmt::format("status {}", head.status) : "no length"),
         kServeHint);
    goes_on = head.status == kOk;
  }
  NGFORGE_TRY(const HttpReply absent, ask_web_server(store, false, kAbsentKey));
  if (absent.status != kNotFound && absent.status != kForbidden) {
    find(findings, FindingCode::no_404, kAbsentKey,
         fmt::format("expected status 404 for what is not there, found {}: chunks that were left out become errors",
                     absent.status),
         "have the server answer 404 and no page of its own");
    goes_on = false;
  }
  return goes_on;
}

Result<bool> check_server_shards(Store& store, const VolumeInfo& info, FindingList& findings) {
  if (!is_web_server(store)) return true;
  NGFORGE_TRY(const std::string key, find_shard(store, info));
  if (key.empty()) return true;
  NGFORGE_TRY(const HttpReply part, ask_web_server(store, false, key, ByteRange{0, 16}));
  if (!part.content_encoding.empty()) {
    find(findings, FindingCode::packed_shard, key,
         fmt::format("expected shards as they are, found Content-Encoding: {}: the viewer shows nothing of them",
                     part.content_encoding),
         "take *.shard out of what the server compresses, and leave no .gz beside them");
    return false;
  }
  if (part.status == kPart && part.body.size() == 16) return true;
  find(findings, FindingCode::no_range, key,
       fmt::format("expected status 206 and the 16 bytes of a Range request, found status {} and {} bytes: the viewer "
                   "shows nothing of the shards",
                   part.status, part.length ? fmt::format("{}", *part.length) : "any number of"),
       "use a server that knows Range, such as ngforge serve, or convert with --layout flat");
  return false;
}

}  // namespace ngforge
