# SPDX-License-Identifier: Apache-2.0
"""Serves a folder as a plain web server that answers ranges and lists nothing."""

import contextlib
import functools
import http.server
import re
import threading
from pathlib import Path


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each body waits 40 ms for its head to be acknowledged

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        path = Path(self.translate_path(self.path))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        body = path.read_bytes() if path.is_file() else b""
        self.send_response(404 if not path.is_file() else 206 if wanted else 200)
        if wanted and path.is_file():
            begin, end = int(wanted[1]), int(wanted[2]) + 1
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(body)}")
            body = body[begin:end]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64  # one that finds no place waits for a second


@contextlib.contextmanager
def answering(handler):
    """The URL of a server that answers by `handler` while the block runs."""
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def serving(folder):
    """The URL of a folder while the block runs."""
    return answering(functools.partial(Handler, directory=folder))
