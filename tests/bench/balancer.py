#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How soon HAProxy does what a file says, in milliseconds: balancer.py SERVICE MASTER-SOCKET ROUNDS"""
import json
import os
import socket
import sys
import time

WANTED_MS = 50


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def settle(service):
    with open(os.path.join(service, "wait")) as file:
        file.read()


def ask(master, command):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0.5)
        connection.connect(master)
        connection.sendall(f"@1 {command}\n".encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def ready(master):
    """How many servers of load balancers take requests."""
    text = ""
    while "BACKEND" not in text:
        try:
            text = ask(master, "show stat")
        except OSError: # while it is loaded anew
            time.sleep(0.01)
    rows = [line.split(",") for line in text.splitlines() if "," in line]
    names = rows[0]
    servers = [row for row in rows[1:] if row[1] not in ("FRONTEND", "BACKEND")]
    return sum(row[names.index("status")].startswith(("UP", "no check")) for row in servers)


def listens(address, port):
    with socket.socket() as connection:
        return connection.connect_ex((address, port)) == 0


def timed(change, done):
    """A change that is accepted, until done says so."""
    begin = time.monotonic()
    change()
    while not done():
        time.sleep(0.0005)
        if time.monotonic() - begin > 30:
            sys.exit("HAProxy never did what was written")
    return (time.monotonic() - begin) * 1000


def row(what, times):
    times = sorted(times)
    median = times[len(times) // 2]
    print(f"| {what} | {len(times)} | {median:.1f} | {times[-1]:.1f} | wanted: under {WANTED_MS} ms at the median |")
    return median < WANTED_MS


def ports(service, rounds):
    path = os.path.join(service, "spec.json")
    with open(os.path.join(service, "status.json")) as file:
        address = json.load(file)["LBAddress"]
    with open(path) as file:
        spec = json.load(file)
    for number in range(rounds):
        port = 8081 - number % 2
        spec["ExternalLBPort"] = port
        yield timed(lambda: write(path, json.dumps(spec)), lambda: listens(address, port))
        settle(service)


def endpoints(service, master, rounds):
    path = os.path.join(service, "replicas")
    for _ in range(rounds):
        full = ready(master)
        yield timed(lambda: write(path, "2\n"), lambda: ready(master) < full)
        settle(service)
        write(path, "3\n")
        settle(service)


def main():
    service, master, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print("| from the write to HAProxy | rounds | median ms | longest ms | |\n| --- | --- | --- | --- | --- |")
    good = row("another port of a load balancer (reload)", list(ports(service, rounds)))
    good &= row("an endpoint leaves (runtime API)", list(endpoints(service, master, rounds)))
    sys.exit(not good)


if __name__ == "__main__":
    main()
