#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Drives a program on a terminal: keys.py COMMAND [ARGUMENT...] <SCRIPT

Each line of the script is "expect REGEX" (until the screen's output since the last match shows it) or
"send KEYS" (with Python's escapes). Ends with the program; its status is the exit status, 124 when
something that was expected did not come within the time. Prints what the program wrote.
"""
import os
import pty
import re
import select
import signal
import sys
import time

WAIT_S = 20
ESCAPES = re.compile(r"\x1b(\[[0-9;?>]*[A-Za-z]|[()][A-Z0-9]|[=>78MDE]|\][^\a]*\a)|[\x0e\x0f\x08]")


def main(command, script):
    os.environ.update(TERM="xterm", LINES="24", COLUMNS="200", LC_ALL="C.UTF-8")
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    screen, everything = "", ""

    def read(deadline):
        nonlocal screen, everything
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(terminal, 65536).decode("utf-8", "replace")
        except OSError:
            return False
        screen += ESCAPES.sub("", data)
        everything += ESCAPES.sub("", data)
        return data != ""

    status = 0
    for line in script:
        verb, _, text = line.rstrip("\n").partition(" ")
        if verb == "send":
            os.write(terminal, text.encode().decode("unicode_escape").encode())
            continue
        deadline = time.monotonic() + WAIT_S
        while not re.search(text, screen) and read(deadline):
            pass
        found = re.search(text, screen)
        if not found:
            status = 124
            break
        screen = screen[found.end():]
    if status:
        os.kill(pid, signal.SIGKILL)
    while read(time.monotonic() + WAIT_S):
        pass
    _, ended = os.waitpid(pid, 0)
    print(everything)
    return status or os.waitstatus_to_exitcode(ended)


sys.exit(main(sys.argv[1:], list(sys.stdin)))
