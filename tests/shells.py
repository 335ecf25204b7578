# SPDX-License-Identifier: Apache-2.0
"""Completes command lines in real shells, as the scripts of `ngforge completion` tell them to."""

import os
import pty
import re
import select
import shlex
import subprocess
import time

from program import PROGRAM, run

SHELLS = "bash", "zsh", "fish"
TIMEOUT_S = 30

# All candidates of all calls of compadd go to a file. Calls that only fill arrays are those of other functions.
ZSH_SETUP = r"""
autoload -Uz compinit; compinit -u -D
source ./.completion
PROMPT='READY> '
unsetopt zle_bracketed_paste
compadd() {
  local -a found
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    builtin compadd -O found "$@"
    print -rl -- $found >> ./.candidates
  fi
  builtin compadd "$@"
}
"""
BASH_DRIVER = r"""
source ./.completion
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
$(complete -p "${1##*/}" | sed 's/.* -F \([^ ]*\) .*/\1/') "$1"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
"""


def environment(folder):
    return {"PATH": f"{PROGRAM.parent}:/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"}


def write_script(shell, folder):
    (folder / ".completion").write_text(run("completion", shell).out)


def words_of(line):
    """As bash splits a line: what follows the last space is a word too, and so are "=" and ":"."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    return [part for word in words for part in (re.split("([=:])", word) if word else [""]) if part or not word]


class Terminal:
    """An interactive shell in a folder, in which completion is set up."""

    def __init__(self, shell, folder):
        self.folder = folder
        setup = {"bash": "source ./.completion; PS1='READY> '; bind 'set bell-style none'; "
                         "bind 'set enable-bracketed-paste off'\n",
                 "zsh": ZSH_SETUP}[shell]
        write_script(shell, folder)
        (folder / ".setup").write_text(setup)
        arguments = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}[shell]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(arguments[0], arguments, environment(folder))
        self.send("source ./.setup\n")
        self.wait("READY> ")

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, text):
        """Reads until `text` stands on the terminal; returns what came."""
        got, end = "", time.monotonic() + TIMEOUT_S
        while text not in got:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"expected {text!r} on the terminal, found {got!r}"
            got += os.read(self.fd, 4096).decode(errors="replace")
        return got

    def finished(self, line):
        """The line as it is after the tabulator key."""
        (self.folder / ".line").unlink(missing_ok=True)
        self.send(line + "\t")
        self.send("\x01printf '%s ' \x05> .line; echo DO''NE\n")
        self.wait("DONE")
        return (self.folder / ".line").read_text()

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def candidates(shell, line, folder):
    """What the shell offers for the end of a line. In bash: what it offers beside files."""
    write_script(shell, folder)
    if shell == "bash":
        done = subprocess.run(["bash", "--norc", "-c", BASH_DRIVER, "bash", *words_of(line)], cwd=folder,
                              env=environment(folder), capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return set(done.stdout.split())
    if shell == "fish":
        done = subprocess.run(["fish", "--no-config", "-c", "source .completion; complete -C $argv[1]", line], cwd=folder,
                              env=environment(folder), capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return {row.split("\t")[0] for row in done.stdout.splitlines()}
    with Terminal("zsh", folder) as terminal:
        (folder / ".candidates").unlink(missing_ok=True)
        terminal.finished(line)
        path = folder / ".candidates"
        return set(path.read_text().split()) if path.exists() else set()
