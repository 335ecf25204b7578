// SPDX-License-Identifier: Apache-2.0
// S3 and what speaks its language: no server to configure, but CORS, who may read, and an upload. A bucket gives an
// object under its one name with the encoding that it was stored with, so that names become those that the viewer asks
// for before they are uploaded.
#include "publish/web_server.h"

namespace ngforge {
namespace {

constexpr std::string_view kScript = R"CONF(#!/bin/sh
# Puts datasets into an S3 bucket from which Neuroglancer reads, written by ngforge. With the aws program and the right to
# change the bucket:
#
#   sh upload.sh BUCKET [FOLDER/]
#
# A service other than Amazon's is named by AWS_ENDPOINT_URL. What is uploaded:
#
#   @DATASETS@
#
set -eu
bucket=${1:?usage: sh upload.sh BUCKET [FOLDER/]}
to=s3://$bucket/${2-}

# Pages of any origin may read. This replaces what the bucket has of both.
cors='{"CORSRules": [{
  "AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"], "AllowedHeaders": ["*"],
  "ExposeHeaders": ["Accept-Ranges", "Content-Encoding", "Content-Length", "Content-Range", "ETag"], "MaxAgeSeconds": 86400
}]}'
policy='{"Version": "2012-10-17", "Statement": [{
  "Sid": "ReadByAnyone", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::'$bucket'/'${2-}'*"
}]}'
aws s3api put-bucket-cors --bucket "$bucket" --cors-configuration "$cors"
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=false
aws s3api put-bucket-policy --bucket "$bucket" --policy "$policy"
@UPLOADS@)CONF";

constexpr std::string_view kLinks = R"CONF(
# link_names FOLDER RENAME: links to the files of a dataset in $links, under the names that the viewer asks for; "packed" are
# those called NAME.gz. RENAME is for sed.
links=$(mktemp -d)
trap 'rm -rf "$links"' EXIT
link_names() {
  rm -rf "$links/plain" "$links/packed"
  mkdir "$links/plain" "$links/packed"
  made=
  (cd "$1" && find -L . -type f) | sed -E "p; s#\.gz\$##; $2" | while IFS= read -r stored && IFS= read -r asked; do
    case $stored in *.gz) kind=packed ;; *) kind=plain ;; esac
    folder=$links/$kind/${asked%/*}
    [ "$folder" = "$made" ] || mkdir -p "$folder"
    made=$folder
    ln -s "$1/$stored" "$links/$kind/$asked"
  done
}
# The viewer asks for x0-x1_y0-y1_z0-z1; the deep layout has x0-x1/y0-y1/z0-z1.
chunks='s#/(-?[0-9]+--?[0-9]+)/(-?[0-9]+--?[0-9]+)/(-?[0-9]+--?[0-9]+)$#/\1_\2_\3#'
)CONF";

// `info` comes last: the dataset is there when it is whole.
constexpr std::string_view kAsItLies = R"CONF(
# @NAME@: @DESCRIPTION@. Shards and fragments are never encoded.
aws s3 sync @FOLDER@ "$to"@NAME@ --cache-control no-cache --exclude info --exclude '*.partial/*'
aws s3 cp @FOLDER@/info "$to"@NAME@/info --cache-control no-cache --content-type application/json
)CONF";

constexpr std::string_view kRenamed = R"CONF(
# @NAME@: @DESCRIPTION@. What is called .gz has Content-Encoding; shards and fragments are never encoded.
link_names @FOLDER@ "$chunks@MANIFESTS@"
aws s3 sync "$links/packed" "$to"@NAME@ --cache-control no-cache --exclude info --exclude '*.partial/*' --content-encoding gzip
aws s3 sync "$links/plain" "$to"@NAME@ --cache-control no-cache --exclude info --exclude '*.partial/*'
if [ -e @FOLDER@/info ]; then
  aws s3 cp @FOLDER@/info "$to"@NAME@/info --cache-control no-cache --content-type application/json
else
  aws s3 cp @FOLDER@/info.gz "$to"@NAME@/info --cache-control no-cache --content-type application/json --content-encoding gzip
fi
)CONF";

constexpr std::string_view kOther = R"CONF(
# @NAME@: @DESCRIPTION@.
aws s3 sync @FOLDER@ "$to"@NAME@ --cache-control no-cache --exclude '*.partial/*'
)CONF";

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

// What matches a text in sed, written so that neither sed nor the shell sees anything special.
std::string sed_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '_' || c == '-';
    out += is_plain ? std::string(1, c) : ".";
  }
  return out;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string upload_of(const WebFolder& folder, const WebDataset& dataset) {
  const std::string path = dataset.name.empty() ? folder.root : folder.root + "/" + dataset.name;
  std::string manifests;
  // Where file names have no colon, manifests are called ID or ID.json.
  if (!dataset.manifests_without_colon.empty())
    manifests = fmt::format("; s#^(./{}/[0-9]+)(.json)?\\$#\\1:0#", sed_quoted(dataset.manifests_without_colon));
  const std::string_view text = !dataset.is_precomputed ? kOther : dataset.has_asked_names ? kAsItLies : kRenamed;
  return filled(text, {{"DESCRIPTION", dataset.description},
                       {"MANIFESTS", manifests},
                       {"FOLDER", shell_quoted(path)},
                       {"NAME", shell_quoted(last_part(path))}});
}

std::string configure(const WebFolder& folder, const WebServerOptions&) {
  std::string datasets, uploads;
  bool has_links = false;
  for (const WebDataset& dataset : folder.datasets) {
    datasets +=
        fmt::format("{}{}/{}   {}", datasets.empty() ? "" : "\n", folder.root, dataset.name, dataset.description);
    has_links |= dataset.is_precomputed && !dataset.has_asked_names;
    uploads += upload_of(folder, dataset);
  }
  return filled(kScript, {{"DATASETS", datasets}, {"UPLOADS", std::string(has_links ? kLinks : "") + uploads}});
}

}  // namespace

extern const WebServerDescriptor s3_web_server;
const WebServerDescriptor s3_web_server{
    .name = "s3", .form = "", .form_help = "", .listens = false, .configure = configure};

}  // namespace ngforge
