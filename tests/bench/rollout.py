#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the engine alone takes to replace containers in batches, in seconds.

rollout.py DOCKER-SOCKET CONTAINER REPLICAS DOMAINS

Of copies of the given container, as the platform made it: a batch after the other, in each all at once, stop, remove,
create, start, inspect: the calls that a rollout cannot do without.
"""
import concurrent.futures
import os
import sys
import time

from first_light import Bare, Engine


class Rolling(Bare):
    def __init__(self, engine, made):
        super().__init__(engine, made)
        self.ids = {}

    def make(self, number):
        self.one(number)
        self.ids[number] = self.engine.call("GET", f"/containers/{self.network}-{number}/json")["Id"]

    def replace(self, number):
        old = self.ids[number]
        self.engine.call("POST", f"/containers/{old}/stop?t=10")
        self.engine.call("DELETE", f"/containers/{old}?v=1")
        self.make(number)

    def roll(self, replicas, domains):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.make, range(replicas)))
        begin = time.monotonic()
        for domain in range(domains):
            batch = [n for n in range(replicas) if n * domains // replicas == domain]
            with concurrent.futures.ThreadPoolExecutor(len(batch)) as pool:
                list(pool.map(self.replace, batch))
        return time.monotonic() - begin


def main():
    socket, container, replicas, domains = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    engine = Engine(socket)
    bare = Rolling(engine, engine.call("GET", f"/containers/{container}/json"))
    try:
        print(f"{bare.roll(replicas, domains):.3f}")
    finally:
        bare.containers = [f"{bare.network}-{n}" for n in bare.ids]
        bare.done()


if __name__ == "__main__":
    os.umask(0o077)
    main()
