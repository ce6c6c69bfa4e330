#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One file operation by plain system calls; prints "ok" or the errno and the call that gave it.

try.py write PATH [TEXT]     open O_WRONLY|O_TRUNC, write, close (TEXT: from stdin when not given)
try.py pieces PATH PIECE...  the same with one write a piece
try.py append PATH [TEXT]    the same as write with O_APPEND instead of O_TRUNC
try.py fsync PATH TEXT       the same with fsync before close
try.py replace PATH TEXT     write PATH's directory/.try.tmp, rename it over PATH
try.py last-words PATH TEXT PID...  write, and once close has returned SIGKILL to every PID
try.py create PATH           open O_WRONLY|O_CREAT|O_EXCL, close
try.py truncate PATH         open O_WRONLY|O_TRUNC, close
try.py cut PATH SIZE         open O_WRONLY, ftruncate, close
try.py mkdir|rmdir|unlink|read PATH
try.py rename PATH PATH
"""
import errno
import os
import signal
import sys


def step(name, function, *arguments):
    try:
        return function(*arguments)
    except OSError as error:
        print(f"{errno.errorcode[error.errno]} {name}")
        sys.exit(1)


def write_pieces(path, pieces, sync=False, flags=os.O_TRUNC):
    fd = step("open", os.open, path, os.O_WRONLY | flags, 0o640)
    for piece in pieces:
        data = piece
        while data:
            data = data[step("write", os.write, fd, data):]
    if sync:
        step("fsync", os.fsync, fd)
    step("close", os.close, fd)


def main(operation, path, *rest):
    given = [argument.encode("utf-8", "surrogateescape") for argument in rest]
    path = path.encode("utf-8", "surrogateescape")
    if operation == "write":
        write_pieces(path, given or [sys.stdin.buffer.read()])
    elif operation == "pieces":
        write_pieces(path, given)
    elif operation == "append":
        write_pieces(path, given or [sys.stdin.buffer.read()], flags=os.O_APPEND)
    elif operation == "fsync":
        write_pieces(path, given, sync=True)
    elif operation == "replace":
        temporary = os.path.join(os.path.dirname(path), b".try.tmp")
        write_pieces(temporary, given, flags=os.O_CREAT | os.O_EXCL)
        step("rename", os.rename, temporary, path)
    elif operation == "last-words":
        write_pieces(path, given[:1])
        for wanted in (signal.SIGSTOP, signal.SIGKILL):
            for pid in given[1:]:
                os.kill(int(pid), wanted)
    elif operation == "create":
        step("close", os.close, step("open", os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    elif operation == "truncate":
        step("close", os.close, step("open", os.open, path, os.O_WRONLY | os.O_TRUNC))
    elif operation == "cut":
        fd = step("open", os.open, path, os.O_WRONLY)
        step("ftruncate", os.ftruncate, fd, int(given[0]))
        step("close", os.close, fd)
    elif operation == "read":
        fd = step("open", os.open, path, os.O_RDONLY)
        while step("read", os.read, fd, 65536):
            pass
    else:
        step(operation, getattr(os, operation), path, *given)
    print("ok")


main(*sys.argv[1:])
