#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scan.py PATTERN-FILE PID...: prints each place in the processes' memory that holds the pattern."""
import sys


def scan(pid, pattern):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            fields = line.split(maxsplit=5)
            if "r" not in fields[1] or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in fields[0].split("-"))
            name = fields[5].strip() if len(fields) > 5 else "anonymous"
            tail = b""
            for at in range(start, end, 1 << 20):
                try:
                    memory.seek(at)
                    piece = memory.read(min(1 << 20, end - at))
                except OSError:
                    break
                found = (tail + piece).find(pattern)
                if found >= 0:
                    print(f"process {pid}: {at - len(tail) + found:#x} {name}")
                    break
                tail = piece[-len(pattern):]


with open(sys.argv[1], "rb") as file:
    wanted = file.read()
assert len(wanted) >= 16
for process in sys.argv[2:]:
    scan(process, wanted)
