// SPDX-License-Identifier: Apache-2.0
// Caddy, from 2.6 on. Its own way to serve NAME.gz (`precompressed`) wants the plain file too, so that names are
// rewritten here.
#include "publish/web_server.h"

namespace ngforge {
namespace {

constexpr std::string_view kWhole =
    R"CONF(# Caddy for datasets that Neuroglancer shows, written by ngforge. Run it, as any user, by
#
#   caddy run --config Caddyfile --adapter caddyfile
#
# It serves
#
#   @DATASETS@
#
# and what is put into @ROOT@ later. With a name of this machine instead of http://:@PORT@, and without "auto_https off"
# and "bind", Caddy fetches a certificate and serves https.

{
	admin off
	auto_https off
}

# A file as it lies. Nothing is compressed: parts of shards and meshes are asked for by Range.
(plain) {
	rewrite * {file_match.relative}
	map {path} {content_type} {
		~(/(info|provenance)|\.json)(\.gz)?$ application/json
		default application/octet-stream
	}
	header Content-Type {content_type}
	file_server {
		disable_canonical_uris
		index none
	}
}

# A stored NAME.gz under NAME, with Content-Encoding; its parts are of no use.
(packed) {
	request_header -Range
	header Content-Encoding gzip
	import plain
}

http://:@PORT@ {
	bind @BIND@
	root * "@ROOT@"

	# Without these on every answer, 404 too, a viewer from another server sees nothing.
	header {
		Access-Control-Allow-Origin *
		Access-Control-Expose-Headers "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag"
		Cross-Origin-Resource-Policy cross-origin
		X-Content-Type-Options nosniff
		Cache-Control no-cache
	}

	@preflight method OPTIONS
	handle @preflight {
		header Access-Control-Allow-Methods "GET, HEAD, OPTIONS"
		header Access-Control-Allow-Headers "*, range"
		respond 204
	}
	@other not method GET HEAD
	handle @other {
		respond 405
	}

	@folder path */
	handle @folder {
		respond 404
	}
	@plain file {
		try_files {path}
	}
	handle @plain {
		import plain
	}
	@packed file {
		try_files {path}.gz
	}
	handle @packed {
		import packed
	}

	# The viewer asks for x0-x1_y0-y1_z0-z1; the deep layout has x0-x1/y0-y1/z0-z1.
	@chunk path_regexp chunk ^(.*)/(-?\d+--?\d+)_(-?\d+--?\d+)_(-?\d+--?\d+)$
	handle @chunk {
		@deep file {
			try_files {re.chunk.1}/{re.chunk.2}/{re.chunk.3}/{re.chunk.4}
		}
		handle @deep {
			import plain
		}
		@deep_packed file {
			try_files {re.chunk.1}/{re.chunk.2}/{re.chunk.3}/{re.chunk.4}.gz
		}
		handle @deep_packed {
			import packed
		}
	}

	# Manifests of meshes are asked for as ID:0; where file names have no colon they are called ID or ID.json.
	@manifest path_regexp manifest ^(.*/\d+):0$
	handle @manifest {
		@stored file {
			try_files {re.manifest.1}.json {re.manifest.1}
		}
		handle @stored {
			import plain
		}
		@stored_packed file {
			try_files {re.manifest.1}.json.gz {re.manifest.1}.gz
		}
		handle @stored_packed {
			import packed
		}
	}

	respond 404
}
)CONF";

std::string configure(const WebFolder& folder, const WebServerOptions& options) {
  return filled(kWhole, {{"PORT", fmt::format("{}", options.port)},
                         {"BIND", options.bind},
                         {"DATASETS", dataset_lines(folder, options)},
                         {"ROOT", folder.root}});
}

}  // namespace

extern const WebServerDescriptor caddy_web_server;
const WebServerDescriptor caddy_web_server{
    .name = "caddy", .form = "", .form_help = "", .listens = true, .configure = configure};

}  // namespace ngforge
