# SPDX-License-Identifier: Apache-2.0
"""Many connections that take their answers slowly, and others that ask meanwhile."""

import contextlib
import http.client
import re
import socket
import threading
import time
from pathlib import Path

LIMIT_S = 60


def memory_bytes(pid, field="VmRSS"):
    """VmRSS: what the process holds; VmHWM: most that it has held."""
    return 1024 * int(re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


class SlowReaders:
    """Connections that each ask for one of the targets, take a little of it now and then, and ask again when they have it.

    `lost` counts those that the server closed, `refused` answers of another kind than 200 and 206.
    """

    def __init__(self, host, port, requests, count, bytes_per_second):
        self.lost = self.refused = 0
        self._left = {}  # connection: its number, bytes still to come; None before the head
        self._address, self._requests, self._count, self._rate = (host, port), requests, count, bytes_per_second
        self.begun = threading.Event()  # each has begun to get its first answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def waiting(self):
        """How many have still to get something."""
        return len(self._left)

    def _ask(self, connection, number):
        target, headers = self._requests[number % len(self._requests)]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())

    def _run(self):
        step_s = 0.25
        left, begun = self._left, set()
        with contextlib.ExitStack() as stack:
            for number in range(self._count):
                connection = stack.enter_context(socket.socket())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(LIMIT_S)
                connection.connect(self._address)
                connection.setblocking(False)
                self._ask(connection, number)
                left[connection] = number, None
            while not self._stop.wait(step_s):
                for connection, (number, rest) in list(left.items()):
                    try:
                        taken = connection.recv(max(1, int(self._rate * step_s)))
                    except BlockingIOError:
                        continue
                    except ConnectionError:
                        taken = b""
                    if not taken:
                        self.lost += 1
                        del left[connection]
                        continue
                    begun.add(connection)
                    if len(begun) == self._count:
                        self.begun.set()
                    if rest is None:
                        # A head is small: it comes whole with the first bytes.
                        head, _, body = taken.partition(b"\r\n\r\n")
                        self.refused += head.split(b" ", 2)[1] not in (b"200", b"206")
                        rest = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
                    else:
                        rest -= len(taken)
                    if rest == 0:
                        self._ask(connection, number)
                    left[connection] = number, rest or None


def latencies(host, port, targets, count):
    """Asks for one target after the other on a connection: what each took in seconds. All must be answered by 200."""
    connection = http.client.HTTPConnection(host, port, timeout=LIMIT_S)
    taken = []
    while len(taken) < count:
        begin = time.monotonic()
        connection.request("GET", targets[len(taken) % len(targets)], headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        taken.append(time.monotonic() - begin)
    connection.close()
    return taken
