# SPDX-License-Identifier: Apache-2.0
"""Runs the program with a terminal as its standard error, as a user does."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time

from program import PROGRAM, Run

ERASE_LINE = "\r\x1b[K"


def screen(text):
    """The lines that stand on a terminal after `text`; the last one is where the cursor is."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[K|\r|\n|[^\r\n\x1b]+", text):
        if part == "\r":
            column = 0
        elif part == "\n":
            lines.append("")
            column = 0
        elif part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        else:
            lines[-1] = lines[-1][:column] + part + lines[-1][column + len(part):]
            column += len(part)
    return lines


def frames(text):
    """What the bar said, one after the other."""
    return [part.splitlines()[0] for part in text.split(ERASE_LINE)[1:] if part.splitlines() and part.splitlines()[0]]


class Terminal:
    """A process; what it writes to its terminal grows in `text`."""

    def __init__(self, arguments, columns, program, **options):
        self.main, side = pty.openpty()
        self.resize(columns)
        attributes = termios.tcgetattr(side)
        attributes[1] &= ~termios.OPOST  # "\n" stays what it is
        termios.tcsetattr(side, termios.TCSANOW, attributes)
        self.process = subprocess.Popen([program, *map(str, arguments)], stderr=side, stdout=subprocess.PIPE,
                                        stdin=subprocess.PIPE, **options)
        os.close(side)
        self.text = ""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        with contextlib.suppress(OSError):  # the other side is closed
            while data := os.read(self.main, 65536):
                self.text += data.decode()

    def resize(self, columns):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def feed(self, data, pieces=10, seconds=0.0):
        """Gives standard input to it, in pieces over some time, and ends it."""
        step = -(-len(data) // pieces)
        for begin in range(0, len(data), step):
            self.process.stdin.write(data[begin:begin + step])
            self.process.stdin.flush()
            time.sleep(seconds / pieces)
        self.process.stdin.close()

    def wait_for(self, expected, seconds=30):
        end = time.monotonic() + seconds
        while expected not in self.text:
            assert time.monotonic() < end, f"expected {expected!r}, found {self.text!r}"
            time.sleep(0.02)

    def end(self):
        """Waits for its end."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        out = self.process.stdout.read().decode()
        status = self.process.wait(timeout=60)
        self.reader.join(timeout=10)
        os.close(self.main)
        return Run(status, out, self.text)


def run(*arguments, columns=80, program=PROGRAM, **options):
    """Runs a program to its end: `err` is what came to the terminal."""
    return Terminal(arguments, columns, program, **options).end()
