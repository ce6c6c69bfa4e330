#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long after an acknowledged write a container reads what was written.

live.py value FILE SEEN ROUNDS          FILE is written, SEEN is the same as a container sees it
live.py staged DIRECTORY SEEN KEYS ROUNDS   all keys of a directory change at once, by rename
live.py grant FILE LINE SEEN ROUNDS     a grant comes and goes, and with it the neighbor SEEN
live.py bare FILE SEEN ROUNDS           FILE lies where SEEN does: the floor, a rename and an open

SEEN is a path below /proc/PID/root of the container. Each round writes, and opens SEEN anew until it
is as written; the time is from the end of the write. Prints: rounds, and ms: median, p99, longest.
"""
import os
import sys
import time

DEADLINE_S = 30


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return None


def until(condition, what):
    """Time until it holds, in ms."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() > begin + DEADLINE_S:
            sys.exit(f"{what}: not seen within {DEADLINE_S} s")
    return (time.monotonic() - begin) * 1000


def value(path, seen, rounds):
    for number in range(int(rounds)):
        text = f"{os.getpid()}-{number}"
        write(path, text)
        yield until(lambda: read(seen) == text, path)


def bare(path, seen, rounds):
    for number in range(int(rounds)):
        text = f"{os.getpid()}-{number}"
        write(path + ".draft", text)
        os.rename(path + ".draft", path)
        yield until(lambda: read(seen) == text, path)


def staged(directory, seen, keys, rounds):
    for number in range(int(rounds)):
        text = f"{os.getpid()}-{number}"
        os.mkdir(directory + ".next")
        for key in range(int(keys)):
            write(f"{directory}.next/KEY{key}", text)
        os.rename(directory + ".next", directory)
        yield until(lambda: read(f"{seen}/KEY{int(keys) - 1}") == text, directory)


def grant(path, line, seen, rounds):
    for number in range(int(rounds)):
        write(path, "" if number % 2 else line + "\n")
        yield until(lambda: bool(read(seen)) == (number % 2 == 0), path)


def main(what, *arguments):
    times = sorted({"value": value, "staged": staged, "grant": grant, "bare": bare}[what](*arguments))
    last = len(times) - 1
    print(f"{len(times)} {times[last // 2]:.3f} {times[round(last * 0.99)]:.3f} {times[last]:.3f}")


main(*sys.argv[1:])
