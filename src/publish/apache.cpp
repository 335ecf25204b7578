// SPDX-License-Identifier: Apache-2.0
// Apache httpd, from 2.4 on. Rules of a folder are the same in a .htaccess file and in the configuration. What they
// lead to is written as it came in the request, still percent-encoded, since Apache reads it as a request once more;
// whether it is there is asked by file name.
#include "publish/web_server.h"

namespace ngforge {
namespace {

constexpr std::string_view kHeaders =
    R"CONF(# Without these on every answer, 404 too, a viewer from another server sees nothing.
Header always set Access-Control-Allow-Origin "*"
Header always set Access-Control-Expose-Headers "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag"
Header always set Access-Control-Allow-Methods "GET, HEAD, OPTIONS" "expr=%{REQUEST_METHOD} == 'OPTIONS'"
Header always set Access-Control-Allow-Headers "*, range" "expr=%{REQUEST_METHOD} == 'OPTIONS'"
Header always set Cross-Origin-Resource-Policy "cross-origin"
Header always set X-Content-Type-Options "nosniff"
# Keep, but ask whether it changed.
Header always set Cache-Control "no-cache"
)CONF";

constexpr std::string_view kRules = R"CONF(Options +FollowSymLinks -Indexes -MultiViews
RewriteEngine On
RewriteCond %{REQUEST_METHOD} =OPTIONS
RewriteRule ^ - [R=204,END]
RewriteCond %{REQUEST_METHOD} !^(GET|HEAD)$
RewriteRule ^ - [R=405,END]
RewriteCond %{REQUEST_FILENAME} -d
RewriteRule ^ - [R=404,END]
RewriteCond %{REQUEST_FILENAME} -f
RewriteRule ^ - [END]

# A stored NAME.gz is sent as it is under NAME with Content-Encoding.
RewriteCond %{REQUEST_FILENAME}.gz -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]+)"
RewriteRule ^ %1.gz [E=packed:1,END]

# The viewer asks for x0-x1_y0-y1_z0-z1; the deep layout has x0-x1/y0-y1/z0-z1.
RewriteCond %{REQUEST_FILENAME} "^(.*)/(-?\d+--?\d+)_(-?\d+--?\d+)_(-?\d+--?\d+)$"
RewriteCond %1/%2/%3/%4 -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]*)/([-\d]+)_([-\d]+)_([-\d]+)[ ?]"
RewriteRule ^ %1/%2/%3/%4 [END]
RewriteCond %{REQUEST_FILENAME} "^(.*)/(-?\d+--?\d+)_(-?\d+--?\d+)_(-?\d+--?\d+)$"
RewriteCond %1/%2/%3/%4.gz -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]*)/([-\d]+)_([-\d]+)_([-\d]+)[ ?]"
RewriteRule ^ %1/%2/%3/%4.gz [E=packed:1,END]

# Manifests of meshes are asked for as ID:0; where file names have no colon they are called ID or ID.json.
RewriteCond %{REQUEST_FILENAME} "^(.*/\d+):0$"
RewriteCond %1.json -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]*/\d+)(?::|%3[Aa])0[ ?]"
RewriteRule ^ %1.json [END]
RewriteCond %{REQUEST_FILENAME} "^(.*/\d+):0$"
RewriteCond %1 -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]*/\d+)(?::|%3[Aa])0[ ?]"
RewriteRule ^ %1 [END]
RewriteCond %{REQUEST_FILENAME} "^(.*/\d+):0$"
RewriteCond %1.json.gz -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]*/\d+)(?::|%3[Aa])0[ ?]"
RewriteRule ^ %1.json.gz [E=packed:1,END]
RewriteCond %{REQUEST_FILENAME} "^(.*/\d+):0$"
RewriteCond %1.gz -f
RewriteCond %{THE_REQUEST} "^\S+ (?:\w+://[^/ ]*)?([^ ?]*/\d+)(?::|%3[Aa])0[ ?]"
RewriteRule ^ %1.gz [E=packed:1,END]

# Nothing else is compressed: parts of shards and meshes are asked for by Range, for which a stored .gz has none.
ForceType application/octet-stream
<FilesMatch "(^|/)(info|provenance|[0-9]+:0|.*\.json)$">
    ForceType application/json
</FilesMatch>
RemoveEncoding .gz
<If "-n reqenv('REDIRECT_packed')">
    AddEncoding gzip .gz
    RequestHeader unset Range
</If>
)CONF";

constexpr std::string_view kWhole =
    R"CONF(# Apache for datasets that Neuroglancer shows, written by ngforge. Run it, as any user, by
#
#   /usr/sbin/apache2 -d "$(mktemp -d)" -f "$PWD/apache2.conf" -DFOREGROUND
#
# It serves
#
#   @DATASETS@
#
# and what is put into @ROOT@ later. An Apache that runs already takes the virtual host.

# Where Debian has them; Fedora: /usr/lib64/httpd/modules.
Define modules /usr/lib/apache2/modules
LoadModule mpm_event_module ${modules}/mod_mpm_event.so
LoadModule authz_core_module ${modules}/mod_authz_core.so
LoadModule headers_module ${modules}/mod_headers.so
LoadModule mime_module ${modules}/mod_mime.so
LoadModule rewrite_module ${modules}/mod_rewrite.so

# Who the workers are when root starts it.
User daemon
Group daemon
PidFile apache2.pid
Mutex file:.
ErrorLog error.log
ServerName localhost
TypesConfig /dev/null
TraceEnable Off
Listen @ADDRESS@
<Directory />
    AllowOverride None
    Require all denied
</Directory>

<VirtualHost *>
    DocumentRoot "@ROOT@"
    @HEADERS@
    <Directory "@ROOT@">
        Require all granted
        AllowOverride None
        @RULES@
    </Directory>
</VirtualHost>
)CONF";

constexpr std::string_view kHtaccess =
    R"CONF(# A .htaccess file for datasets that Neuroglancer shows, written by ngforge for an Apache that runs already, with mod_rewrite and
# mod_headers, and "AllowOverride All" for this folder:
#
#   @ROOT@/.htaccess
#
# What the server compresses elsewhere it does not here.
<IfModule mod_env.c>
    SetEnv no-gzip 1
    SetEnv no-brotli 1
</IfModule>
@HEADERS@
@RULES@)CONF";

std::string configure(const WebFolder& folder, const WebServerOptions& options) {
  if (options.form == "htaccess")
    return filled(kHtaccess, {{"ROOT", folder.root}, {"HEADERS", kHeaders}, {"RULES", kRules}});
  return filled(kWhole, {{"ADDRESS", address_text(options)},
                         {"DATASETS", dataset_lines(folder, options)},
                         {"ROOT", folder.root},
                         {"HEADERS", kHeaders},
                         {"RULES", kRules}});
}

}  // namespace

extern const WebServerDescriptor apache_web_server;
const WebServerDescriptor apache_web_server{.name = "apache",
                                            .form = "htaccess",
                                            .form_help = "a .htaccess file, for an Apache that runs already",
                                            .listens = true,
                                            .configure = configure};

}  // namespace ngforge
