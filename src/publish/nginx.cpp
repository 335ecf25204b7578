// SPDX-License-Identifier: Apache-2.0
// nginx, from 1.18 on. What is not there as it is asked for is looked for under the other names that writers give it; a
// .gz is sent by gzip_static, which knows no ranges, so that plain files, shards among them, must come first.
#include "publish/web_server.h"

namespace ngforge {
namespace {

constexpr std::string_view kServer = R"CONF(# The parts of a request that only an OPTIONS request is answered with.
map $request_method $ngforge_methods { OPTIONS "GET, HEAD, OPTIONS"; }
map $request_method $ngforge_headers { OPTIONS "*, range"; }
# nginx adds its headers to the answer of a range and then again to the 416 that becomes of it; browsers want it once.
map $status $ngforge_origin { volatile; default "*"; 416 ""; }

server {
    listen @ADDRESS@;
    root "@ROOT@";
    log_not_found off;  # chunks of zeros are not stored

    # Without these on every answer, 404 too, a viewer from another server sees nothing.
    add_header Access-Control-Allow-Origin $ngforge_origin always;
    add_header Access-Control-Expose-Headers "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag" always;
    add_header Access-Control-Allow-Methods $ngforge_methods always;
    add_header Access-Control-Allow-Headers $ngforge_headers always;
    add_header Cross-Origin-Resource-Policy cross-origin always;
    add_header X-Content-Type-Options nosniff always;
    add_header Cache-Control no-cache always;  # keep, but ask whether it changed
    if ($request_method = OPTIONS) { return 204; }
    if ($request_method !~ "^(GET|HEAD)$") { return 405; }

    types { application/json json; }
    default_type application/octet-stream;

    # Nothing is compressed here: parts of shards and meshes are asked for by Range. A stored NAME.gz is sent as it is
    # under NAME with Content-Encoding, and unpacked for clients that do not take gzip.
    gzip off;
    gunzip on;
    gzip_vary on;

    location / {
        try_files $uri @packed;
    }
    location @packed {
        if (!-f $document_root$uri.gz) { return 404; }
        gzip_static always;
    }

    location ~ "/(info|provenance)$" {
        default_type application/json;
        try_files $uri @packed;
    }

    # The viewer asks for x0-x1_y0-y1_z0-z1; the deep layout has x0-x1/y0-y1/z0-z1.
    location ~ "^(?<folder>.*)/(?<x>-?[0-9]+--?[0-9]+)_(?<y>-?[0-9]+--?[0-9]+)_(?<z>-?[0-9]+--?[0-9]+)$" {
        try_files $uri $folder/$x/$y/$z @packed_chunk;
    }
    location @packed_chunk {
        set $stored $folder/$x/$y/$z;
        if (-f $document_root$uri.gz) { set $stored $uri; }
        if (!-f $document_root$stored.gz) { return 404; }
        rewrite ^ $stored break;
        gzip_static always;
    }

    # Manifests of meshes are asked for as ID:0; where file names have no colon they are called ID or ID.json.
    location ~ "^(?<manifest>.*/[0-9]+):0$" {
        default_type application/json;
        try_files $uri $manifest.json $manifest @packed_manifest;
    }
    location @packed_manifest {
        default_type application/json;
        set $stored $manifest;
        if (-f $document_root$manifest.json.gz) { set $stored $manifest.json; }
        if (-f $document_root$uri.gz) { set $stored $uri; }
        if (!-f $document_root$stored.gz) { return 404; }
        rewrite ^ $stored break;
        gzip_static always;
    }
}
)CONF";

constexpr std::string_view kHead =
    R"CONF(# nginx for datasets that Neuroglancer shows, written by ngforge. Run it, as any user, by
#
#   /usr/sbin/nginx -p "$(mktemp -d)" -e stderr -c "$PWD/nginx.conf" -g 'daemon off;'
#
# or put what stands between the two lines below into a file of /etc/nginx/conf.d/ of a server that runs. It serves
#
#   @DATASETS@
#
# and what is put into @ROOT@ later.

@MAIN@)CONF";

constexpr std::string_view kMain = R"CONF(pid nginx.pid;
worker_processes auto;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;

    # ----------------------------------------------------------------------------------------------
    @SERVER@
    # ----------------------------------------------------------------------------------------------
}
)CONF";

constexpr std::string_view kCompose =
    R"CONF(# nginx in a container for datasets that Neuroglancer shows, written by ngforge. Run it (Compose 2.23.1 or later) by
#
#   docker compose -f compose.yaml up
#
# It serves
#
#   @DATASETS@
#
# and what is put into @ROOT@ later.

services:
  nginx:
    image: nginx:stable
    restart: unless-stopped
    ports: ["@ADDRESS@:8080"]
    volumes: [{type: bind, source: "@ROOT@", target: /data, read_only: true}]
    configs: [{source: nginx, target: /etc/nginx/nginx.conf}]
configs:
  nginx:
    content: |
      @CONFIGURATION@
)CONF";

std::string main_text(std::string_view address, std::string_view root) {
  return filled(kMain, {{"SERVER", filled(kServer, {{"ADDRESS", address}, {"ROOT", root}})}});
}

std::string configure(const WebFolder& folder, const WebServerOptions& options) {
  const std::string address = address_text(options), datasets = dataset_lines(folder, options);
  if (options.form.empty())
    return filled(kHead, {{"DATASETS", datasets}, {"ROOT", folder.root}, {"MAIN", main_text(address, folder.root)}});
  std::string inside;
  // A dollar sign that Compose shall not read is doubled.
  for (const char c : main_text("8080", "/data")) inside += c == '$' ? "$$" : std::string(1, c);
  return filled(kCompose,
                {{"DATASETS", datasets}, {"ADDRESS", address}, {"ROOT", folder.root}, {"CONFIGURATION", inside}});
}

}  // namespace

extern const WebServerDescriptor nginx_web_server;
const WebServerDescriptor nginx_web_server{.name = "nginx",
                                           .form = "compose",
                                           .form_help = "a Docker Compose file, nginx in a container",
                                           .listens = true,
                                           .configure = configure};

}  // namespace ngforge
