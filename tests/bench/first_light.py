#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long from a spec with N replicas to N healthy ones, against the bare Engine API calls.

first_light.py MOUNTPOINT STATE-DIRECTORY DOCKER-SOCKET IMAGE [REPLICAS [ROUNDS]]

The bare side creates and starts the same containers (image, network type, published port, binds,
labels: copied from one that the platform made) over the number of connections that was best here.
Both sides run by turns on the same engine. Prints a table; the ratio is of the medians.
"""
import concurrent.futures
import copy
import http.client
import json
import os
import socket
import statistics
import sys
import threading
import time

BARE_PORT = 31000
TENANT = "bench"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Engine:
    """One kept connection a thread."""

    def __init__(self, path):
        self.path = path
        self.local = threading.local()

    def call(self, method, path, body=None):
        if not hasattr(self.local, "connection"):
            self.local.connection = UnixConnection(self.path)
        connection = self.local.connection
        data = None if body is None else json.dumps(body)
        connection.request(method, "/v1.41" + path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text) if text.strip() else None


def bare_body(made, network, number):
    """What the platform asked for when it made this container, for a container of nobody."""
    host = {key: made["HostConfig"].get(key) for key in (
        "Binds", "Mounts", "SecurityOpt", "Init", "LogConfig", "RestartPolicy", "CapDrop", "PidsLimit")}
    bindings = copy.deepcopy(made["HostConfig"]["PortBindings"])
    for binding in bindings.values():
        binding[0]["HostPort"] = str(BARE_PORT + number)
    host.update(PortBindings=bindings, NetworkMode=network)
    labels = dict(made["Config"]["Labels"])
    labels["duplo.platform"] = "bench-bare"
    return {
        "Image": made["Config"]["Image"], "Env": made["Config"]["Env"], "Labels": labels,
        "ExposedPorts": made["Config"].get("ExposedPorts"), "HostConfig": host,
    }


class Bare:
    def __init__(self, engine, made):
        self.engine, self.made = engine, made
        self.network = f"bench-bare-{os.getpid()}"
        self.containers = []
        engine.call("POST", "/networks/create", {"Name": self.network, "CheckDuplicate": True})

    def one(self, number):
        name = f"{self.network}-{number}"
        made = self.engine.call("POST", f"/containers/create?name={name}",
                                bare_body(self.made, self.network, number))["Id"]
        self.containers.append(made)
        self.engine.call("POST", f"/containers/{made}/start")

    def run(self, replicas, connections):
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            list(pool.map(self.one, range(replicas)))
        took = time.monotonic() - begin
        self.clear()
        return took

    def clear(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda c: self.engine.call("DELETE", f"/containers/{c}?force=1"),
                          self.containers))
        self.containers = []

    def done(self):
        self.clear()
        self.engine.call("DELETE", f"/networks/{self.network}")


class Platform:
    def __init__(self, mountpoint, image):
        self.tenant = os.path.join(mountpoint, TENANT)
        self.image = image
        os.makedirs(os.path.join(self.tenant, "services"), exist_ok=True)

    def path(self, service, name=""):
        return os.path.join(self.tenant, "services", service, name)

    def write(self, service, name, text):
        """One write as a shell makes it; returns the seconds until close has returned."""
        begin = time.monotonic()
        fd = os.open(self.path(service, name), os.O_WRONLY | os.O_TRUNC)
        os.write(fd, text.encode())
        os.close(fd)
        return time.monotonic() - begin

    def deploy(self, service, replicas, **more):
        os.mkdir(self.path(service))
        spec = {"DockerImage": self.image, "Replicas": str(replicas), "ExternalLBPort": "80", **more}
        begin = time.monotonic()
        self.write(service, "spec.json", json.dumps(spec))
        with open(self.path(service, "wait"), encoding="utf-8") as wait:
            wait.read()
        took = time.monotonic() - begin
        with open(self.path(service, "status.json"), encoding="utf-8") as status:
            healthy = json.load(status)["Healthy"]
        if healthy != replicas:
            raise RuntimeError(f"wait has returned with {healthy} healthy of {replicas}")
        return took

    def remove(self, service, engine):
        os.rmdir(self.path(service))
        query = json.dumps({"label": [f"duplo.tenant={TENANT}", f"duplo.service={service}"]})
        while engine.call("GET", "/containers/json?all=1&filters=" + query.replace(" ", "")
                          .replace('"', "%22").replace("{", "%7B").replace("}", "%7D")
                          .replace("[", "%5B").replace("]", "%5D")):
            time.sleep(0.05)


def container_of(platform, engine, service):
    with open(platform.path(service, "instances/0/status.json"), encoding="utf-8") as status:
        return engine.call("GET", f"/containers/{json.load(status)['Container']}/json")


def measure_start(platform, engine, replicas, rounds):
    platform.deploy("model", 1)
    bare = Bare(engine, container_of(platform, engine, "model"))
    try:
        tried = {connections: bare.run(replicas, connections) for connections in (2, 4, 8, 16)}
        best = min(tried, key=tried.get)
        print("bare calls over 2/4/8/16 connections: "
              + " / ".join(f"{seconds:.2f} s" for seconds in tried.values()) + f"; best: {best}")
        times = {"bare": [], "duplofs": []}
        for number in range(rounds):
            times["bare"].append(bare.run(replicas, best))
            times["duplofs"].append(platform.deploy(f"run{number}", replicas))
            platform.remove(f"run{number}", engine)
    finally:
        bare.done()
    platform.remove("model", engine)
    medians = {side: statistics.median(values) for side, values in times.items()}
    print(f"\n| {replicas} replicas: write to all healthy | median | all |\n| --- | --- | --- |")
    for side, values in times.items():
        print(f"| {side} | {medians[side]:.2f} s | " + ", ".join(f"{v:.2f}" for v in values) + " |")
    print(f"| ratio | {medians['duplofs'] / medians['bare']:.2f} | wanted: at most 1.15 |")


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure_accept(platform, engine, state):
    """A change that touches no container, so that just the accepting is on the clock."""
    platform.deploy("accept", 1)
    spec = {"DockerImage": platform.image, "Replicas": "1", "ExternalLBPort": "80"}
    took, disk = [], []
    log = os.open(os.path.join(state, "bench.probe"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in range(500):
        took.append(platform.write("accept", "spec.json",
                                   json.dumps({**spec, "DrainSeconds": number % 100 + 1})))
        begin = time.monotonic()
        os.write(log, b"x" * 4096)
        os.fdatasync(log)
        disk.append(time.monotonic() - begin)
    os.close(log)
    os.unlink(os.path.join(state, "bench.probe"))
    platform.remove("accept", engine)
    print("\n| accepting a spec (open, write, close; durable) | median | p99 |\n| --- | --- | --- |")
    for name, values in (("duplofs", took), ("append 4 KiB + fdatasync, same disk", disk)):
        print(f"| {name} | {statistics.median(values) * 1000:.2f} ms | {percentile(values, 0.99) * 1000:.2f} ms |")
    print(f"| ratio | {statistics.median(took) / statistics.median(disk):.1f} | wanted: median under 5 ms |")


def main(mountpoint, state, docker, image, replicas="50", rounds="3"):
    engine = Engine(docker)
    platform = Platform(mountpoint, image)
    measure_start(platform, engine, int(replicas), int(rounds))
    measure_accept(platform, engine, state)
    os.rmdir(platform.tenant)


if __name__ == "__main__":
    main(*sys.argv[1:])
