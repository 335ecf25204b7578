# SPDX-License-Identifier: Apache-2.0
"""`ngforge serve` as a process, and a client that sends what it is told."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading

from program import PROGRAM

LIMIT_S = 20


@contextlib.contextmanager
def served(*arguments, program=PROGRAM, **environment):
    """`ngforge serve ARGUMENTS --json` on a free port; gives (process, its line of JSON)."""
    process = subprocess.Popen([program, "serve", *map(str, arguments), "--json", "--port", "0"], stdout=subprocess.PIPE,
                               text=True, env={**os.environ, **environment})
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0, "serve did not end with status 0"


@contextlib.contextmanager
def waiting_pipe(path, data):
    """A pipe that gives the beginning of some data, and the rest when the event is set that this gives, or in the end."""
    os.mkfifo(path)
    goes_on = threading.Event()

    def feed():
        with open(path, "wb", buffering=0) as pipe:
            pipe.write(data[:4096])
            goes_on.wait(LIMIT_S)
            pipe.write(data[4096:])

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield goes_on
    finally:
        goes_on.set()
        feeder.join()


class Site:
    def __init__(self, line):
        self.line = line
        self.host, port = re.fullmatch(r"http://([\d.]+):(\d+)/", line["url"]).groups()
        self.port = int(port)

    def ask(self, target, method="GET", **headers):
        """One request on its own connection. Underscores in names of headers mean '-'."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=LIMIT_S)
        connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def send(self, data, until=None):
        """Bytes as they are; all that comes back until the server closes, or until `until` has come."""
        with socket.create_connection((self.host, self.port), timeout=LIMIT_S) as connection:
            connection.sendall(data)
            received = b""
            while until is None or until not in received:
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
            return received

    def status(self, target, host="localhost"):
        """The status for a request target that goes out byte by byte."""
        head = b"GET " + target + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\nConnection: close\r\n\r\n"
        return int(self.send(head).split(b" ", 2)[1])


def chunk_keys(folder):
    return [str(path.relative_to(folder)).removesuffix(".gz") for path in sorted(folder.glob("*/*-*_*-*_*-*"))]
